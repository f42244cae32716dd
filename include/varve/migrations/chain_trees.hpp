// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/migrations/history.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace varve::detail {

/// The trees whose records have a version in front of them in a store of the
/// latest version.
template <class Chain>
[[nodiscard]] std::vector<std::string> versioned_trees() {
  std::vector<std::string> names;
  const auto add = [&]<class RecordTree>() {
    if constexpr (layouts_at_t<Chain, RecordTree::text, Chain::latest>::size != 0) {
      if (std::find(names.begin(), names.end(), RecordTree::name) == names.end()) {
        names.emplace_back(RecordTree::name);
      }
    }
  };
  const auto add_of = [&]<class A>() {
    if constexpr (requires { typename A::Source; }) add.template operator()<typename A::Source>();
    if constexpr (requires { typename A::Target; }) add.template operator()<typename A::Target>();
  };
  [&]<class... S>(StepList<S...>) {
    const auto each = [&]<class... A>(Actions<A...>) { (add_of.template operator()<A>(), ...); };
    (each(typename ActionsOf<S>::type{}), ...);
  }(typename Chain::Steps{});
  return names;
}

/// Whether a run from `version` reads the records of the tree.
template <class Chain>
[[nodiscard]] bool reads_tree(BytesView name, std::uint32_t version) {
  bool reads = false;
  [&]<class... S>(StepList<S...>) {
    const auto each = [&]<class Step, class... A>(Actions<A...>) {
      ((reads = reads || (Step::from >= version && A::kind != ActionKind::create &&
                          A::kind != ActionKind::drop && A::tree == name)),
       ...);
    };
    (each.template operator()<S>(typename ActionsOf<S>::type{}), ...);
  }(typename Chain::Steps{});
  return reads;
}

}  // namespace varve::detail
