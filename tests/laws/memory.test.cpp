// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/layers/counted.hpp>
#include <varve/layers/metered.hpp>
#include <varve/open.hpp>
#include <varve/testing/laws.hpp>

#include "catch.hpp"

using namespace varve;

TEMPLATE_TEST_CASE("Memory keeps every law, bare and under layers", "",
                   VARVE_STACKS_OF_LANE(MemoryAdapter, Counted<MemoryAdapter>,
                                        Metered<MemoryAdapter>, Metered<Counted<MemoryAdapter>>,
                                        Counted<Metered<MemoryAdapter>>)) {
  const auto broken = testing::check_laws([] { return open<TestType>(); });
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
}
