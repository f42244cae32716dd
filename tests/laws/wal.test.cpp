// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/counted.hpp>
#include <varve/layers/metered.hpp>
#include <varve/layers/wal.hpp>
#include <varve/testing/full_engine.hpp>
#include <varve/testing/laws.hpp>
#include <varve/testing/minimal_engine.hpp>

#include "catch.hpp"
#include "laws/disk_fixture.hpp"

using namespace varve;

namespace {

template <class Stack>
void check(const WalOptions& options) {
  varve_test::DiskFixture<Stack, WalOptions> fixture(options);
  const auto broken = testing::check_laws(fixture);
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
  const auto numbers = testing::law_numbers(fixture);
  CHECK(std::find(numbers.begin(), numbers.end(), "RO1") != numbers.end());
  CHECK(std::find(numbers.begin(), numbers.end(), "TL1") != numbers.end());
}

}  // namespace

TEMPLATE_TEST_CASE("Wal keeps every law over every engine, and under layers", "",
                   VARVE_STACKS_OF_LANE(Wal<RocksAdapter>, Wal<testing::MinimalEngine>,
                                        Wal<testing::FullEngine>, Wal<MemoryAdapter>,
                                        Wal<LmdbAdapter>, Wal<Counted<MemoryAdapter>>,
                                        Metered<Wal<RocksAdapter>>)) {
  check<TestType>({});
}

TEMPLATE_TEST_CASE("Wal keeps every law where the log is trimmed all the time", "",
                   VARVE_STACKS_OF_LANE(Wal<testing::FullEngine>, Wal<testing::MinimalEngine>,
                                        Wal<MemoryAdapter>)) {
  check<TestType>({.checkpoint_bytes = 200, .segment_bytes = 1U << 16U});
}
