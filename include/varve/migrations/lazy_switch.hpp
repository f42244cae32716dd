// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/migrations/chain_trees.hpp>
#include <varve/migrations/facts.hpp>
#include <varve/migrations/follow_tables.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/put_steps.hpp>
#include <varve/migrations/run_meter.hpp>
#include <varve/migrations/schema_heights.hpp>
#include <varve/operations.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace varve::detail {

/// Whether a step from `version` on makes a tree under a name that is held, or will be: the tree
/// that has it is removed before that.
template <class Chain, KvEngine E>
[[nodiscard]] bool makes_what_is_held(const Ledger<E>& ledger, std::uint32_t version) {
  bool found = false;
  std::vector<BytesView> dropped;
  const auto look = [&]<class A>() {
    if constexpr (A::kind == ActionKind::drop) dropped.push_back(A::tree);
    if constexpr (A::kind == ActionKind::create) {
      const auto known = ledger.tree(A::tree);
      found = found || (known && known->state == TreeState::held) ||
              std::find(dropped.begin(), dropped.end(), A::tree) != dropped.end();
    }
  };
  [&]<class... S>(StepList<S...>) {
    const auto each = [&]<class Step, class... A>(Actions<A...>) {
      if (Step::from >= version) (look.template operator()<A>(), ...);
    };
    (each.template operator()<S>(typename ActionsOf<S>::type{}), ...);
  }(typename Chain::Steps{});
  return found;
}

/// Whether the steps from `version` on can be taken by converting records as they are read: each is
/// lazy, and all records that they read have a version in front of them.
template <class Chain, KvEngine E>
[[nodiscard]] bool can_be_lazy(const E& engine, const Ledger<E>& ledger, std::uint32_t version) {
  for (const StepFacts& step : steps_of<Chain>()) {
    if (step.from >= version && step.pace != lazy) return false;
  }
  if (makes_what_is_held<Chain>(ledger, version)) return false;
  for (const std::string& name : versioned_trees<Chain>()) {
    if (!rewrites_tree<Chain>(name, version) || !engine.find_tree(name)) continue;
    const auto known = ledger.tree(name);
    if (!known || known->state != TreeState::live) return false;
  }
  return true;
}

/// About as many records as a run from `version` reads.
template <class Chain, KvEngine E>
[[nodiscard]] std::uint64_t records_to_read(const E& engine, std::uint32_t version) {
  std::uint64_t records = 0;
  for (const TreeInfo& info : engine.trees()) {
    if (reads_tree<Chain>(info.name, version)) records += approximate_count(engine, info.tree);
  }
  return records;
}

/// Takes a store to the latest version by one batch, without a look at its records: they stay as
/// they are, and the floor says so. `backup` is the copy that was made before, if one was.
template <class Chain, KvEngine E>
void switch_lazily(E& engine, Ledger<E>& ledger, LedgerHead head, std::uint32_t from,
                   const std::string& backup) {
  const std::int64_t now = seconds_since_1970();
  WriteBatch batch;
  const auto act = [&]<class S, class A>() {
    if constexpr (A::kind == ActionKind::create) {
      static_cast<void>(engine.open_tree(A::tree));
      ledger.erase_tree(batch, A::tree);  // One that was taken back is there again.
    } else if constexpr (A::kind == ActionKind::drop) {
      ledger.put(batch, A::tree,
                 LedgerTree{.state = TreeState::held, .version = S::to, .since = now});
    }
  };
  [&]<class... S>(StepList<S...>) {
    const auto each = [&]<class Step, class... A>(Actions<A...>) {
      if (Step::from >= from) (act.template operator()<Step, A>(), ...);
    };
    (each.template operator()<S>(typename ActionsOf<S>::type{}), ...);
  }(typename Chain::Steps{});
  each_versioned_tree<Chain>([&]<class RecordTree>() {
    if (!rewrites_tree<Chain>(RecordTree::name, from)) return;
    ledger.put(batch, RecordTree::name, LedgerTree{.version = Chain::latest, .since = now});
    follow_rewrite<Chain, RecordTree>(engine, batch, keeps_indexes<Chain>(RecordTree::name, from));
  });
  const LedgerHead before = head;
  ++head.epoch;
  head.write_version = Chain::latest;
  head.least_program = Chain::latest;
  head.chain = chain_identity(steps_of<Chain>(), Chain::oldest, Chain::latest);
  ledger.put(batch, head);
  note_rest<Chain>(engine, ledger, batch, before, head);
  put_steps<Chain>(ledger, batch, (head.epoch << 8U) + 1, from, Chain::latest, false, backup);
  engine.write(batch, Durability::synced);
}

}  // namespace varve::detail
