// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/chain_trees.hpp>
#include <varve/migrations/custom_pass.hpp>
#include <varve/migrations/history.hpp>
#include <varve/migrations/index_pass.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/move_pass.hpp>
#include <varve/migrations/passing_reads.hpp>
#include <varve/migrations/rewrite_pass.hpp>
#include <varve/migrations/run_batches.hpp>
#include <varve/migrations/run_facts.hpp>
#include <varve/migrations/run_moves.hpp>
#include <varve/migrations/run_options.hpp>
#include <varve/migrations/run_verification.hpp>
#include <varve/migrations/tree_passes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail {

/// Takes a store through the steps of a chain, or back, from the place on that
/// the ledger has.
///
/// A run is a row of passes, each over one tree, in an order that depends only
/// on the chain and on the lower of its two versions. Rewriting a tree waits
/// until its keys change, it is dropped or the chain ends, so that each record
/// is decoded and encoded once. What is written and the place that is reached
/// are in one batch. A run back undoes the passes from the last one to the
/// first.
template <class Chain, KvEngine E>
class MigrationRunner {
 public:
  MigrationRunner(E& engine, Ledger<E>& ledger, const RunOptions& options, LedgerRun run)
      : batches_(engine, ledger, options, std::move(run)) {
    list_passes();
    if (state().pass > passes_.size()) {
      damaged_ledger(ledger_run_key, "names a pass that its steps do not have");
    }
  }

  /// Does what is not done yet of all passes, then verifies. Throws the errors
  /// of the engine and what the conversions and `options.progress` throw; what
  /// was done by then is kept.
  void run() {
    const PassingReads<E> passing(batches_.engine());
    LedgerRun& run = batches_.run();
    if (run.phase == RunPhase::rewrite) {
      if (batches_.goes_back()) {
        while (run.pass != 0) {
          if (run.returns) batches_.return_refused();
          passes_[run.pass - 1].undo(batches_, version_before(run.pass - 1));
        }
        if (run.returns) batches_.return_refused();
      } else {
        while (run.pass < passes_.size()) passes_[run.pass].take(batches_);
      }
      batches_.begin_phase(RunPhase::verify);
    }
    verify_run<Chain>(batches_);
  }

  [[nodiscard]] const LedgerRun& state() const noexcept { return batches_.run(); }

  /// Whether all that was done of the run can be undone.
  [[nodiscard]] bool can_turn_back() const noexcept {
    const LedgerRun& run = state();
    for (std::size_t i = 0; i < passes_.size() && i < run.pass; ++i) {
      if (!passes_[i].inverts) return false;
    }
    return run.pass >= passes_.size() || run.cursor.empty() || passes_[run.pass].inverts;
  }

  /// The run that undoes what was done of this one.
  [[nodiscard]] LedgerRun turned_back() const {
    LedgerRun run = state();
    std::swap(run.from, run.to);
    run.returns = true;
    run.phase = RunPhase::rewrite;
    // No key is at or after the cursor and its end, and none was done in a pass
    // that has begun without one.
    if (run.pass < passes_.size() && passes_[run.pass].inverts) {
      ++run.pass;
      run.cursor.push_back('\0');
    }
    run.total = run.records;
    run.records = 0;
    run.bytes = 0;
    run.milliseconds = 0;
    run.digests.clear();
    return run;
  }

  /// Whether every pass can be undone.
  [[nodiscard]] bool inverts() const noexcept {
    return std::all_of(passes_.begin(), passes_.end(), [](const Pass& one) { return one.inverts; });
  }

  /// The number of the passes.
  [[nodiscard]] std::uint32_t passes() const noexcept {
    return static_cast<std::uint32_t>(passes_.size());
  }

 private:
  struct Pass {
    void (*take)(RunBatches<E>&);
    /// Leaves records at the version `before` at least.
    void (*undo)(RunBatches<E>&, std::uint32_t before);
    bool inverts;
    BytesView tree;       ///< whose records it reads
    std::uint32_t gives;  ///< the version that they have then, where they stay
                          ///< in the tree; else 0
  };

  /// The version that passes before `pass`, which are undone behind it, had
  /// given to its tree.
  [[nodiscard]] std::uint32_t version_before(std::size_t pass) const noexcept {
    std::uint32_t version = 0;
    for (std::size_t i = 0; i != pass; ++i) {
      if (passes_[i].tree == passes_[pass].tree) version = std::max(version, passes_[i].gives);
    }
    return version;
  }

  template <class Use>
  static void each_action(Use&& use) {
    const auto each = [&]<class S, class... A>(Actions<A...>) {
      (use.template operator()<S, A>(), ...);
    };
    [&]<class... S>(StepList<S...>) {
      (each.template operator()<S>(typename ActionsOf<S>::type{}), ...);
    }(typename Chain::Steps{});
  }

  void list_passes() {
    std::set<std::string> waiting(state().untagged.begin(), state().untagged.end());
    // What lazy steps have left in older layouts is rewritten besides.
    if (state().floor != 0 && state().floor < batches_.low()) {
      for (const std::string& tree : versioned_trees<Chain>()) {
        if (rewrites_tree<Chain>(tree, state().floor, batches_.low())) waiting.insert(tree);
      }
    }
    each_action([&]<class S, class A>() {
      if (S::from >= batches_.low()) list_pass<S, A>(waiting);
    });
    list_rewrites<Chain::latest>(waiting);
  }

  /// Rewrites what waits as the layouts of `version`.
  template <std::uint32_t version>
  void list_rewrites(std::set<std::string>& waiting) {
    each_action([&]<class S, class A>() { list_rewrite<A, version>(waiting); });
  }

  template <class S, class A>
  void list_pass(std::set<std::string>& waiting) {
    if constexpr (A::kind == ActionKind::rewrite) {
      waiting.insert(std::string(A::tree));
    } else if constexpr (A::kind == ActionKind::move) {
      static_assert(moves_line_up<Chain, S, A>(),
                    "a step moves records into a tree whose records have "
                    "another layout: make "
                    "them of its type, or name another tree");
      // Of several moves from one tree the first takes all.
      if constexpr (is_first_move<S, A>()) {
        waiting.erase(std::string(A::tree));
        each_move_from<S, A>([&]<class One>() {
          // What joins them has a version in front: no record without one may be left beside it.
          if (batches_.is_untagged(One::target)) {
            list_rewrite_of<typename One::Target, S::from>(waiting);
          }
        });
        add_pass<MovePass<Chain, S, A>>();
      }
    } else if constexpr (A::kind == ActionKind::create) {
      add_pass<CreatePass<S, A>>();
    } else if constexpr (A::kind == ActionKind::drop) {
      waiting.erase(std::string(A::tree));
      add_pass<HoldPass<Chain, S, A>>();
    } else if constexpr (A::kind == ActionKind::build_index) {
      list_rewrite_of<typename A::Source, S::to>(waiting);
      add_pass<BuildIndexPass<Chain, S, A>>();
    } else if constexpr (A::kind == ActionKind::drop_index) {
      add_pass<DropIndexPass<A>>();
    } else if constexpr (A::kind == ActionKind::custom) {
      list_rewrites<S::from>(waiting);
      add_pass<CustomPass<A>>();
    }
  }

  template <class A, std::uint32_t version>
  void list_rewrite(std::set<std::string>& waiting) {
    if constexpr (A::kind == ActionKind::rewrite) {
      list_rewrite_of<typename A::Source, version>(waiting);
    }
  }

  template <class RecordTree, std::uint32_t version>
  void list_rewrite_of(std::set<std::string>& waiting) {
    using Layouts = layouts_at_t<Chain, RecordTree::text, version>;
    // A tree without layouts has been moved or dropped, and does not wait.
    if constexpr (Layouts::size != 0) {
      if (waiting.erase(std::string(RecordTree::name)) == 0) return;
      add_pass<RewritePass<Chain, RecordTree, version>>();
    }
  }

  template <class P>
  void add_pass() {
    passes_.push_back({&P::template take<E>, &P::template undo<E>, P::inverts(batches_.low()),
                       P::name, P::gives});
  }

  RunBatches<E> batches_;
  std::vector<Pass> passes_;
};

}  // namespace varve::detail
