// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/testing/fixture.hpp>
#include <varve/testing/model_test.hpp>

#include "catch.hpp"

using namespace varve;

TEST_CASE("Memory passes the model test, with each kind of instruction") {
  const std::uint32_t bits = GENERATE(512U, 256U, 0U);
  testing::FixtureOf fixture([&] { return MemoryAdapter({.max_vector_bits = bits}); });
  const auto failure = testing::run_model_test(fixture);
  INFO((failure ? to_string(*failure) : ""));
  CHECK_FALSE(failure);
}
