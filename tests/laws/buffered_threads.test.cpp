// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/buffered.hpp>
#include <varve/layers/wal.hpp>
#include <varve/testing/full_engine.hpp>
#include <varve/testing/minimal_engine.hpp>
#include <varve/testing/threaded_laws.hpp>

#include "catch.hpp"
#include "laws/disk_fixture.hpp"

#include <chrono>

using namespace varve;

TEMPLATE_TEST_CASE("Buffered keeps the laws of threads, however often it hands down", "",
                   VARVE_STACKS_OF_LANE(Wal<Buffered<LmdbAdapter>>,
                                        Buffered<testing::MinimalEngine>,
                                        Buffered<testing::FullEngine>, Buffered<MemoryAdapter>,
                                        Buffered<LmdbAdapter>, Buffered<RocksAdapter>)) {
  const auto options =
      GENERATE(BufferedOptions{}, BufferedOptions{.capacity_bytes = 500, .max_age_ms = 1});
  varve_test::DiskFixture<TestType, BufferedOptions> fixture(options);
  const auto broken = testing::check_threaded_laws(fixture, std::chrono::milliseconds(200));
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
}
