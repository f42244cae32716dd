// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/layer.hpp>
#include <varve/testing/laws/support.hpp>

/// The law of layers: docs/concepts/layer.md.
namespace varve::testing::detail {

template <varve::detail::LayerShape L>
void layer_passes_reserved_trees_on(L& layer) {
  const Tree own = layer.open_tree("varve.laws");
  put(layer, own, "from above", "1");
  auto& below = layer.next();
  expect(below.find_tree("varve.laws") == own, "a reserved tree has another id below the layer");
  expect_contents(below, own, {{"from above", "1"}});
  put(below, own, "from below", "2");
  expect_contents(layer, own, {{"from above", "1"}, {"from below", "2"}});
  expect_value(layer, own, "from below", "2");
}

}  // namespace varve::testing::detail
