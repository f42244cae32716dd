// SPDX-License-Identifier: Apache-2.0
#include <varve/describe.hpp>
#include <varve/layers/counted.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>
#include <varve/testing/minimal_engine.hpp>

#include "catch.hpp"

#include <array>
#include <optional>
#include <string>

using namespace varve;
using varve::testing::MinimalEngine;
using varve_test::ContainsSubstring;

TEST_CASE("operations: one key is put, copied out and erased") {
  MinimalEngine engine;
  const Tree tree = engine.open_tree("t");
  put(engine, tree, "a", "1");
  put(engine, tree, "b", "2");
  CHECK(get_copy(engine, tree, "a") == "1");
  erase(engine, tree, "a");
  CHECK_FALSE(get_copy(engine, tree, "a"));
  CHECK(count(engine, tree) == 1);
  erase_range(engine, tree, KeyRange::prefix("b"));
  CHECK(count(engine, tree) == 0);
}

TEST_CASE("operations: the general multi_get answers in the order of the keys") {
  MinimalEngine engine;
  const Tree tree = engine.open_tree("t");
  put(engine, tree, "a", "1");
  put(engine, tree, "c", "3");
  const std::array<BytesView, 3> keys{"c", "b", "a"};
  std::array<std::optional<pinned_t<MinimalEngine>>, 3> values;
  multi_get(engine, tree, keys, values);
  CHECK(values[0]->view() == "3");
  CHECK_FALSE(values[1]);
  CHECK(values[2]->view() == "1");
  CHECK_THROWS_WITH(multi_get(engine, tree, std::span(keys).first(2), values),
                    ContainsSubstring("2 keys are given and room for 3 values"));
}

TEST_CASE("operations: the general count and loader do what the native ones do") {
  MinimalEngine engine;
  const Tree tree = engine.open_tree("t");
  auto loader = bulk_loader(engine, tree);
  for (char c = 'a'; c <= 'z'; ++c) loader.put(std::string(1, c), "v");
  CHECK_THROWS_WITH(loader.put("z", "v"), ContainsSubstring("strictly ascending"));
  loader.finish();
  CHECK(count(engine, tree) == 26);
  CHECK(approximate_count(engine, tree, KeyRange::between("b", "e")) == 3);
}

TEST_CASE("describe: names the parts, the options in force and each capability") {
  const auto stack = open<Counted<MinimalEngine>>();
  const std::string text = describe(stack);
  CHECK_THAT(text, ContainsSubstring("counted<minimal>"));
  CHECK_THAT(text, ContainsSubstring("max_key_bytes = "));
  CHECK_THAT(text, ContainsSubstring("multi_get           emulated"));
  CHECK_THAT(text, ContainsSubstring("snapshot            absent"));
}
