// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/wal.hpp>
#include <varve/testing/full_engine.hpp>
#include <varve/testing/minimal_engine.hpp>
#include <varve/testing/model_test.hpp>

#include "catch.hpp"
#include "laws/disk_fixture.hpp"

using namespace varve;

TEMPLATE_TEST_CASE("Wal passes the model test with reopenings, whether the log is trimmed or not",
                   "",
                   VARVE_STACKS_OF_LANE(Wal<testing::FullEngine>, Wal<testing::MinimalEngine>,
                                        Wal<MemoryAdapter>, Wal<RocksAdapter>, Wal<LmdbAdapter>)) {
  const auto options = GENERATE(WalOptions{}, WalOptions{.checkpoint_bytes = 3000});
  varve_test::DiskFixture<TestType, WalOptions> fixture(options);
  const auto failure = testing::run_model_test(fixture, {.operations = 1000, .tries = 300});
  INFO((failure ? to_string(*failure) : ""));
  CHECK_FALSE(failure);
}
