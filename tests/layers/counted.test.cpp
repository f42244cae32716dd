// SPDX-License-Identifier: Apache-2.0
#include <varve/layers/counted.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>
#include <varve/testing/minimal_engine.hpp>

#include "catch.hpp"

#include <thread>
#include <vector>

using namespace varve;
using Stack = Counted<testing::MinimalEngine>;

static_assert(assert_layer<Stack>());
static_assert(!MultiGetEngine<Stack>);

TEST_CASE("Counted: counts every key asked for, over threads") {
  auto stack = open<Stack>();
  const Tree tree = stack.open_tree("t");
  put(stack, tree, "a", "1");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 500; ++n) {
        (void)stack.get(tree, "a");
        (void)stack.contains(tree, "b");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(stack.reads() == 4000);
}

TEST_CASE("Counted: leaves reserved trees out") {
  auto stack = open<Stack>();
  const Tree tree = stack.open_tree("varve.mine");
  (void)stack.get(tree, "a");
  CHECK(stack.reads() == 0);
}
