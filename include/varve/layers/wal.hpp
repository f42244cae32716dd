// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/file_system.hpp>
#include <varve/concepts/layer.hpp>
#include <varve/io/posix_file_system.hpp>
#include <varve/layers/wal/bulk_loader.hpp>
#include <varve/layers/wal/options.hpp>
#include <varve/layers/wal/recovery.hpp>
#include <varve/layers/wal/statistics.hpp>
#include <varve/layers/wal/store.hpp>
#include <varve/layers/wal/tail.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace varve {

namespace detail {

/// Transactions would pass by the log; a copy of a volatile engine's files would be no store.
template <KvEngine Next>
using WalBase =
    Layer<Next, Forwards<Group::reads, Group::scans, Group::snapshots>,
          std::conditional_t<VolatileEngine<Next>, Blocks<Group::transactions, Group::checkpoints>,
                             Blocks<Group::transactions>>>;

}  // namespace detail

/// A write-ahead log: what is acknowledged is in the log, on disk, before it is done below; many
/// threads share one write to disk. Makes a volatile engine durable. docs/layers/wal.md.
///
/// Models      what `Next` models, less `TransactionalEngine`, and less `CheckpointEngine` where
///             `Next` is volatile; and `TailEngine`.
/// Durability  A `synced` write survives power loss and a `buffered` one the death of the process,
///             as far as `WalOptions::sync` does not say otherwise. A write is seen by readers
///             only when it survives what it promises to survive. Trees are opened and dropped
///             durably.
/// Errors      Those of `Next`; a batch that `Next` would refuse leaves nothing in the log. A write
///             that fails on its way to disk is `indeterminate`, and the store is `poisoned` then.
///             `corruption` where the log is damaged, or not that of the engine below.
/// Threads     any. Readers do not meet the log; writers that wait for the disk are written as one.
///             Moved while nobody uses it. In a child of `fork()` writes and `flush` are refused
///             with `invalid_argument`.
template <KvEngine Next, FileSystem Files = PosixFileSystem>
class Wal : public detail::WalBase<Next> {
  using Base = detail::WalBase<Next>;
  using Store = detail::WalStore<Next, Files>;

 public:
  using Options = WalOptions;
  using FileSystem = Files;

  static constexpr BytesView name = "wal";
  static constexpr Role role = Role::logs;
  static constexpr LayerFormat format{.version = 1, .joins = true};
  static constexpr bool needs_directory = true;
  static constexpr bool is_volatile = false;

  template <class Context>
  explicit Wal(Context& context)
      : Base(context),
        store_(std::make_unique<Store>(context.template file_system<Files>(), context.directory(),
                                       context.template options<WalOptions>(), this->next())) {
    context.brought_back(*this);
  }

  Wal(Wal&&) noexcept = default;
  Wal& operator=(Wal&&) = delete;

  ~Wal() {
    if (!store_) return;
    if (store_->committer().in_child()) {
      static_cast<void>(store_.release());
    } else {
      store_->close(this->next());
    }
  }

  [[nodiscard]] const WalOptions& options() const noexcept { return store_->options(); }

  /// What was found when the store was opened.
  [[nodiscard]] const WalRecovery& recovery() const noexcept { return store_->recovery(); }

  /// May be called at any time, by any thread.
  [[nodiscard]] WalStatistics statistics() const noexcept {
    return store_->committer().statistics();
  }

  /// For `describe`: what was found out about the place of the log.
  template <class Visit>
  void visit_findings(Visit&& visit) const {
    visit("write_through", std::string(statistics().write_through));
  }

  // writes

  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    check_limits(batch, limits(), "write", name);
    if (batch.empty()) return store_->committer().check_writable("write");
    store_->write(this->next(), batch, {}, durability);
  }

  void write_and_drop(const WriteBatch& batch, std::span<const Tree> dropped, Durability durability)
    requires TransactionalDropEngine<Next>
  {
    check_limits(batch, limits(), "write_and_drop", name);
    if (batch.empty() && dropped.empty()) return;
    store_->write(this->next(), batch, dropped, durability);
  }

  // trees

  [[nodiscard]] Tree open_tree(BytesView tree_name) {
    if (tree_name == detail::wal_tree_name) refuse("the tree is the log's own", "open_tree");
    if (const auto tree = this->next().find_tree(tree_name)) return *tree;
    return store_->open_tree(this->next(), tree_name);
  }

  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const {
    if (tree_name == detail::wal_tree_name) return std::nullopt;
    return this->next().find_tree(tree_name);
  }

  void drop_tree(Tree tree) { store_->drop_tree(this->next(), tree); }

  /// But for the layer's own.
  [[nodiscard]] std::vector<TreeInfo> trees() const {
    std::vector<TreeInfo> infos = this->next().trees();
    std::erase_if(infos, [](const TreeInfo& info) { return info.name == detail::wal_tree_name; });
    return infos;
  }

  // bulk

  /// Over a durable engine the load is durable by itself; over a volatile one `finish` writes an
  /// image of the whole. It is no part of the log: `tail` does not show it.
  [[nodiscard]] auto bulk_loader(Tree tree)
    requires BulkLoadEngine<Next>
  {
    return detail::WalBulkLoader(this->next().bulk_loader(tree), *this);
  }

  // maintenance

  /// Returns when everything written is on disk, in the log or below. Over a durable engine it
  /// empties the log.
  void flush() { store_->flush(this->next()); }

  /// Makes the log short: brings what it says to disk below, or, over a volatile engine, writes an
  /// image of that. Done by itself when `WalOptions::checkpoint_bytes` were logged.
  void trim_log() { store_->trim(this->next()); }

  [[nodiscard]] std::uint64_t size_on_disk() const {
    return this->next().size_on_disk() + store_->committer().statistics().log_bytes;
  }

  [[nodiscard]] Limits limits() const {
    Limits limits = this->next().limits();
    // Room for the sequence number that goes with each batch.
    if constexpr (!VolatileEngine<Next>) limits.max_batch_bytes -= mark_bytes;
    return limits;
  }

  void compact(Tree tree, KeyRange range)
    requires CompactEngine<Next>
  {
    this->next().compact(tree, range);
  }

  // checkpoints

  /// A copy of the engine below, a whole store without a log. Writers wait meanwhile.
  void checkpoint(const std::string& directory)
    requires(CheckpointEngine<Next> && !VolatileEngine<Next>)
  {
    store_->checkpoint(this->next(), directory);
  }

  // tail

  /// Of what was last acknowledged: a batch, or a tree that was opened or dropped.
  [[nodiscard]] std::uint64_t last_sequence() const { return store_->committer().applied(); }

  /// The batches from `sequence` on that are acknowledged, those too that come while it is read:
  /// at its end it is not `valid`, and `next` looks again. Reaches back as far as the log and its
  /// archive do; `not_supported` where they no longer do.
  [[nodiscard]] auto tail(std::uint64_t sequence) const {
    return detail::WalTail<Files>(store_->files(), store_->directory(),
                                  detail::log_options(store_->options()), sequence,
                                  store_->committer().applied_place());
  }

 private:
  template <detail::BulkLoader Loader, class Store>
  friend class detail::WalBulkLoader;

  static constexpr std::uint64_t mark_bytes = 64;

  template <class Loader>
  void finish_load(Loader& loader) {
    store_->finish_load(this->next(), loader);
  }

  [[noreturn]] static void refuse(std::string message, const char* operation) {
    throw Error(ErrorKind::invalid_argument,
                {.message = std::move(message), .operation = operation, .layer = "wal"});
  }

  std::unique_ptr<Store> store_;
};

}  // namespace varve
