// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/wal.hpp>
#include <varve/testing/minimal_engine.hpp>
#include <varve/testing/threaded_laws.hpp>

#include "catch.hpp"
#include "laws/disk_fixture.hpp"

#include <chrono>

using namespace varve;

TEMPLATE_TEST_CASE("Wal keeps the laws of threads, whether the log is trimmed or not", "",
                   VARVE_STACKS_OF_LANE(Wal<RocksAdapter>, Wal<testing::MinimalEngine>,
                                        Wal<MemoryAdapter>, Wal<LmdbAdapter>)) {
  const auto options = GENERATE(WalOptions{}, WalOptions{.checkpoint_bytes = 20'000});
  varve_test::DiskFixture<TestType, WalOptions> fixture(options);
  const auto broken = testing::check_threaded_laws(fixture, std::chrono::milliseconds(300));
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
}
