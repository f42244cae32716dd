// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/layer.hpp>
#include <varve/testing/fixture.hpp>
#include <varve/testing/laws/support.hpp>

/// The law of layers: docs/concepts/layer.md.
namespace varve::testing::detail {

template <Fixture F>
void layer_passes_reserved_trees_on(F& fixture) {
  const auto engine = fixture.make();
  const Tree own = engine->open_tree("varve.laws");
  put(*engine, own, "from above", "1");
  auto& below = engine->next();
  expect(below.find_tree("varve.laws") == own, "a reserved tree has another id below the layer");
  expect_contents(below, own, {{"from above", "1"}});
  put(below, own, "from below", "2");
  expect_contents(*engine, own, {{"from above", "1"}, {"from below", "2"}});
  expect_value(*engine, own, "from below", "2");
}

}  // namespace varve::testing::detail
