// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/migrations/run_facts.hpp>
#include <varve/migrations/run_options.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace varve::detail {

/// The trees that the steps between two versions read or write, or take away.
template <class Chain>
[[nodiscard]] std::vector<std::string> changed_trees(std::uint32_t low, std::uint32_t high) {
  std::vector<std::string> names;
  const auto add = [&](BytesView name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
  };
  for (const ActionFacts& action : actions_of<Chain>()) {
    const std::uint32_t after = version_after<Chain>(action);
    if (after <= low || after > high) continue;
    add(action.source);
    add(action.target);
  }
  return names;
}

/// Has the engine give back the space of what a run has overwritten and removed. The run has ended:
/// nothing depends on it, and what is thrown leaves a store of the new version.
template <class Chain, KvEngine E>
void compact_changed(E& engine, std::uint32_t from, std::uint32_t to, const RunOptions& options) {
  if constexpr (CompactEngine<E>) {
    for (const std::string& name : changed_trees<Chain>(std::min(from, to), std::max(from, to))) {
      const auto tree = engine.find_tree(name);
      if (!tree) continue;
      if (options.progress) options.progress({.tree = name, .compacting = true});
      engine.compact(*tree, KeyRange::all());
    }
  }
}

}  // namespace varve::detail
