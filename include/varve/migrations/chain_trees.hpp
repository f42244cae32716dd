// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/migrations/history.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace varve::detail {

/// Whether a run from `version` reads the records of the tree.
template <class Chain>
[[nodiscard]] bool reads_tree(BytesView name, std::uint32_t version) {
  bool reads = false;
  [&]<class... S>(StepList<S...>) {
    const auto each = [&]<class Step, class... A>(Actions<A...>) {
      ((reads = reads || (Step::from >= version && A::tree == name &&
                          (A::kind == ActionKind::rewrite || A::kind == ActionKind::move ||
                           A::kind == ActionKind::build_index))),
       ...);
    };
    (each.template operator()<S>(typename ActionsOf<S>::type{}), ...);
  }(typename Chain::Steps{});
  return reads;
}

/// Whether a step from `version` on, and below `end`, writes records of the tree in a new layout.
template <class Chain>
[[nodiscard]] bool rewrites_tree(BytesView name, std::uint32_t version,
                                 std::uint32_t end = Chain::latest) {
  bool rewrites = false;
  [&]<class... S>(StepList<S...>) {
    const auto each = [&]<class Step, class... A>(Actions<A...>) {
      ((rewrites = rewrites || (Step::from >= version && Step::from < end &&
                                A::kind == ActionKind::rewrite && A::tree == name)),
       ...);
    };
    (each.template operator()<S>(typename ActionsOf<S>::type{}), ...);
  }(typename Chain::Steps{});
  return rewrites;
}

/// Whether a run from `version` leaves the entries of every index of the tree's table as they are.
template <class Chain>
[[nodiscard]] bool keeps_indexes(BytesView name, std::uint32_t version) {
  bool keeps = true;
  [&]<class... S>(StepList<S...>) {
    const auto each = [&]<class Step, class... A>(Actions<A...>) {
      ((keeps = keeps && (Step::from < version || Step::keeps_indexes ||
                          A::kind != ActionKind::rewrite || A::tree != name)),
       ...);
    };
    (each.template operator()<S>(typename ActionsOf<S>::type{}), ...);
  }(typename Chain::Steps{});
  return keeps;
}

/// Calls `use.operator()<RecordTree>()` once for each tree that an action reads or writes the
/// records of, in the order of the chain.
template <class Chain, class Use>
void each_tree(Use&& use) {
  std::vector<BytesView> seen;
  const auto call = [&]<class RecordTree>() {
    if (std::find(seen.begin(), seen.end(), RecordTree::name) != seen.end()) return;
    seen.push_back(RecordTree::name);
    use.template operator()<RecordTree>();
  };
  const auto call_of = [&]<class A>() {
    if constexpr (requires { typename A::Source; }) call.template operator()<typename A::Source>();
    if constexpr (requires { typename A::Target; }) call.template operator()<typename A::Target>();
  };
  [&]<class... S>(StepList<S...>) {
    const auto each = [&]<class... A>(Actions<A...>) { (call_of.template operator()<A>(), ...); };
    (each(typename ActionsOf<S>::type{}), ...);
  }(typename Chain::Steps{});
}

/// The same for each tree whose records have a version in front of them in a store of the latest
/// version.
template <class Chain, class Use>
void each_versioned_tree(Use&& use) {
  each_tree<Chain>([&]<class RecordTree>() {
    if constexpr (layouts_at_t<Chain, RecordTree::text, Chain::latest>::size != 0) {
      use.template operator()<RecordTree>();
    }
  });
}

/// Their names.
template <class Chain>
[[nodiscard]] std::vector<std::string> versioned_trees() {
  std::vector<std::string> names;
  each_versioned_tree<Chain>([&]<class RecordTree>() { names.emplace_back(RecordTree::name); });
  return names;
}

}  // namespace varve::detail
