// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/migrations/chain.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace varve::detail {

/// Every action of the chain, in order, without its types.
template <class Chain>
[[nodiscard]] constexpr std::span<const ActionFacts> actions_of() noexcept {
  return ChainProof<typename Chain::Steps>::facts;
}

/// The version that the step of an action leads to.
template <class Chain>
[[nodiscard]] constexpr std::uint32_t version_after(const ActionFacts& action) noexcept {
  return Chain::oldest + static_cast<std::uint32_t>(action.step) + 1;
}

/// Whether in a store of `version` the records of the tree have a version in
/// front of them.
template <class Chain>
[[nodiscard]] bool versioned_at(BytesView tree, std::uint32_t version) noexcept {
  bool versioned = false;
  for (const ActionFacts& action : actions_of<Chain>()) {
    if (version_after<Chain>(action) > version) break;
    if (action.converts && action.target == tree) {
      versioned = true;
    } else if (action.source == tree && action.kind != ActionKind::create) {
      versioned = false;
    }
  }
  return versioned;
}

/// Whether records that a step between the two versions took out of the tree had a version in front
/// of them: programs of then read one there.
template <class Chain>
[[nodiscard]] bool left_versioned(BytesView tree, std::uint32_t after,
                                  std::uint32_t last) noexcept {
  bool left = false;
  for (const ActionFacts& action : actions_of<Chain>()) {
    const std::uint32_t version = version_after<Chain>(action);
    const bool leaves = action.kind == ActionKind::move || action.kind == ActionKind::drop;
    if (version <= after || version > last || !leaves || action.source != tree) continue;
    left = left || versioned_at<Chain>(tree, version - 1);
  }
  return left;
}

/// The trees whose records an action reads or writes.
template <class Chain>
[[nodiscard]] std::vector<std::string> record_trees() {
  std::vector<std::string> names;
  const auto add = [&](BytesView name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
  };
  for (const ActionFacts& action : actions_of<Chain>()) {
    if (!action.converts) continue;
    add(action.source);
    add(action.target);
  }
  return names;
}

/// Whether taking the steps from `version` on back reads the records of the
/// tree.
template <class Chain>
[[nodiscard]] bool reads_tree_back(BytesView tree, std::uint32_t version) noexcept {
  for (const ActionFacts& action : actions_of<Chain>()) {
    if (version_after<Chain>(action) > version && action.converts && action.target == tree) {
      return true;
    }
  }
  return false;
}

/// The version that the records of `tree` have when every step from `low` on is
/// taken back that stands behind `high`, or that of the move which brought them
/// there.
template <class Chain>
[[nodiscard]] std::uint32_t resting_version(BytesView tree, std::uint32_t low,
                                            std::uint32_t high) noexcept {
  std::uint32_t version = low;
  for (const ActionFacts& action : actions_of<Chain>()) {
    const std::uint32_t after = version_after<Chain>(action);
    if (after > low && after <= high && action.kind == ActionKind::move && action.target == tree) {
      version = after;
    }
  }
  return version;
}

}  // namespace varve::detail
