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

  // Heights, where a layer below keeps history. A run makes one of each of its
  // batches, and so does a scrub of each slice that rewrites something.

  /// The height of what is read without a height, and the lowest that can be read.
  [[nodiscard]] Height latest() const
    requires keeps_history
  {
    return detail::history_layer(this->next()).latest();
  }
  [[nodiscard]] Height oldest() const
    requires keeps_history
  {
    return detail::history_layer(this->next()).oldest();
  }

  /// The store as it was at the height, a `SchemaPast`: the codecs of the chain
  /// read records of whatever version it had then. A tree that a step has moved
  /// since is read under its old name, with the codec of `ChainUpTo`.
  /// Errors: `HeightError`; `schema_too_old` and `schema_newer` for a height of
  /// versions that this program does not read.
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

  /// The same with a slice of the scrub in the height, for chains whose heights are numbers of
  /// their own and leave no room for those of `scrub`. Machines that make the same heights with the
  /// same options agree on each root. Errors: those of `scrub_slice` too; nothing is committed
  /// then.
  auto commit_with_scrub(const WriteBatch& batch, Height height, const ScrubOptions& options = {},
                         Durability durability = Durability::synced)
    requires keeps_history
  {
    if (!upkeep_ || !mixed()) return commit(batch, height, durability);
    const std::lock_guard one_at_a_time(upkeep_->scrubbing);
    const detail::GateClosed alone(upkeep_->gate.get());
    detail::Scrubber<Chain, Next> scrubber(this->next(), nullptr, options);
    return detail::history_layer(this->next())
        .commit(scrubber.changes().append(batch), height, durability);
  }

  /// The height while it is made. A scrub waits until it is finalized, or gone.
  [[nodiscard]] auto begin(Height height)
    requires keeps_history
  {
    auto& layer = detail::history_layer(this->next());
    using Begun = decltype(layer.begin(height));
    return detail::Gated<Begun>(gate(), [&] { return layer.begin(height); });
  }

  /// Takes back every height above this one; a scrub of records that lazy steps
  /// have left begins anew. Errors: `invalid_argument` where a migration has run
  /// since.
  void rollback(Height height)
    requires keeps_history
  {
    const detail::InGate in = in_gate();
    detail::prepare_rollback(this->next(), height);
    detail::history_layer(this->next()).rollback(height);
  }

  // What lazy steps have left

  /// One slice of what `scrub(store)` does to the records that lazy steps have left.
  ScrubProgress scrub_slice(const ScrubOptions& options = {}) {
    if (!upkeep_) {
      if (mixed()) detail::refuse_to_scrub(*ledger().head());
      return {.complete = true};
    }
    const std::lock_guard one_at_a_time(upkeep_->scrubbing);
    return detail::Scrubber<Chain, Next>(this->next(), upkeep_->gate.get(), options).slice();
  }

  /// Whether there may be records of an older layout than that of `version()`; they are converted
  /// as they are read.
  [[nodiscard]] bool mixed() const {
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
  [[nodiscard]] LedgerReader<Next> ledger() const { return LedgerReader<Next>(this->next()); }

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
