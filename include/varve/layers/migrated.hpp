// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/layer.hpp>
#include <varve/history/height.hpp>
#include <varve/migrations/bring_up.hpp>
#include <varve/migrations/dry_run.hpp>
#include <varve/migrations/held_trees.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/options.hpp>
#include <varve/migrations/plan.hpp>
#include <varve/migrations/plan_store.hpp>
#include <varve/migrations/schema_heights.hpp>
#include <varve/migrations/schema_past.hpp>
#include <varve/migrations/scrub_options.hpp>
#include <varve/migrations/scrubber.hpp>
#include <varve/migrations/with_tables.hpp>
#include <varve/migrations/write_gate.hpp>
<<<<<<< hd/include/varve/layers/migrated.hpp
=======
#include <varve/open.hpp>
#include <varve/tables/tell_history.hpp>
#include <varve/version.hpp>
>>>>>>> m/theirs

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace varve {

/// Brings a store to the latest version of `Chain` before anybody sees it:
/// docs/guide/migrations.md.
///
/// What stands between the store and the program is found before anything is
/// changed, and refused with an error that says what resolves it; a run that
/// was interrupted goes on from its last batch. Reads and writes are those of
/// `Next`: the layer costs nothing once the store is open. Trees that a step
/// dropped are hidden, and kept until `purge`.
///
/// Over a layer that keeps history, `at`, `commit`, `begin` and `rollback` are
/// asked of this layer, which knows the schema of each height; roots, proofs
/// and changes of `next()`.
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
                                             Group::maintenance, Group::checkpoints, Group::tail>> {
  using Base = Layer<Next, Forwards<Group::reads, Group::scans, Group::snapshots,
                                    Group::maintenance, Group::checkpoints, Group::tail>>;
  static constexpr bool keeps_history = detail::keeps_history<Next>;

 public:
  using Options = MigratedOptions;
  /// The chain, with its tables where it has any.
  using Schema = Chain;

  static constexpr BytesView name = "migrated";
  static constexpr Role role = Role::migrates;
  static constexpr LayerFormat format{.version = 1, .joins = true, .checks_first = true};

  template <class Context>
  explicit Migrated(Context& context)
      : Base(context), options_(context.template options<MigratedOptions>()) {
    if constexpr (Context::template given<detail::PlanOnly>()) return;
    detail::BringUp<Chain, Next>(this->next(), options_).run([&] {
      context.checked(this->next());
    });
    held_.load(this->next());
    settle();
  }

  [[nodiscard]] const MigratedOptions& options() const noexcept { return options_; }

  /// The version of the store: the latest of the chain, or an older one that it
  /// was left on.
  [[nodiscard]] std::uint32_t version() const { return ledger().head()->write_version; }

  /// The steps that the store went through, with what they did, the first one
  /// first.
  [[nodiscard]] std::vector<LedgerStep> history() const { return ledger().steps(); }

  // trees

  [[nodiscard]] Tree open_tree(BytesView tree_name) {
    held_.refuse_open(tree_name);
    return this->next().open_tree(tree_name);
  }

  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const {
    if (held_.contains(tree_name)) return std::nullopt;
    return this->next().find_tree(tree_name);
  }

  void drop_tree(Tree tree) {
    const detail::InGate in = in_gate();
    this->next().drop_tree(tree);
  }

  [[nodiscard]] std::vector<TreeInfo> trees() const {
    std::vector<TreeInfo> trees = this->next().trees();
    std::erase_if(trees, [&](const TreeInfo& info) { return held_.contains(info.name); });
    return trees;
  }

  // Writers wait for a slice of a scrub, where there are records to scrub.

  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    if (!upkeep_) return this->next().write(batch, durability);
    const detail::InGate in = in_gate();
    this->next().write(batch, durability);
  }

  void write_and_drop(const WriteBatch& batch, std::span<const Tree> dropped, Durability durability)
    requires detail::HasWriteAndDrop<Next>
  {
    const detail::InGate in = in_gate();
    this->next().write_and_drop(batch, dropped, durability);
  }

  [[nodiscard]] auto bulk_loader(Tree tree)
    requires detail::HasBulkLoader<Next>
  {
    using Loader = decltype(this->next().bulk_loader(tree));
    return detail::Gated<Loader>(gate(), [&] { return this->next().bulk_loader(tree); });
  }

  [[nodiscard]] auto begin_transaction()
    requires detail::HasTransaction<Next>
  {
    using Begun = decltype(this->next().begin_transaction());
    return detail::Gated<Begun>(gate(), [&] { return this->next().begin_transaction(); });
  }

<<<<<<< hd/include/varve/layers/migrated.hpp
  // Heights, where a layer below keeps history. A run makes one of each of its
  // batches, and so does a scrub of each slice that rewrites something.

  /// The height of what is read without a height, and the lowest that can be read.
  [[nodiscard]] Height latest() const noexcept
    requires keeps_history
  {
    return detail::history_layer(this->next()).latest();
  }
  [[nodiscard]] Height oldest() const noexcept
    requires keeps_history
  {
    return detail::history_layer(this->next()).oldest();
  }

  /// The store as it was at the height, a `SchemaPast`: the codecs of the chain
  /// read records of whatever version it had then. A tree that a step has moved
  /// since is read under its old name, with the codec of `ChainUpTo`.
  /// Errors: `HeightError`; `schema_too_old` and `schema_newer` for a height of
  /// versions that this program does not read; `invalid_argument` for one in the
  /// middle of the run that put versions in front of records.
  [[nodiscard]] auto at(Height height) const
    requires keeps_history
  {
    return detail::schema_past<Chain>(this->next(), height);
  }

  auto commit(const WriteBatch& batch, Height height, Durability durability = Durability::synced)
    requires keeps_history
  {
    const detail::InGate in = in_gate();
    return detail::history_layer(this->next()).commit(batch, height, durability);
  }

  /// The height while it is made. A scrub waits until it is finalized, or gone.
  [[nodiscard]] auto begin(Height height)
    requires keeps_history
  {
    auto& layer = detail::history_layer(this->next());
    using Begun = decltype(layer.begin(height));
    return detail::Gated<Begun>(gate(), [&] { return layer.begin(height); });
  }

  /// Takes back every height above this one. Errors: `invalid_argument` where a
  /// migration has run since.
  void rollback(Height height)
    requires keeps_history
  {
    const detail::GateClosed alone(gate().get());
    detail::prepare_rollback(this->next(), height);
    detail::history_layer(this->next()).rollback(height);
  }

  // What lazy steps have left

=======
  // Heights, where a layer below keeps them. Made past this layer, one may be written over by a
  // scrub that has read before it.

  template <class... Given>
  auto commit(const WriteBatch& batch, Given... given)
    requires requires(Next& next) { next.commit(batch, given...); }
  {
    const detail::InGate in = in_gate();
    return this->next().commit(batch, given...);
  }

  template <class Height>
  [[nodiscard]] auto begin(Height height)
    requires requires(Next& next) { next.begin(height); }
  {
    using Begun = decltype(this->next().begin(height));
    return detail::Gated<Begun>(gate(), [&] { return this->next().begin(height); });
  }

  template <class Height>
  void rollback(Height height)
    requires requires(Next& next) { next.rollback(height); }
  {
    const detail::InGate in = in_gate();
    this->next().rollback(height);
  }

>>>>>>> m/theirs
  /// One slice of what `scrub(store)` does to the records that lazy steps have left.
  ScrubProgress scrub_slice(const ScrubOptions& options = {}) {
    if (!upkeep_) return {.complete = true};
    const std::lock_guard one_at_a_time(upkeep_->scrubbing);
    return detail::Scrubber<Chain, Next>(this->next(), upkeep_->gate.get(), options).slice();
  }

  /// Whether there may be records of an older layout than the newest; they are converted as they
  /// are read.
  [[nodiscard]] bool mixed() const {
    if (!upkeep_) return false;
    const auto head = ledger().head();
    return head && head->floor_version != head->write_version;
  }

  // What runs have put aside

  /// The records that conversions refused and that were put aside, of all runs.
  [[nodiscard]] std::vector<LedgerRefusal> refusals() const { return ledger().refusals(); }

  /// The trees that are hidden and whose records are kept: steps dropped them,
  /// or made them and were taken back.
  [[nodiscard]] std::vector<std::string> held_trees() const { return held_.names(); }

  /// Removes the records of a tree that is held, for good. Safe to be killed at
  /// any moment: the next opening goes on with it.
  void purge(BytesView tree_name) { held_.purge(this->next(), tree_name); }

  /// Shows a tree again that a step dropped, with the records that it had.
  void take_back(BytesView tree_name) { held_.take_back(this->next(), tree_name); }

  /// What bringing the store up would do to it; nothing, once it is open.
  [[nodiscard]] MigrationPlan plan() {
    const Ledger<Next> own(this->next());
    MigrationPlan planned = detail::plan_opening<Chain>(this->next(), own, options_);
    if (planned.finding.status == SchemaStatus::older)
      detail::dry_run<Chain>(this->next(), own, planned);
    return planned;
  }

 private:
<<<<<<< hd/include/varve/layers/migrated.hpp
  [[nodiscard]] LedgerReader<Next> ledger() const { return LedgerReader<Next>(this->next()); }
=======
  [[nodiscard]] MigrationPlan plan(const Next& below, const Ledger<Next>& ledger,
                                   const std::optional<LedgerHead>& head,
                                   const std::optional<LedgerRun>& run, bool count = true) const {
    MigrationPlan plan{
        .finding = find_schema(steps_of<Chain>(), head, run, ledger.steps(), has_records(below)),
        .to = Chain::latest};
    if (plan.finding.opens() && head && run.has_value() != (head->state == StoreState::migrating)) {
      detail::damaged_ledger(detail::ledger_run_key,
                             run ? "is of no run that is under way" : "is missing");
    }
    plan.from = plan.finding.version;
    if (head) {
      plan.store = head->store;
      plan.epoch = head->epoch;
    }
    const bool back = plan.finding.status == SchemaStatus::current && options_.take_back_to != 0;
    if (back) plan.to = options_.take_back_to;
    if (plan.finding.status != SchemaStatus::older && !back) return plan;
    const std::uint32_t low = back ? plan.to : plan.from;
    for (const StepFacts& step : steps_of<Chain>()) {
      if (step.from >= low) plan.steps.push_back(step);
    }
    if (back) std::reverse(plan.steps.begin(), plan.steps.end());
    plan.lazy = !back && detail::can_be_lazy<Chain>(below, ledger, plan.from);
    if (!back || !count) return plan;
    for (const TreeInfo& info : below.trees()) {
      if (!detail::reads_tree_back<Chain>(info.name, low)) continue;
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

  /// `mark` has the layer recorded, before the first thing is changed that
  /// needs it.
  template <class Mark>
  void bring_up(const Mark& mark) {
    check_wishes();
    Ledger<Next> ledger(this->next());
    if (!ledger.head() && has_records(this->next())) adopt(ledger);
    while (!advance(ledger, mark)) {
    }
  }

  void check_wishes() const {
    const std::uint32_t wished = options_.take_back_to;
    if (wished == 0 || (wished >= Chain::oldest && wished < Chain::latest)) return;
    detail::refuse_wish("a store cannot be taken back to version " + std::to_string(wished) +
                        ": the chain leads from " + std::to_string(Chain::oldest) + " to " +
                        std::to_string(Chain::latest));
  }

  /// One run, or none. Whether the store is then at the version that it is to
  /// have.
  template <class Mark>
  bool advance(Ledger<Next>& ledger, const Mark& mark) {
    auto head = ledger.head();
    auto run = ledger.run();
    MigrationPlan planned = plan(this->next(), ledger, head, run);
    if (!planned.finding.opens()) refuse_schema(planned.finding);
    switch (planned.finding.status) {
      case SchemaStatus::fresh:
        mark();
        stamp(ledger, Chain::latest, true);
        return options_.take_back_to == 0;
      case SchemaStatus::older:
        if (stays_on(head->write_version)) {
          if (const auto tree = without_versions(ledger, *head)) {
            detail::refuse_to_stay(*tree, head->write_version);
          }
          break;
        }
        check_loss(planned);
        detail::check_taken_names<Chain>(this->next(), ledger, planned.from);
        terminal_grace(planned, options_.grace);
        back_up();
        mark();
        detail::HeldTrees::finish_purges(this->next(), ledger);
        if (planned.lazy && !options_.force) {
          head->written_by = detail::version_text();
          detail::end_rollbacks(this->next());
          detail::switch_lazily<Chain>(this->next(), ledger, *std::move(head), planned.from,
                                       options_.backup_directory);
          return true;
        }
        planned.records = detail::records_to_read<Chain>(this->next(), planned.from);
        begin_run(ledger, *std::move(head), planned);
        return true;
      case SchemaStatus::interrupted:
        mark();
        go_on(ledger, *std::move(head), *std::move(run));
        return false;
      default:
        if (without_versions(ledger, *head)) {
          mark();
          put_versions(ledger, *std::move(head));
          return false;
        }
        if (options_.take_back_to == 0) break;
        detail::check_way_back(steps_of<Chain>(), ledger.steps(), Chain::latest, planned.to);
        back_up();
        detail::HeldTrees::finish_purges(this->next(), ledger);
        begin_way_back(ledger, *std::move(head), planned);
        return true;
    }
    mark();
    detail::HeldTrees::finish_purges(this->next(), ledger);
    return true;
  }

  [[nodiscard]] std::optional<std::string> without_versions(const Ledger<Next>& ledger,
                                                            const LedgerHead& head) const {
    return detail::tree_without_versions<Chain>(this->next(), ledger, head.write_version);
  }

  /// Puts the version in front of records that a program with a longer chain had adopted.
  void put_versions(Ledger<Next>& ledger, LedgerHead head) {
    LedgerRun run = new_run(ledger, head.write_version, head.write_version);
    head.state = StoreState::migrating;
    save(ledger, head, run);
    finish(ledger, std::move(head), std::move(run));
  }

  /// Whether a store of an older version is left on it.
  [[nodiscard]] bool stays_on(std::uint32_t version) const {
    const std::uint32_t wished = options_.take_back_to;
    if (wished == 0) return options_.skip;
    if (wished == version) return true;
    detail::refuse_wish("the store is at version " + std::to_string(version) +
                        (version < wished
                             ? ": it cannot be taken back to " + std::to_string(wished) +
                                   ", but brought there by a program whose chain "
                                   "ends with it"
                             : ": it is taken back from there by a program whose "
                               "chain ends with it, as ChainUpTo does"));
  }

  /// Stamps records that have no schema, if that was told.
  void adopt(Ledger<Next>& ledger) {
    std::uint32_t version = options_.adopt_as;
    if (!options_.probes.empty()) {
      const auto found = detail::probed_versions(this->next(), options_.probes);
      if (found.size() == 1 && version == MigratedOptions::as_probed) version = found.front();
      if (found != std::vector<std::uint32_t>{version}) {
        const bool one = found.size() == 1;
        refuse_schema(
            {.status = SchemaStatus::legacy,
             .words = "the store has records and no schema, and " + detail::probed_words(found) +
                      (one ? (version == 0 ? "" : ", and not for " + std::to_string(version)) +
                                 std::string(": open it once with "
                                             "MigratedOptions{.adopt_as = ") +
                                 std::to_string(found.front()) + "}"
                           : std::string(": give probes of which exactly one "
                                         "matches, or none and "
                                         "MigratedOptions{.adopt_as = version}"))});
      }
    }
    if (version == 0) return;
    if (version < Chain::oldest || version > Chain::latest) {
      detail::refuse_wish("a store cannot be adopted as version " + std::to_string(version) +
                          ": the chain leads from " + std::to_string(Chain::oldest) + " to " +
                          std::to_string(Chain::latest));
    }
    stamp(ledger, version, false);
  }

  /// The first head of a store.
  void stamp(Ledger<Next>& ledger, std::uint32_t version, bool fresh) {
    ledger.create();
    WriteBatch batch;
    // Records of the latest version need no step, but a version in front of
    // them.
    const bool tags = !fresh && version == Chain::latest;
    if (tags) ledger.put(batch, new_run(ledger, version, version));
    ledger.put(batch, LedgerHead{.store = random_bits() | 1U,
                                 .epoch = 1,
                                 .state = tags ? StoreState::migrating : StoreState::ready,
                                 .write_version = version,
                                 .floor_version = version,
                                 .least_program = version,
                                 .chain = chain_identity(steps_of<Chain>(), Chain::oldest, version),
                                 .written_by = detail::version_text()});
    detail::put_steps<Chain>(ledger, batch, 1, Chain::oldest, version, true);
    if (fresh) {
      const std::int64_t now = detail::seconds_since_1970();
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

  /// A run that has not begun.
  [[nodiscard]] LedgerRun new_run(const Ledger<Next>& ledger, std::uint32_t from,
                                  std::uint32_t to) const {
    const std::uint32_t low = std::min(from, to);
    LedgerRun run{.identity = random_bits() | 1U,
                  .from = from,
                  .to = to,
                  .chain = chain_identity(steps_of<Chain>(), low, Chain::latest),
                  .shape = detail::chain_shape<Chain>(low, Chain::latest),
                  .started = detail::seconds_since_1970(),
                  .backup = options_.backup_directory};
    for (const std::string& tree : detail::record_trees<Chain>()) {
      const bool untagged =
          to < from ? !detail::versioned_at<Chain>(tree, low) &&
                          detail::resting_version<Chain>(tree, low, Chain::latest) == low
                    : !ledger.tree(tree);
      if (untagged) run.untagged.push_back(tree);
    }
    return run;
  }

  void begin_run(Ledger<Next>& ledger, LedgerHead head, const MigrationPlan& planned) {
    LedgerRun run = new_run(ledger, planned.from, planned.to);
    run.plan = planned.lossy() ? planned.hash() : 0;
    run.floor = head.floor_version;
    run.total = planned.records;
    head.state = StoreState::migrating;
    head.least_program = Chain::latest;
    save(ledger, head, run);
    finish(ledger, std::move(head), std::move(run));
  }

  void begin_way_back(Ledger<Next>& ledger, LedgerHead head, const MigrationPlan& planned) {
    LedgerRun run = new_run(ledger, planned.from, planned.to);
    run.total = planned.records;
    const Runner runner(this->next(), ledger, options_.run, run);
    if (!runner.inverts()) {
      throw Error(ErrorKind::not_supported,
                  {.message = "a step in the way joins records with others that were "
                              "there, and "
                              "they cannot be told apart: restore a backup to go back",
                   .operation = "open",
                   .layer = std::string(name)});
    }
    run.pass = runner.passes();
    head.state = StoreState::migrating;
    head.floor_version = std::min(head.floor_version, run.to);
    save(ledger, head, run);
    finish(ledger, std::move(head), std::move(run));
  }

  void go_on(Ledger<Next>& ledger, LedgerHead head, LedgerRun run) {
    const bool back = run.to < run.from;
    const std::uint32_t low = std::min(run.from, run.to);
    const std::uint64_t chain = chain_identity(steps_of<Chain>(), low, Chain::latest);
    if (std::max(run.from, run.to) != Chain::latest || run.chain != chain) {
      const bool same_shape = std::max(run.from, run.to) == Chain::latest &&
                              run.shape == detail::chain_shape<Chain>(low, Chain::latest);
      if (!same_shape || options_.take_over != run.identity) {
        detail::refuse_other_run(run, Chain::latest, same_shape);
      }
      run.chain = chain;
      save(ledger, head, run);
    }
    if (!back && options_.take_back_to != 0) turn_back(ledger, head, run);
    if (!back && options_.skip) {
      detail::refuse_wish("a run from version " + std::to_string(run.from) + " to " +
                          std::to_string(run.to) +
                          " is under way and cannot be skipped: let it go on, "
                          "or take it back with "
                          "MigratedOptions{.take_back_to = " +
                          std::to_string(run.from) + "}");
    }
    finish(ledger, std::move(head), std::move(run));
  }

  /// Makes of a run that was interrupted the one that undoes it.
  void turn_back(Ledger<Next>& ledger, LedgerHead& head, LedgerRun& run) {
    if (options_.take_back_to != run.from) {
      detail::refuse_wish(
          "a run from version " + std::to_string(run.from) + " to " + std::to_string(run.to) +
          " is under way: let it go on, or take it back to version " + std::to_string(run.from));
    }
    const Runner runner(this->next(), ledger, options_.run, run);
    if (!runner.can_turn_back()) detail::refuse_turning_back(run);
    run = runner.turned_back();
    save(ledger, head, run);
  }

  void save(Ledger<Next>& ledger, LedgerHead& head, const LedgerRun& run) {
    ++head.epoch;
    WriteBatch batch;
    ledger.put(batch, head);
    ledger.put(batch, run);
    this->next().write(batch, Durability::synced);
  }

  void finish(Ledger<Next>& ledger, LedgerHead head, LedgerRun begun) {
    Runner runner(this->next(), ledger, options_.run, std::move(begun));
    runner.run();
    const LedgerRun& run = runner.state();
    const bool back = run.to < run.from;
    head.state = StoreState::ready;
    ++head.epoch;
    head.write_version = run.to;
    head.floor_version = back ? std::min(head.floor_version, run.to) : run.to;
    head.least_program = run.to;
    head.chain = chain_identity(steps_of<Chain>(), Chain::oldest, run.to);
    head.written_by = detail::version_text();
    WriteBatch batch;
    ledger.put(batch, head);
    std::vector<LedgerStep> taken;
    for (const StepFacts& step : steps_of<Chain>()) {
      if (step.from < std::min(run.from, run.to)) continue;
      taken.push_back({.from = back ? step.to : step.from,
                       .to = back ? step.from : step.to,
                       .identity = step.identity,
                       .lossy = step.loss.lossy,
                       .records = run.records,
                       .refused = run.refused,
                       .started = run.started,
                       .finished = detail::seconds_since_1970(),
                       .backup = run.backup});
    }
    if (back) std::reverse(taken.begin(), taken.end());
    std::uint64_t number = head.epoch << 8U;
    for (const LedgerStep& step : taken) ledger.put(batch, ++number, step);
    ledger.erase_run(batch);
    detail::end_rollbacks(this->next());
    this->next().write(batch, Durability::synced);
    if (options_.run.progress) {
      options_.run.progress({.finished = true, .done = run.records, .total = run.total});
    }
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
>>>>>>> m/theirs

  /// What the opening does once the store is of the latest version.
  void settle() {
    const auto head = ledger().head();
    if (head->write_version != Chain::latest) return;
    const bool old_ones = head->floor_version != head->write_version;
    if (old_ones || keeps_history) upkeep_ = std::make_unique<Upkeep>();
    if (old_ones && !options_.force) return;
    if (old_ones) scrub_all();
    if constexpr (!keeps_history) upkeep_.reset();
    detail::build_tables<Chain>(this->next());
  }

  void scrub_all() {
    const std::uint32_t from = ledger().head()->floor_version;
    const ScrubOptions all{.refused_at_most = options_.run.refused_at_most};
    while (!scrub_slice(all).complete) {
    }
    if (options_.compact) {
      detail::compact_changed<Chain>(this->next(), from, Chain::latest, options_.run);
    }
  }

  [[nodiscard]] std::shared_ptr<detail::WriteGate> gate() const noexcept {
    return upkeep_ ? upkeep_->gate : nullptr;
  }
  [[nodiscard]] detail::InGate in_gate() const {
    return detail::InGate(gate(), detail::WriteGate::Stay::brief);
  }

  /// Of a store that had records of older layouts when it was opened, or may have some again by a
  /// rollback.
  struct Upkeep {
    std::shared_ptr<detail::WriteGate> gate = std::make_shared<detail::WriteGate>();
    std::mutex scrubbing;
  };

  MigratedOptions options_;
  detail::HeldTrees held_;
  std::unique_ptr<Upkeep> upkeep_;
};

}  // namespace varve
