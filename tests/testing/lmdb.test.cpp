// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/layers/counted.hpp>
#include <varve/testing/model_test.hpp>

#include "catch.hpp"
#include "laws/disk_fixture.hpp"

using namespace varve;

TEMPLATE_TEST_CASE("LMDB passes the model test", "",
                   VARVE_STACKS_OF_LANE(LmdbAdapter, Counted<LmdbAdapter>)) {
  varve_test::DiskFixture<TestType> fixture;
  const auto failure = testing::run_model_test(fixture);
  INFO((failure ? to_string(*failure) : ""));
  CHECK_FALSE(failure);
}
