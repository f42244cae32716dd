// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/run_batches.hpp>
#include <varve/migrations/run_facts.hpp>
#include <varve/migrations/schema_heights.hpp>

#include <cstdint>

namespace varve::detail {

/// A tree that step `S` makes.
template <class S, class A>
struct CreatePass {
  static constexpr BytesView name = A::tree;
  static constexpr std::uint32_t gives = 0;

  [[nodiscard]] static bool inverts(std::uint32_t) noexcept { return true; }

  template <KvEngine E>
  static void take(RunBatches<E>& batches) {
    batches.take_name(A::tree);
    batches.forget(A::tree);
    batches.end_pass();
  }

  // What it has by now is kept, and comes back with the step.
  template <KvEngine E>
  static void undo(RunBatches<E>& batches, std::uint32_t) {
    E& engine = batches.engine();
    batches.forget_digest(A::tree);
    const auto tree = engine.find_tree(A::tree);
    if (tree && engine.scan(*tree, KeyRange::all()).valid()) {
      batches.record(A::tree, TreeState::withdrawn, S::from);
    } else {
      // The past of a tree goes with it.
      if constexpr (!keeps_history<E>) {
        if (tree) engine.drop_tree(*tree);
      }
      batches.forget(A::tree);
    }
    batches.end_pass();
  }
};

/// A tree that step `S` drops: it is hidden and kept.
template <class Chain, class S, class A>
struct HoldPass {
  static constexpr BytesView name = A::tree;
  static constexpr std::uint32_t gives = 0;

  [[nodiscard]] static bool inverts(std::uint32_t) noexcept { return true; }

  template <KvEngine E>
  static void take(RunBatches<E>& batches) {
    if (batches.engine().find_tree(A::tree)) batches.record(A::tree, TreeState::held, S::to);
    batches.forget_digest(A::tree);
    batches.end_pass();
  }

  template <KvEngine E>
  static void undo(RunBatches<E>& batches, std::uint32_t) {
    if (batches.state_of(A::tree) == TreeState::held) {
      batches.record_rest(A::tree, S::from,
                          versioned_at<Chain>(A::tree, S::from) && !batches.is_untagged(A::tree));
    }
    batches.end_pass();
  }
};

}  // namespace varve::detail
