// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb/batch_translation.hpp>
#include <varve/adapters/rocksdb/bulk_loader.hpp>
#include <varve/adapters/rocksdb/checkpointing.hpp>
#include <varve/adapters/rocksdb/counting.hpp>
#include <varve/adapters/rocksdb/cursor.hpp>
#include <varve/adapters/rocksdb/options.hpp>
#include <varve/adapters/rocksdb/pinned.hpp>
#include <varve/adapters/rocksdb/reads.hpp>
#include <varve/adapters/rocksdb/snapshot.hpp>
#include <varve/adapters/rocksdb/statistics.hpp>
#include <varve/adapters/rocksdb/store.hpp>
#include <varve/adapters/rocksdb/tree_operations.hpp>
#include <varve/adapters/rocksdb/upkeep.hpp>
#include <varve/adapters/rocksdb/writes.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/durability.hpp>
#include <varve/concepts/key_range.hpp>
#include <varve/concepts/kv_engine.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve {

/// RocksDB as an engine: a tree is a column family. Any RocksDB store of bytewise order can be
/// opened, and a store written here is read by RocksDB's own tools. docs/formats/rocksdb.md.
///
/// Models      KvEngine, SnapshotEngine, MultiGetEngine, CountEngine, BulkLoadEngine,
///             CheckpointEngine, CompactEngine.
/// Durability  A `synced` write is in RocksDB's log on disk; a `buffered` one is in the log and
///             survives the death of the process. See `OwnLog`.
/// Errors      A damaged log or manifest is `corruption`, at opening; other damage where it is met.
///             After a change that failed on disk the store is `poisoned` until it is reopened.
/// Threads     Every operation from any thread at any time. Reads take no lock of the adapter.
///
/// Snapshots, scans, loaders and pinned values must die before it; so must the use of it in a child
/// of `fork()`, which is refused. The space of a dropped tree is given back when the store is
/// closed.
class RocksAdapter {
 public:
  using Options = RocksOptions;
  static constexpr BytesView name = detail::rocks::engine_name;

  /// Opens the store in `directory`, or makes one. Errors: `busy` where the directory is held, and
  /// by whom; `corruption`, `io`, `read_only`, `no_space`, `invalid_argument`.
  explicit RocksAdapter(const std::string& directory, RocksOptions options = {})
      : store_(std::make_unique<detail::rocks::Store>(directory, std::move(options))) {}

  [[nodiscard]] const RocksOptions& options() const noexcept { return store_->options(); }

  [[nodiscard]] std::optional<RocksPinned> get(Tree tree, BytesView key) const {
    const detail::rocks::Store& store = *store_;
    return Reads::get(store, store.read_options(), store.family(tree, "get"), key);
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    return Reads::contains(*store_, store_->read_options(), store_->family(tree, "contains"), key);
  }

  /// Fastest where the keys are sorted.
  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<RocksPinned>> values) const {
    Reads::multi_get(*store_, store_->read_options(), store_->family(tree, "multi_get"), keys,
                     values);
  }

  [[nodiscard]] RocksScan scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    return RocksScan(
        RocksCursor(*store_, store_->read_options(), store_->family(tree, "scan"), range, order));
  }

  /// Whether scans that begin from now on leave in the block cache what they read, as they do
  /// unless they are told not to; answers what held before. Without, it is cheaper to go through
  /// all of a tree once, and the cache keeps what is read often.
  bool scans_fill_cache(bool fill) noexcept { return store_->scans_fill_cache(fill); }

  [[nodiscard]] RocksSnapshot snapshot() const { return RocksSnapshot(*store_); }

  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    detail::rocks::write(*store_, batch, durability);
  }

  [[nodiscard]] Tree open_tree(BytesView tree_name) {
    return detail::rocks::open_tree(*store_, tree_name);
  }

  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const {
    return detail::rocks::find_tree(*store_, tree_name);
  }

  /// `not_supported` for the tree `default`, which RocksDB cannot drop.
  void drop_tree(Tree tree) { detail::rocks::drop_tree(*store_, tree); }

  [[nodiscard]] std::vector<TreeInfo> trees() const { return detail::rocks::trees(*store_); }

  void flush() { detail::rocks::flush(*store_); }

  [[nodiscard]] std::uint64_t size_on_disk() const {
    return detail::rocks::disk_bytes(store_->directory());
  }

  [[nodiscard]] Limits limits() const noexcept { return detail::rocks::limits; }

  /// From the bytes that the range has in table files, so good for large ranges of even entries.
  /// What was overwritten or removed and is not yet compacted may count too; of what is still in
  /// memory, the share of a part of the tree is little more than a guess.
  [[nodiscard]] std::uint64_t approximate_count(Tree tree, KeyRange range) const {
    return detail::rocks::Counting(*store_, store_->family(tree, "approximate_count"), range)
        .estimate();
  }

  [[nodiscard]] RocksBulkLoader bulk_loader(Tree tree) { return RocksBulkLoader(*store_, tree); }

  /// Hard links to table files where the file system allows, copies elsewhere. While it is being
  /// made it stands beside, named `directory` and six more characters.
  void checkpoint(const std::string& directory) {
    store_->check_writable("checkpoint");
    detail::rocks::Checkpointing::run(*store_, directory);
  }

  void compact(Tree tree, KeyRange range) { detail::rocks::compact(*store_, tree, range); }

  [[nodiscard]] RocksStatistics statistics() const { return detail::rocks::statistics(*store_); }

  /// RocksDB itself, for what no concept has. What is done with it passes by the adapter: trees
  /// that are made or dropped there are not seen.
  [[nodiscard]] rocksdb::DB& database() const noexcept { return store_->database(); }

  /// The column family of a tree. Lives as long as the adapter.
  [[nodiscard]] rocksdb::ColumnFamilyHandle* column_family(Tree tree) const {
    return store_->family(tree, "column_family");
  }

 private:
  using Reads = detail::rocks::Reads;

  std::unique_ptr<detail::rocks::Store> store_;
};

}  // namespace varve
