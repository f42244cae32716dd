// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/layers/metered.hpp>
#include <varve/testing/threaded_laws.hpp>

#include "catch.hpp"
#include "testing/in_memory.hpp"

#include <chrono>

using namespace varve;

TEMPLATE_TEST_CASE("Memory keeps the laws of threads, bare and under a layer", "",
                   VARVE_STACKS_OF_LANE(MemoryAdapter, Metered<MemoryAdapter>)) {
  varve_test::InMemory<TestType> fixture;
  const auto broken = testing::check_threaded_laws(fixture, std::chrono::milliseconds(700));
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
}
