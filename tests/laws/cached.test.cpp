// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/cached.hpp>
#include <varve/testing/full_engine.hpp>
#include <varve/testing/laws.hpp>
#include <varve/testing/minimal_engine.hpp>
#include <varve/testing/model_test.hpp>
#include <varve/testing/threaded_laws.hpp>

#include "catch.hpp"
#include "laws/disk_fixture.hpp"

#include <chrono>

using namespace varve;

namespace {

template <class Fixture>
void check(Fixture& fixture, bool with_threads) {
  const auto broken = testing::check_laws(fixture);
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
  if (with_threads) {
    const auto threads = testing::check_threaded_laws(fixture, std::chrono::milliseconds(200));
    INFO((threads ? to_string(*threads) : ""));
    CHECK_FALSE(threads);
  }
  const auto failure = testing::run_model_test(fixture, {.operations = 1000, .tries = 300});
  INFO((failure ? to_string(*failure) : ""));
  CHECK_FALSE(failure);
}

}  // namespace

TEMPLATE_TEST_CASE("Cached keeps every law over engines that last", "",
                   VARVE_STACKS_OF_LANE(Cached<RocksAdapter>, Cached<LmdbAdapter>)) {
  const auto options = GENERATE(CachedOptions{}, CachedOptions{.capacity_bytes = 40'000});
  varve_test::DiskFixture<TestType, CachedOptions> fixture(options);
  check(fixture, true);
}

TEMPLATE_TEST_CASE("Cached keeps every law over engines in memory", "",
                   VARVE_STACKS_OF_LANE(Cached<testing::FullEngine>, Cached<testing::MinimalEngine>,
                                        (Cached<testing::FullEngine, Lru>),
                                        Cached<MemoryAdapter>)) {
  const auto options = GENERATE(CachedOptions{}, CachedOptions{.capacity_bytes = 40'000});
  const auto make = [&] { return open<TestType>(options); };
  testing::FixtureOf<decltype(make)> fixture(make);
  check(fixture, true);
}
