// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/layer.hpp>
#include <varve/io/random_bytes.hpp>
#include <varve/migrations/chain.hpp>
#include <varve/migrations/chain_trees.hpp>
#include <varve/migrations/facts.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/opening.hpp>
#include <varve/migrations/options.hpp>
#include <varve/migrations/plan.hpp>
#include <varve/migrations/runner.hpp>
#include <varve/open.hpp>
#include <varve/version.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve {

namespace detail {

/// Given to a stack that is opened to be looked at.
struct PlanOnly {};

[[nodiscard]] inline std::string version_text() {
  return std::to_string(version_major) + "." + std::to_string(version_minor) + "." +
         std::to_string(version_patch);
}

}  // namespace detail

/// Brings a store to the latest version of `Chain` before anybody sees it:
/// docs/guide/migrations.md.
///
/// What stands between the store and the program is found before anything is
/// changed, and refused with an error that says what resolves it; a run that
/// was interrupted goes on from its last batch. Reads and writes are those of
/// `Next`: the layer costs nothing once the store is open. Trees that a step
/// dropped are hidden, and kept until `purge`.
///
/// Models      what `Next` models.
/// Errors      at opening `schema_legacy`, `schema_newer`, `schema_diverged`,
/// `schema_too_old`,
///             `schema_sealed`, `schema_loss`; then those of `Next`.
/// Durability  that of `Next`.
/// Threads     as `Next`; `purge` and `take_back` beside readers and writers of
/// other trees.
template <class Chain, KvEngine Next>
class Migrated : public Layer<Next, Forwards<Group::reads, Group::scans, Group::snapshots,
                                             Group::writes, Group::bulk, Group::transactions,
                                             Group::maintenance, Group::checkpoints, Group::tail>> {
  using Base =
      Layer<Next,
            Forwards<Group::reads, Group::scans, Group::snapshots, Group::writes, Group::bulk,
                     Group::transactions, Group::maintenance, Group::checkpoints, Group::tail>>;

 public:
  using Options = MigratedOptions;

  static constexpr BytesView name = "migrated";
  static constexpr Role role = Role::migrates;
  static constexpr LayerFormat format{.version = 1, .joins = true, .checks_first = true};

  template <class Context>
  explicit Migrated(Context& context)
      : Base(context), options_(context.template options<MigratedOptions>()) {
    if constexpr (Context::template given<detail::PlanOnly>()) return;
    bring_up([&] { context.checked(this->next()); });
    load_held();
  }

  [[nodiscard]] const MigratedOptions& options() const noexcept { return options_; }

  /// The steps that the store went through, with what they did, the first one
  /// first.
  [[nodiscard]] std::vector<LedgerStep> history() { return Ledger<Next>(this->next()).steps(); }

  [[nodiscard]] Tree open_tree(BytesView tree_name) {
    if (is_held(tree_name)) {
      throw Error(ErrorKind::invalid_argument,
                  {.message = "a step dropped this tree and its records are "
                              "still held: purge it "
                              "before you make another of its name",
                   .operation = "open_tree",
                   .tree = std::string(tree_name),
                   .layer = std::string(name)});
    }
    return this->next().open_tree(tree_name);
  }

  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const {
    if (is_held(tree_name)) return std::nullopt;
    return this->next().find_tree(tree_name);
  }

  void drop_tree(Tree tree) { this->next().drop_tree(tree); }

  [[nodiscard]] std::vector<TreeInfo> trees() const {
    std::vector<TreeInfo> trees = this->next().trees();
    std::erase_if(trees, [&](const TreeInfo& info) { return is_held(info.name); });
    return trees;
  }

  /// The records that conversions refused and that were put aside, of all runs.
  [[nodiscard]] std::vector<LedgerRefusal> refusals() {
    return Ledger<Next>(this->next()).refusals();
  }

  /// The trees that steps dropped and that are held.
  [[nodiscard]] const std::vector<std::string>& held_trees() const noexcept { return held_; }

  /// Removes the records of a tree that is held, for good. Safe to be killed at
  /// any moment: the next opening goes on with it.
  void purge(BytesView tree_name) {
    if (!is_held(tree_name)) {
      throw Error(ErrorKind::invalid_argument, {.message = "no step has dropped this tree, or it "
                                                           "is purged: see held_trees",
                                                .operation = "purge",
                                                .tree = std::string(tree_name),
                                                .layer = std::string(name)});
    }
    Ledger<Next> ledger(this->next());
    WriteBatch batch;
    LedgerTree record = *ledger.tree(tree_name);
    record.state = TreeState::dropping;
    ledger.put(batch, tree_name, record);
    this->next().write(batch, Durability::synced);
    finish_purge(ledger, std::string(tree_name));
    load_held();
  }

  /// What bringing the store up would do to it; nothing, once it is open.
  [[nodiscard]] MigrationPlan plan() {
    Ledger<Next> ledger(this->next());
    return plan(this->next(), ledger, ledger.head(), ledger.run());
  }

 private:
  [[nodiscard]] static MigrationPlan plan(Next& below, const Ledger<Next>& ledger,
                                          const std::optional<LedgerHead>& head,
                                          const std::optional<LedgerRun>& run) {
    MigrationPlan plan{
        .finding = find_schema(steps_of<Chain>(), head, run, ledger.steps(), has_records(below)),
        .to = Chain::latest};
    plan.from = plan.finding.version;
    if (head) {
      plan.store = head->store;
      plan.epoch = head->epoch;
    }
    if (plan.finding.status != SchemaStatus::older) return plan;
    for (const StepFacts& step : steps_of<Chain>()) {
      if (step.from >= plan.from) plan.steps.push_back(step);
    }
    for (const TreeInfo& info : below.trees()) {
      if (!detail::reads_tree<Chain>(info.name, plan.from)) continue;
      for (auto scan = below.scan(info.tree, KeyRange::all()); scan.valid(); scan.next()) {
        const Entry entry = scan.entry();
        ++plan.records;
        plan.bytes += entry.key.size() + entry.value.size();
      }
    }
    return plan;
  }

  [[nodiscard]] static bool has_records(const Next& below) {
    for (const TreeInfo& info : below.trees()) {
      if (info.tree.reserved()) continue;
      if (below.scan(info.tree, KeyRange::all()).valid()) return true;
    }
    return false;
  }

  /// `mark` has the layer recorded, before the first thing is changed that needs it.
  template <class Mark>
  void bring_up(const Mark& mark) {
    Ledger<Next> ledger(this->next());
    auto head = ledger.head();
    auto run = ledger.run();
    MigrationPlan planned = plan(this->next(), ledger, head, run);
    if (planned.finding.status == SchemaStatus::legacy && options_.adopt_as != 0) {
      adopt(ledger);
      head = ledger.head();
      planned = plan(this->next(), ledger, head, run);
    }
    if (!planned.finding.opens()) refuse_schema(planned.finding);
    switch (planned.finding.status) {
      case SchemaStatus::fresh: mark(); return stamp(ledger, Chain::latest, true);
      case SchemaStatus::older:
        check_loss(planned);
        back_up();
        mark();
        return begin_run(ledger, *std::move(head), planned);
      case SchemaStatus::interrupted:
        mark();
        return go_on(ledger, *std::move(head), *std::move(run));
      default: mark(); return finish_purges(ledger);
    }
  }

  void adopt(Ledger<Next>& ledger) {
    if (options_.adopt_as < Chain::oldest || options_.adopt_as > Chain::latest) {
      throw Error(
          ErrorKind::invalid_argument,
          {.message = "a store cannot be adopted as version " + std::to_string(options_.adopt_as) +
                      ": the chain leads from " + std::to_string(Chain::oldest) + " to " +
                      std::to_string(Chain::latest),
           .operation = "open",
           .layer = std::string(name)});
    }
    stamp(ledger, options_.adopt_as, false);
  }

  /// The first head of a store.
  void stamp(Ledger<Next>& ledger, std::uint32_t version, bool fresh) {
    ledger.create();
    WriteBatch batch;
    ledger.put(batch, LedgerHead{.store = random_bits() | 1U,
                                 .epoch = 1,
                                 .write_version = version,
                                 .floor_version = version,
                                 .least_program = version,
                                 .chain = chain_identity(steps_of<Chain>(), Chain::oldest, version),
                                 .written_by = detail::version_text()});
    const std::int64_t now = detail::seconds_since_1970();
    std::uint64_t number = 0;
    for (const StepFacts& step : steps_of<Chain>()) {
      if (step.to > version) break;
      ledger.put(batch, ++number,
                 LedgerStep{.from = step.from,
                            .to = step.to,
                            .identity = step.identity,
                            .lossy = step.loss.lossy,
                            .baseline = true,
                            .started = now,
                            .finished = now});
    }
    if (fresh) {
      for (const std::string& tree : detail::versioned_trees<Chain>()) {
        ledger.put(batch, tree, LedgerTree{.version = version, .since = now});
      }
    }
    this->next().write(batch, Durability::synced);
  }

  void check_loss(const MigrationPlan& planned) const {
    if (planned.lossy() && options_.accept_loss != planned.hash()) {
      throw Error(ErrorKind::schema_loss,
                  {.message = "the way to version " + std::to_string(Chain::latest) +
                              " loses data, and that was not accepted" +
                              (options_.accept_loss == 0 ? "" : " for this very plan") + ": " +
                              to_string(planned),
                   .operation = "open",
                   .layer = std::string(name)});
    }
  }

  void begin_run(Ledger<Next>& ledger, LedgerHead head, const MigrationPlan& planned) {
    LedgerRun run{.identity = random_bits(),
                  .from = planned.from,
                  .to = Chain::latest,
                  .chain = chain_identity(steps_of<Chain>(), planned.from, Chain::latest),
                  .plan = planned.lossy() ? planned.hash() : 0,
                  .total = planned.records,
                  .started = detail::seconds_since_1970()};
    for (const std::string& tree : detail::versioned_trees<Chain>()) {
      if (!ledger.tree(tree) && this->next().find_tree(tree)) run.untagged.push_back(tree);
    }
    head.state = StoreState::migrating;
    ++head.epoch;
    head.least_program = Chain::latest;
    WriteBatch batch;
    ledger.put(batch, head);
    ledger.put(batch, run);
    this->next().write(batch, Durability::synced);
    finish(ledger, std::move(head), std::move(run));
  }

  void go_on(Ledger<Next>& ledger, LedgerHead head, LedgerRun run) {
    if (run.to != Chain::latest ||
        run.chain != chain_identity(steps_of<Chain>(), run.from, Chain::latest)) {
      throw Error(ErrorKind::schema_diverged,
                  {.message = "a run from version " + std::to_string(run.from) + " to " +
                              std::to_string(run.to) +
                              " is under way that a program with other steps began: let that "
                              "program finish it, then open the store with this one",
                   .operation = "open",
                   .layer = std::string(name)});
    }
    finish(ledger, std::move(head), std::move(run));
  }

  void finish(Ledger<Next>& ledger, LedgerHead head, LedgerRun begun) {
    detail::MigrationRunner<Chain, Next> runner(this->next(), ledger, options_.run,
                                                std::move(begun));
    runner.run();
    const LedgerRun& run = runner.state();
    head.state = StoreState::ready;
    ++head.epoch;
    head.write_version = Chain::latest;
    head.floor_version = Chain::latest;
    head.chain = chain_identity(steps_of<Chain>(), Chain::oldest, Chain::latest);
    head.written_by = detail::version_text();
    WriteBatch batch;
    ledger.put(batch, head);
    std::uint64_t number = head.epoch << 8U;
    for (const StepFacts& step : steps_of<Chain>()) {
      if (step.from < run.from) continue;
      ledger.put(batch, ++number,
                 LedgerStep{.from = step.from,
                            .to = step.to,
                            .identity = step.identity,
                            .lossy = step.loss.lossy,
                            .records = run.records,
                            .refused = run.refused,
                            .started = run.started,
                            .finished = detail::seconds_since_1970()});
    }
    ledger.erase_run(batch);
    this->next().write(batch, Durability::synced);
  }

  void back_up() {
    if (options_.backup_directory.empty()) return;
    if constexpr (CheckpointEngine<Next>) {
      this->next().checkpoint(options_.backup_directory);
    } else {
      throw Error(ErrorKind::not_supported,
                  {.message = "this stack cannot copy itself before a "
                              "migration: back it up by "
                              "other means and leave backup_directory empty",
                   .operation = "open",
                   .layer = std::string(name)});
    }
  }

  void finish_purges(Ledger<Next>& ledger) {
    for (const auto& [tree_name, record] : ledger.trees()) {
      if (record.state == TreeState::dropping) finish_purge(ledger, tree_name);
    }
  }

  void finish_purge(Ledger<Next>& ledger, const std::string& tree_name) {
    if (const auto tree = this->next().find_tree(tree_name)) this->next().drop_tree(*tree);
    WriteBatch batch;
    ledger.erase_tree(batch, tree_name);
    this->next().write(batch, Durability::synced);
  }

  void load_held() {
    held_.clear();
    for (auto& [tree_name, record] : Ledger<Next>(this->next()).trees()) {
      if (record.state == TreeState::held) held_.push_back(tree_name);
    }
  }

  [[nodiscard]] bool is_held(BytesView tree_name) const noexcept {
    return std::find(held_.begin(), held_.end(), tree_name) != held_.end();
  }

  MigratedOptions options_;
  std::vector<std::string> held_;
};

namespace detail {

template <class Part>
[[nodiscard]] MigrationPlan plan_of(Part& part) {
  if constexpr (requires { part.plan(); }) {
    return part.plan();
  } else {
    static_assert(LayerShape<Part>, "the stack has no layer Migrated");
    return plan_of(part.next());
  }
}

}  // namespace detail

/// What `open<Stack>(directory, options...)` would do to the schema of the store: the steps that it
/// would take and what they lose, or why it would refuse. No record, no stamp and no directory is
/// changed or made; the engine and the log are opened, which brings back what a crash left behind.
///
/// Errors: as of `open`, but those of the schema, which are in the plan.
template <class Stack, class... Options>
[[nodiscard]] MigrationPlan plan(const std::string& directory, Options... options) {
  static_assert(assert_stack<Stack>());
  static_assert(detail::assert_options<Stack, Options...>());
  OpenContext<Stack, Options..., detail::PlanOnly> context(directory, std::move(options)...,
                                                           detail::PlanOnly{});
  if (!context.has_store()) return {.finding = {.status = SchemaStatus::fresh}};
  Stack stack(context);
  return detail::plan_of(stack);
}

}  // namespace varve
