// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/versioned.hpp>
#include <varve/layers/wal.hpp>
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

template <KvEngine Next>
using Plain = Versioned<Next, Uncommitted>;

template <class Fixture>
void check(Fixture& fixture) {
  const auto broken = testing::check_laws(fixture);
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
  const auto threads = testing::check_threaded_laws(fixture, std::chrono::milliseconds(50));
  INFO((threads ? to_string(*threads) : ""));
  CHECK_FALSE(threads);
  const auto failure = testing::run_model_test(fixture, {.operations = 600, .tries = 300});
  INFO((failure ? to_string(*failure) : ""));
  CHECK_FALSE(failure);
}

}  // namespace

TEMPLATE_TEST_CASE("Versioned keeps every law over engines that last", "",
                   VARVE_STACKS_OF_LANE(Versioned<Cached<Wal<RocksAdapter>>>,
                                        Versioned<LmdbAdapter>)) {
  varve_test::DiskFixture<TestType, VersionedOptions> fixture(
      VersionedOptions{.retain_heights = 3});
  check(fixture);
}

TEMPLATE_TEST_CASE("Versioned keeps every law over engines in memory", "",
                   VARVE_STACKS_OF_LANE(Plain<testing::FullEngine>,
                                        Versioned<testing::MinimalEngine>,
                                        Versioned<MemoryAdapter>)) {
  const auto options = GENERATE(VersionedOptions{}, VersionedOptions{.retain_heights = 3});
  const auto make = [&] { return open<TestType>(options); };
  testing::FixtureOf<decltype(make)> fixture(make);
  check(fixture);
}
