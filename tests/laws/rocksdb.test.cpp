// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/counted.hpp>
#include <varve/layers/metered.hpp>
#include <varve/testing/laws.hpp>

#include "catch.hpp"
#include "laws/disk_fixture.hpp"

using namespace varve;

TEMPLATE_TEST_CASE("RocksDB keeps every law, bare and under layers", "",
                   VARVE_STACKS_OF_LANE(RocksAdapter, Counted<RocksAdapter>, Metered<RocksAdapter>,
                                        Metered<Counted<RocksAdapter>>,
                                        Counted<Metered<RocksAdapter>>)) {
  varve_test::DiskFixture<TestType> fixture;
  const auto broken = testing::check_laws(fixture);
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
  CHECK(testing::law_numbers(fixture).size() >= 33);
}
