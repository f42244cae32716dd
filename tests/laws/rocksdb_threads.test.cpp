// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/metered.hpp>
#include <varve/testing/threaded_laws.hpp>

#include "catch.hpp"
#include "laws/disk_fixture.hpp"

#include <chrono>

using namespace varve;

TEMPLATE_TEST_CASE("RocksDB keeps the laws of threads, bare and under a layer", "",
                   VARVE_STACKS_OF_LANE(RocksAdapter, Metered<RocksAdapter>)) {
  varve_test::DiskFixture<TestType> fixture;
  const auto broken = testing::check_threaded_laws(fixture, std::chrono::milliseconds(700));
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
}
