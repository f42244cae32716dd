// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/ordered.hpp>
#include <varve/codecs/versions/tag.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/chain_trees.hpp>
#include <varve/migrations/follow_tables.hpp>
#include <varve/migrations/history.hpp>
#include <varve/migrations/index_pass.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/run_batches.hpp>
#include <varve/migrations/run_facts.hpp>
#include <varve/migrations/run_moves.hpp>
#include <varve/migrations/run_options.hpp>
#include <varve/migrations/run_verification.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <stdexcept>
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
      : engine_(engine),
        ledger_(ledger),
        options_(options),
        batches_(engine, ledger, options, std::move(run)) {
    list_passes();
    if (state().pass > passes_.size()) {
      damaged_ledger(ledger_run_key, "names a pass that its steps do not have");
    }
  }

  /// Does what is not done yet of all passes, then verifies. Throws the errors
  /// of the engine and what the conversions and `options.progress` throw; what
  /// was done by then is kept.
  void run() {
    LedgerRun& run = batches_.run();
    if (run.phase == RunPhase::rewrite) {
      if (batches_.goes_back()) {
        while (run.pass != 0) {
          if (run.returns) batches_.return_refused();
          (this->*passes_[run.pass - 1].undo)();
        }
        if (run.returns) batches_.return_refused();
      } else {
        while (run.pass < passes_.size()) (this->*passes_[run.pass].take)();
      }
      batches_.begin_phase(RunPhase::verify);
    }
    verify_run(engine_, run, batches_.meter(), options_.batch_records);
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
  using Action = void (MigrationRunner::*)();

  struct Pass {
    Action take;
    Action undo;
    bool inverts;
    BytesView rewrites{};       ///< the tree, of a pass that rewrites one
    std::uint32_t version = 0;  ///< whose layout its records then have
  };

  [[nodiscard]] std::uint32_t low() const noexcept { return std::min(state().from, state().to); }

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
    if (state().floor != 0 && state().floor < low()) {
      for (const std::string& tree : versioned_trees<Chain>()) {
        if (rewrites_tree<Chain>(tree, state().floor, low())) waiting.insert(tree);
      }
    }
    each_action([&]<class S, class A>() {
      if (S::from >= low()) list_pass<S, A>(waiting);
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
        passes_.push_back({&MigrationRunner::move_tree<S, A>, &MigrationRunner::undo_move<S, A>,
                           moves_invert<Chain, S, A>(low())});
      }
    } else if constexpr (A::kind == ActionKind::create) {
      passes_.push_back(
          {&MigrationRunner::create_tree<A>, &MigrationRunner::undo_create<S, A>, true});
    } else if constexpr (A::kind == ActionKind::drop) {
      waiting.erase(std::string(A::tree));
      passes_.push_back(
          {&MigrationRunner::hold_tree<S, A>, &MigrationRunner::undo_hold<S, A>, true});
    } else if constexpr (A::kind == ActionKind::build_index) {
      list_rewrite_of<typename A::Source, S::to>(waiting);
      passes_.push_back(
          {&MigrationRunner::build_index<S, A>, &MigrationRunner::drop_index<A>, true});
    } else if constexpr (A::kind == ActionKind::drop_index) {
      // Taken back, it is to be built: the program that names it does so.
      passes_.push_back({&MigrationRunner::drop_index<A>, &MigrationRunner::end_pass, true});
    } else if constexpr (A::kind == ActionKind::custom) {
      list_rewrites<S::from>(waiting);
      passes_.push_back({&MigrationRunner::run_custom<A>, &MigrationRunner::end_pass, false});
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
      passes_.push_back({&MigrationRunner::rewrite_tree<RecordTree, version>,
                         &MigrationRunner::undo_rewrite<RecordTree, version>,
                         leads_below(Layouts{}, low()), RecordTree::name, version});
    }
  }

  void end_pass() { batches_.end_pass(); }

  template <class S, class A>
  void build_index() {
    if (const auto tree = engine_.find_tree(A::tree)) {
      IndexPass<Chain, S, A> index(engine_, *tree);
      if (batches_.run().cursor.empty()) {
        index.begin(engine_);
        batches_.reach("begun", WriteBatch());
      }
      while (index.step(engine_, std::min<std::size_t>(options_.batch_records, 4096))) {
        batches_.meter().did(A::tree, 0, false);
      }
    }
    batches_.end_pass();
  }

  template <class A>
  void drop_index() {
    WriteBatch batch;
    forget_index(engine_, batch, A::tree, A::index);
    if (!batch.empty()) engine_.write(batch, Durability::synced);
    const std::string entries = std::string(A::tree).append(".").append(A::index);
    if (const auto tree = engine_.find_tree(entries)) engine_.drop_tree(*tree);
    batches_.end_pass();
  }

  template <class A>
  void run_custom() {
    while (true) {
      WriteBatch batch;
      const std::string cursor = batches_.run().cursor;
      const std::optional<std::string> reached = A::run(engine_, cursor, batch);
      forget_digests(batch);
      if (!reached) {
        batches_.pending().append(batch);
        return batches_.end_pass();
      }
      if (*reached == cursor) refuse_standing_still(A::tree);
      batches_.reach(*reached, std::move(batch));
      batches_.meter().did(A::tree, 0, false);
    }
  }

  [[noreturn]] static void refuse_standing_still(BytesView action) {
    throw Error(ErrorKind::invalid_argument,
                {.message = "the code of the step answers the cursor that it was given, and would "
                            "never come to an end: it answers a new one, or nothing when it is "
                            "done",
                 .operation = "migrate",
                 .tree = std::string(action),
                 .layer = "migrated"});
  }

  /// What others than the runner write of a tree is not in its count.
  void forget_digests(const WriteBatch& batch) {
    if (state().digests.empty() || batch.empty()) return;
    for (const TreeInfo& info : engine_.trees()) {
      const auto touches = [&](const WriteOp& op) { return op.tree == info.tree; };
      if (std::any_of(batch.begin(), batch.end(), touches)) batches_.forget_digest(info.name);
    }
  }

  template <class RecordTree, std::uint32_t version>
  void rewrite_tree() {
    using Layouts = layouts_at_t<Chain, RecordTree::text, version>;
    constexpr std::size_t last = Layouts::size - 1;
    constexpr std::uint32_t tag = nth_t<last, Layouts>::since;
    if (const auto tree = engine_.find_tree(RecordTree::name)) {
      const bool tagged = batches_.is_tagged(RecordTree::name);
      LedgerRun& run = batches_.run();
      LedgerDigest& left = batches_.digest_of(RecordTree::name, run.cursor.empty());
      std::string bytes;
      const auto change = [&](WriteBatch& batch, const Entry& entry) {
        BytesView body = entry.value;
        const std::uint32_t found = version_of(body, tagged);
        if (tagged && found >= tag) return batches_.add(left, entry.key, entry.value);
        bytes.assign(versions::tag_of<tag>().view());
        read_as<Layouts, last, void>(layout_at(Layouts{}, found), body, [&](const auto& record) {
          nth_t<last, Layouts>::RecordCodec::encode(record, bytes);
        });
        batch.put(*tree, entry.key, bytes);
        batches_.add(left, entry.key, bytes);
      };
      batches_.each_record(*tree, RecordTree::name, run.cursor, Order::ascending, change, settled);
    }
    batches_.record(RecordTree::name, TreeState::live, version);
    follow_rewrite<Chain, RecordTree>(engine_, batches_.pending(),
                                      keeps_indexes<Chain>(RecordTree::name, low()));
    batches_.end_pass();
  }

  template <class RecordTree, std::uint32_t version>
  void undo_rewrite() {
    using Layouts = layouts_at_t<Chain, RecordTree::text, version>;
    const BytesView name = RecordTree::name;
    const std::uint32_t rest = version_under_way(name, version);
    const bool tagged = rests_tagged(name, rest);
    if (const auto tree = engine_.find_tree(name)) {
      LedgerDigest& left = batches_.digest_behind_cursor(name);
      std::string bytes;
      const auto change = [&](WriteBatch& batch, const Entry& entry) {
        const versions::Tagged record = versions::take_tag(entry.value);
        const auto found = static_cast<std::uint32_t>(record.version);
        // A lazy step has left it as it is to be, or older, and that is read then too.
        if (tagged && found <= rest) return batches_.add(left, entry.key, entry.value);
        bytes.clear();
        lower_bytes<Layouts>(bytes, layout_at(Layouts{}, found), record.bytes,
                             layout_at(Layouts{}, rest), tagged);
        batch.put(*tree, entry.key, bytes);
        batches_.add(left, entry.key, bytes);
      };
      batches_.each_record(*tree, name, batches_.run().cursor, Order::descending, change, settled);
    }
    record_rest(name, rest, tagged);
    if (!keeps_indexes<Chain>(name, low())) reset_indexes(engine_, batches_.pending(), name);
    batches_.end_pass();
  }

  template <class S, class First>
  void move_tree() {
    if (const auto source = engine_.find_tree(First::tree)) {
      const bool tagged = batches_.is_tagged(First::tree);
      LedgerRun& run = batches_.run();
      if (run.cursor.empty()) {
        each_move_from<S, First>([&]<class A>() { batches_.take_name(A::target); });
      }
      static_cast<void>(batches_.digest_of(First::tree, true));
      each_move_from<S, First>(
          [&]<class A>() { static_cast<void>(batches_.digest_of(A::target, false)); });
      MovedRecords<E> moved(engine_);
      const auto change = [&](WriteBatch& batch, const Entry& entry) {
        BytesView body = entry.value;
        const std::uint32_t found = version_of(body, tagged);
        const auto key = Ordered::decode<typename First::Source::Key>(entry.key);
        moved.begin(batch);
        read_moving<Chain, S, First>(found, body, [&](const auto& record) {
          each_move_from<S, First>([&]<class A>() {
            with_moved(A::convert(key, record), [&](const auto& to_key, const auto& to_record) {
              std::string& bytes = moved.add(A::target, to_key);
              bytes.assign(versions::tag_of<S::to>().view());
              A::Target::RecordCodec::encode(to_record, bytes);
            });
          });
        });
        if (moved.empty() && !S::loss.lossy) {
          throw std::runtime_error("no move of the step, which is lossless, takes it");
        }
      };
      const auto settle = [&](WriteBatch& batch, const Entry& entry) -> const char* {
        if (moved.too_long()) return "the key that the move gives to it is too long for the engine";
        if (moved.collides()) return "another record has the key that the move gives to it";
        moved.put(batch, batches_);
        batch.erase(*source, entry.key);
        return nullptr;
      };
      batches_.each_record(*source, First::tree, run.cursor, Order::ascending, change, settle);
    }
    each_move_from<S, First>([&]<class A>() {
      batches_.record(A::target, TreeState::live, S::to);
      follow_move<Chain, typename A::Source, typename A::Target>(engine_, batches_.pending());
    });
    forget_table(engine_, batches_.pending(), First::tree);
    batches_.forget(First::tree);
    batches_.end_pass();
  }

  template <class S, class First>
  void undo_move() {
    const std::uint32_t version = version_under_way(First::tree, S::from);
    const bool tagged = rests_tagged(First::tree, version);
    static_cast<void>(engine_.open_tree(First::tree));
    static_cast<void>(batches_.digest_of(First::tree, false));
    each_move_from<S, First>([&]<class A>() {
      undo_one_move<S, A>(version, tagged);
      follow_move_back<typename A::Source, typename A::Target>(engine_, batches_.pending());
    });
    record_rest(First::tree, version, tagged);
    batches_.end_pass();
  }

  template <class S, class A>
  void undo_one_move(std::uint32_t version, bool tagged) {
    // One that is still held is an older tree of the name, which the move did
    // not come to.
    if (batches_.state_of(A::target) == TreeState::held) return;
    const auto target = engine_.find_tree(A::target);
    if (!target) return forget_tree(A::target);
    MovedRecords<E> moved(engine_);
    bool belongs = false;
    const auto change = [&](WriteBatch& batch, const Entry& entry) {
      const auto key = Ordered::decode<typename A::Target::Key>(entry.key);
      const versions::Tagged found = versions::take_tag(entry.value);
      if (found.version != S::to) {
        throw std::runtime_error("it is of version " + std::to_string(found.version));
      }
      const auto record = A::Target::RecordCodec::template decode<typename A::Out>(found.bytes);
      belongs = came_by<S, A>(key, record, entry.key);
      if (!belongs) return;
      if constexpr (A::invertible) {
        moved.begin(batch);
        with_moved(A::invert(key, record), [&](const auto& from_key, const auto& from_record) {
          std::string& bytes = moved.add(A::tree, from_key);
          bytes.clear();
          append_source<Chain, S, A>(bytes, from_record, version, tagged);
        });
        if (moved.empty()) throw std::runtime_error("the inverse of the move does not take it");
      }
    };
    const auto settle = [&](WriteBatch& batch, const Entry& entry) -> const char* {
      if (!belongs) return nullptr;
      if (moved.differs()) return "another record goes back to the same key";
      moved.put(batch, batches_);
      batch.erase(*target, entry.key);
      return nullptr;
    };
    std::string place;
    batches_.each_record(*target, A::target, place, Order::ascending, change, settle);
    if (engine_.scan(*target, KeyRange::all()).valid()) return;
    engine_.drop_tree(*target);
    forget_tree(A::target);
  }

  void forget_tree(BytesView tree) {
    batches_.forget_digest(tree);
    batches_.forget(tree);
  }

  template <class A>
  void create_tree() {
    batches_.take_name(A::tree);
    batches_.forget(A::tree);
    batches_.end_pass();
  }

  // What it has by now is kept, and comes back with the step.
  template <class S, class A>
  void undo_create() {
    batches_.forget_digest(A::tree);
    const auto tree = engine_.find_tree(A::tree);
    if (tree && engine_.scan(*tree, KeyRange::all()).valid()) {
      batches_.record(A::tree, TreeState::withdrawn, S::from);
    } else {
      if (tree) engine_.drop_tree(*tree);
      batches_.forget(A::tree);
    }
    batches_.end_pass();
  }

  template <class S, class A>
  void hold_tree() {
    if (engine_.find_tree(A::tree)) batches_.record(A::tree, TreeState::held, S::to);
    batches_.forget_digest(A::tree);
    batches_.end_pass();
  }

  template <class S, class A>
  void undo_hold() {
    if (batches_.state_of(A::tree) == TreeState::held) {
      record_rest(A::tree, S::from, versioned_at<Chain>(A::tree, S::from) && !is_untagged(A::tree));
    }
    batches_.end_pass();
  }

  /// Takes the version off `body`. Records that have none are of the version
  /// that the run is from.
  [[nodiscard]] std::uint32_t version_of(BytesView& body, bool tagged) const {
    if (!tagged) return state().from;
    const versions::Tagged record = versions::take_tag(body);
    body = record.bytes;
    return static_cast<std::uint32_t>(record.version);
  }

  [[nodiscard]] bool is_untagged(BytesView tree) const {
    const auto& trees = state().untagged;
    return std::find(trees.begin(), trees.end(), tree) != trees.end();
  }

  /// The version that the pass which is undone takes the records of a tree back to: that of a pass
  /// before it that had rewritten them, and is undone later, or the one that they rest at.
  [[nodiscard]] std::uint32_t version_under_way(BytesView tree, std::uint32_t high) const noexcept {
    std::uint32_t version = resting_version<Chain>(tree, low(), high);
    for (std::size_t i = 0; i + 1 < state().pass; ++i) {
      if (passes_[i].rewrites == tree) version = std::max(version, passes_[i].version);
    }
    return version;
  }

  /// Whether the records of a tree have a version in front of them when the run
  /// back is done with them.
  [[nodiscard]] bool rests_tagged(BytesView tree, std::uint32_t version) const {
    return version != low() || !is_untagged(tree);
  }

  void record_rest(BytesView tree, std::uint32_t version, bool tagged) {
    if (tagged) {
      batches_.record(tree, TreeState::live, version);
    } else {
      batches_.forget(tree);
    }
  }

  static constexpr auto settled = [](WriteBatch&, const Entry&) -> const char* { return nullptr; };

  E& engine_;
  Ledger<E>& ledger_;
  const RunOptions& options_;
  RunBatches<E> batches_;
  std::vector<Pass> passes_;
};

}  // namespace varve::detail
