// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/layer.hpp>
#include <varve/history/audit.hpp>
#include <varve/history/audit_report.hpp>
#include <varve/history/block.hpp>
#include <varve/history/changes.hpp>
#include <varve/history/committer.hpp>
#include <varve/history/height.hpp>
#include <varve/history/height_error.hpp>
#include <varve/history/options.hpp>
#include <varve/history/past.hpp>
#include <varve/history/reading.hpp>
#include <varve/history/state_root.hpp>
#include <varve/history/statistics.hpp>
#include <varve/history/store.hpp>
#include <varve/history/uncommitted.hpp>
#include <varve/merkle/multiproof.hpp>
#include <varve/merkle/proof.hpp>
#include <varve/merkle/suites.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve {

namespace detail::history {

/// Loads and transactions would pass by the history; the tail below shows records of the layer.
template <KvEngine Next>
using VersionedBase =
    Layer<Next, Forwards<Group::reads, Group::scans, Group::snapshots, Group::checkpoints>,
          Blocks<Group::bulk, Group::transactions, Group::tail>>;

}  // namespace detail::history

/// History by height: each batch that is committed is a height, and what the store was at a height
/// can be read, compared and brought back. The latest state lies as it would without the layer, so
/// that reading it costs nothing more. With a suite of merkle/suites.hpp as `Commitment` each
/// height has a root, against which proofs hold; `Uncommitted` keeps history alone.
/// docs/layers/versioned.md.
///
/// Models      what `Next` models, less `BulkLoadEngine`, `TransactionalEngine` and `TailEngine`.
/// Errors      Those of `Next`; `HeightError` where a height is not reached, pruned or out of
/// order. Durability  That of `Next`: a height is one batch, so that a crash leaves it whole or
/// absent. Threads     any. Readers, of the past too, take no lock; heights are made one after the
/// other.
///             Moved while nobody uses it.
template <KvEngine Next, class Commitment = merkle::Blake3>
class Versioned : public detail::history::VersionedBase<Next> {
  using Base = detail::history::VersionedBase<Next>;
  using Store = detail::history::HistoryStore<Next, Commitment>;
  using Committer = detail::history::Committer<Commitment>;

 public:
  using Options = VersionedOptions;

  static constexpr BytesView name = "versioned";
  static constexpr Role role = Role::versions;
  static constexpr LayerFormat format{.version = 1, .joins = true};

  template <class Context>
  explicit Versioned(Context& context)
      : Base(context),
        store_(
            std::make_unique<Store>(this->next(), context.template options<VersionedOptions>())) {}

  [[nodiscard]] const VersionedOptions& options() const noexcept { return store_->options(); }
  [[nodiscard]] VersionedStatistics statistics() const { return standing().statistics(); }

  /// The height of what is read without a height. Where a write failed and may have been done, it
  /// is read from the store, and what `Next` throws then is thrown.
  [[nodiscard]] Height latest() const { return standing().latest(); }

  /// The lowest height that can be read, as `latest`.
  [[nodiscard]] Height oldest() const { return standing().oldest(); }

  // heights

  /// Applies the batch as the height, which is above the latest, all or nothing. Answers its
  /// `StateRoot`, where there is a commitment.
  auto commit(const WriteBatch& batch, Height height, Durability durability = Durability::synced) {
    check(batch, "commit");
    return Committer::answer(
        store_->commit(this->next(), batch, {}, {.height = height, .durability = durability}));
  }

  /// The height while it is made, in memory: its writes are read back, and `finalize` commits them.
  [[nodiscard]] Block<Versioned> begin(Height height) {
    const std::uint64_t state = standing().state();
    store_->check_next(height, "begin");
    return Block<Versioned>(*this, height, state);
  }

  /// The store as it was at the height: between two that were committed, as at the lower.
  [[nodiscard]] auto at(Height height) const
    requires SnapshotEngine<Next>
  {
    auto snapshot = take_snapshot();
    const auto head = detail::history::head_of(*snapshot, store_->trees().heights);
    return past(snapshot, head, height, "at");
  }

  /// One value as it was at the height.
  [[nodiscard]] auto get_versioned(Tree tree, BytesView key, Height height) const
    requires SnapshotEngine<Next>
  {
    return at(height).get(tree, key);
  }

  /// One value as it is: `get`.
  [[nodiscard]] auto get_latest(Tree tree, BytesView key) const { return this->get(tree, key); }

  /// What differs between two heights, in whichever order they are given. Records of trees that
  /// were dropped since are left out.
  [[nodiscard]] auto changes(Height from, Height to) const
    requires SnapshotEngine<Next>
  {
    auto snapshot = take_snapshot();
    const auto head = detail::history::head_of(*snapshot, store_->trees().heights);
    auto before = past(snapshot, head, from, "changes");
    auto after = past(snapshot, head, to, "changes");
    using Changes = HeightChanges<Past<Next>>;
    return Changes(std::move(before), std::move(after),
                   detail::history::changed_between<typename Changes::Key>(
                       *snapshot, store_->trees().heights, std::min(from, to), std::max(from, to)));
  }

  /// Takes back every height above this one. What is too much for one batch goes step by step, the
  /// latest first: killed meanwhile, the store is at some height between, and whole.
  void rollback(Height height) { store_->rollback(this->next(), height); }

  /// An index of a table has been built from its records: for the tables. On heights before it is
  /// not readable, and where they are rolled back to it is to be built again.
  void index_built(Tree index) { store_->index_built(this->next(), index); }

  /// From now on no rollback goes below the latest height: for who changes the store in ways that
  /// heights do not show, as migrations do.
  void end_rollbacks() { store_->end_rollbacks(this->next()); }

  /// Removes at least so many records of history that nobody needs, if there are so many, and
  /// answers whether more are left. Each commit does some of it, so it need not be called.
  bool prune_step(std::size_t budget = 4096) { return store_->prune_step(this->next(), budget); }

  // roots

  /// The root of the height: between two that were committed, of the lower.
  /// Errors: `invalid_argument` where the store kept no roots then.
  [[nodiscard]] StateRoot root(Height height) const
    requires(Committer::commits)
  {
    return root_of(height);
  }
  [[nodiscard]] StateRoot root() const
    requires(Committer::commits)
  {
    return root_of(std::nullopt);
  }

  /// A proof of what the key of the tree held at the height, or that it held nothing:
  /// `merkle::verify<Commitment>(root(height), tree_name, key, value, proof)`.
  /// Errors: `invalid_argument` where the tree is no part of the root.
  [[nodiscard]] std::string prove(Tree tree, BytesView key, Height height) const
    requires(Committer::commits && SnapshotEngine<Next>)
  {
    return merkle::encode_proof<Commitment>(paths_of(tree, {&key, 1}, height).front().proof);
  }

  /// One proof of what several keys of the tree held, each as by `prove`:
  /// `merkle::verify_all<Commitment>(root(height), statements, proof)`.
  [[nodiscard]] std::string prove_all(Tree tree, std::span<const BytesView> keys,
                                      Height height) const
    requires(Committer::commits && SnapshotEngine<Next>)
  {
    return merkle::encode_multiproof<Commitment>(paths_of(tree, keys, height));
  }

  /// Compares the latest height's records with its root: reads all of them, and checks every page.
  [[nodiscard]] AuditReport audit() const
    requires(Committer::commits && SnapshotEngine<Next>)
  {
    auto trees = this->next().trees();
    auto snapshot = take_snapshot();
    // Where trees come and go meanwhile, once more: a snapshot does not list its own.
    for (auto now = this->next().trees(); now != trees; now = this->next().trees()) {
      trees = std::move(now);
      snapshot = take_snapshot();
    }
    const auto head = detail::history::head_of(*snapshot, store_->trees().heights);
    const auto latest = detail::history::nearest_height(
        *snapshot, store_->trees().heights, head.latest, head.latest, Order::descending);
    if (!latest) detail::history::refuse_bytes(detail::history::heights_tree, "the head");
    return detail::history::audit<Commitment>(*snapshot, trees, store_->trees(), *latest);
  }

  // writes

  /// Commits the batch at the height above the latest. A batch that changes no record makes no
  /// height.
  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    if (!check(batch, "write")) return this->next().write(batch, durability);
    store_->commit(this->next(), batch, {}, {.durability = durability, .operation = "write"});
  }

  void write_and_drop(const WriteBatch& batch, std::span<const Tree> dropped, Durability durability)
    requires TransactionalDropEngine<Next>
  {
    check(batch, "write_and_drop");
    for (const Tree tree : dropped) check_not_own(tree, "write_and_drop");
    store_->commit(this->next(), batch, dropped,
                   {.durability = durability, .operation = "write_and_drop"});
  }

  // trees

  [[nodiscard]] Tree open_tree(BytesView tree_name) {
    if (detail::history::is_own_name(tree_name)) {
      refuse("the tree is the layer's own", "open_tree");
    }
    return this->next().open_tree(tree_name);
  }

  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const {
    if (detail::history::is_own_name(tree_name)) return std::nullopt;
    return this->next().find_tree(tree_name);
  }

  /// The past of a tree goes with it; no rollback goes below the height at which that was done.
  void drop_tree(Tree tree) {
    check_not_own(tree, "drop_tree");
    if (tree.reserved()) return this->next().drop_tree(tree);
    store_->drop_tree(this->next(), tree);
  }

  /// But for the layer's own.
  [[nodiscard]] std::vector<TreeInfo> trees() const {
    std::vector<TreeInfo> infos = this->next().trees();
    std::erase_if(infos,
                  [](const TreeInfo& info) { return detail::history::is_own_name(info.name); });
    return infos;
  }

  // maintenance

  void flush() { this->next().flush(); }
  [[nodiscard]] std::uint64_t size_on_disk() const { return this->next().size_on_disk(); }

  /// Keys are shorter than below, since history keeps them with their height.
  [[nodiscard]] Limits limits() const {
    Limits limits = this->next().limits();
    limits.max_key_bytes = detail::history::longest_key(limits.max_key_bytes);
    limits.max_value_bytes -= 1;
    return limits;
  }

  void compact(Tree tree, KeyRange range)
    requires CompactEngine<Next>
  {
    this->next().compact(tree, range);
  }

 private:
  template <class>
  friend class Block;

  [[nodiscard]] const detail::history::Standing& standing() const {
    return store_->standing(this->next());
  }

  auto commit_block(const WriteBatch& batch, const detail::history::HeightOrder& order) {
    check(batch, order.operation);
    return Committer::answer(store_->commit(this->next(), batch, {}, order));
  }

  [[nodiscard]] auto take_snapshot() const {
    return std::make_shared<const snapshot_t<Next>>(this->next().snapshot());
  }

  template <class Snapshot>
  [[nodiscard]] auto past(std::shared_ptr<const Snapshot> snapshot,
                          const detail::history::Head& head, Height height,
                          const char* operation) const {
    detail::history::check_kept(height, {head.oldest}, {head.latest}, operation);
    return Past<Next>(this->next(), std::move(snapshot), store_->trees(), height,
                      height.value != head.latest);
  }

  /// The root of the height, or of the latest, where no rollback comes between.
  [[nodiscard]] StateRoot root_of(std::optional<Height> asked) const {
    if constexpr (SnapshotEngine<Next>) {
      const auto snapshot = take_snapshot();
      const auto head = detail::history::head_of(*snapshot, store_->trees().heights);
      const Height height = asked.value_or(Height{head.latest});
      detail::history::check_kept(height, {head.oldest}, {head.latest}, "root");
      return root_in(*snapshot, {head.oldest}, height, "root");
    } else {
      const Height height = asked.value_or(latest());
      detail::history::check_kept(height, oldest(), latest(), "root");
      return root_in(this->next(), oldest(), height, "root");
    }
  }

  [[nodiscard]] std::vector<merkle::KeyProof> paths_of(Tree tree, std::span<const BytesView> keys,
                                                       Height height) const {
    const auto name_of_tree = store_->committer().name_of(this->next(), tree);
    const auto snapshot = take_snapshot();
    const auto& own = store_->trees();
    const auto head = detail::history::head_of(*snapshot, own.heights);
    detail::history::check_kept(height, {head.oldest}, {head.latest}, "prove");
    const auto record = record_with_root(*snapshot, {head.oldest}, height, "prove");
    detail::history::check_in_root(*snapshot, own, tree, name_of_tree);
    return detail::history::prove<Commitment>(*snapshot, own, *name_of_tree, keys, record);
  }

  template <class R>
  [[nodiscard]] StateRoot root_in(const R& reader, Height oldest, Height height,
                                  const char* operation) const {
    return Committer::answer(record_with_root(reader, oldest, height, operation).root);
  }

  template <class R>
  [[nodiscard]] detail::history::HeightRecord record_with_root(const R& reader, Height oldest,
                                                               Height height,
                                                               const char* operation) const {
    auto found = detail::history::nearest_height(reader, store_->trees().heights, oldest.value,
                                                 height.value, Order::descending);
    if (!found) detail::history::check_kept(height, this->oldest(), latest(), operation);
    if (!found || found->record.root.empty()) {
      refuse("height " + std::to_string(height.value) +
                 " has no root: the store kept history alone then",
             operation);
    }
    return std::move(found->record);
  }

  /// Whether the batch has operations on trees that are not reserved. Refuses what it cannot take.
  bool check(const WriteBatch& batch, const char* operation) const {
    check_limits(batch, limits(), operation, name);
    bool records = false;
    for (const WriteOp op : batch) {
      records = records || !op.tree.reserved();
      check_not_own(op.tree, operation);
    }
    return records;
  }

  void check_not_own(Tree tree, const char* operation) const {
    if (store_->trees().has(tree)) refuse("a tree is the layer's own", operation);
  }

  [[noreturn]] static void refuse(std::string message, const char* operation) {
    throw Error(ErrorKind::invalid_argument,
                {.message = std::move(message), .operation = operation, .layer = "versioned"});
  }

  std::unique_ptr<Store> store_;
};

}  // namespace varve
