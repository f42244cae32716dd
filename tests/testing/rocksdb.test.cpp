// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/counted.hpp>
#include <varve/testing/model_test.hpp>

#include "catch.hpp"
#include "laws/disk_fixture.hpp"

using namespace varve;

TEMPLATE_TEST_CASE("RocksDB passes the model test", "",
                   VARVE_STACKS_OF_LANE(RocksAdapter, Counted<RocksAdapter>)) {
  varve_test::DiskFixture<TestType> fixture;
  const auto failure = testing::run_model_test(fixture);
  INFO((failure ? to_string(*failure) : ""));
  CHECK_FALSE(failure);
}
