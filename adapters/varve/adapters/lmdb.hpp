// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/bulk_loader.hpp>
#include <varve/adapters/lmdb/checkpoint.hpp>
#include <varve/adapters/lmdb/count.hpp>
#include <varve/adapters/lmdb/cursor.hpp>
#include <varve/adapters/lmdb/engine.hpp>
#include <varve/adapters/lmdb/error.hpp>
#include <varve/adapters/lmdb/options.hpp>
#include <varve/adapters/lmdb/pinned.hpp>
#include <varve/adapters/lmdb/read_node.hpp>
#include <varve/adapters/lmdb/snapshot.hpp>
#include <varve/adapters/lmdb/statistics.hpp>
#include <varve/adapters/lmdb/trees.hpp>
#include <varve/adapters/lmdb/writer.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/durability.hpp>
#include <varve/concepts/key_range.hpp>
#include <varve/concepts/limits.hpp>
#include <varve/concepts/order.hpp>
#include <varve/concepts/refinements.hpp>
#include <varve/concepts/scan.hpp>
#include <varve/concepts/tree.hpp>
#include <varve/concepts/write_batch.hpp>

#include <lmdb.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve {

/// A store in LMDB: one file, memory-mapped, read without copies and without waiting for anybody.
/// docs/formats/lmdb.md says how a store lies in the file; docs/adr/0004-lmdb-engine.md why.
///
/// Models      SnapshotEngine, MultiGetEngine, CountEngine, BulkLoadEngine, CheckpointEngine,
///             TransactionalDropEngine.
/// Durability  `synced` is LMDB's full commit. `buffered` leaves out the sync of the page that
///             names the last transaction: after power loss the last ones may be missing, and the
///             store is whole. Destruction syncs what was buffered, as far as it can.
/// Threads     any number of readers and writers. Readers wait for nobody; writers that wait for
///             the disk are committed together.
/// Errors      those of `Error`; LMDB's own code and words are in the details. The files are
///             trusted: a damaged one may crash the process, as LMDB itself does.
class LmdbAdapter {
 public:
  using Options = LmdbOptions;
  static constexpr BytesView name = lmdb::engine_name;

  /// Opens the store in `directory`, or makes one there (0700, its files 0600). Throws `busy` and
  /// names the holder where a store is open in it, here or in another process.
  explicit LmdbAdapter(const std::string& directory, LmdbOptions options = {})
      : engine_(new lmdb::Engine(directory, options)) {
    lmdb::load_trees(*engine_);
  }

  // reads

  [[nodiscard, gnu::always_inline]] std::optional<LmdbPinned> get(Tree tree, BytesView key) const {
    MDB_val wanted = lmdb::to_value(key);
    MDB_val value;
    lmdb::ReadNode* node = lmdb::current_node;
    int code = not_taken;
    if (lmdb::TreeTable::is_low(tree) && engine_->readers.take_at_once(*node)) [[likely]] {
      code = mdb_get(node->transaction, engine_->trees.low_database(tree), &wanted, &value);
    }
    if (code != MDB_SUCCESS) [[unlikely]] {
      node = get_otherwise(*node, code, tree, wanted, value);
      if (node == nullptr) return std::nullopt;
    }
    return std::optional<LmdbPinned>(std::in_place, *node, value);
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const { return get(tree, key).has_value(); }

  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<LmdbPinned>> values) const {
    const lmdb::ReadHold hold(engine_->readers.take());
    if (hold->holders == 0) lmdb::begin_counting(*hold);
    const MDB_dbi database = engine_->existing(tree, "multi_get").database;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      MDB_val wanted = lmdb::to_value(keys[i]);
      MDB_val value{};
      const int code = mdb_get(hold->transaction, database, &wanted, &value);
      if (code == MDB_SUCCESS) {
        lmdb::add_holder(*hold);
        values[i].emplace(*hold, value);
      } else {
        values[i].reset();
        if (code != MDB_NOTFOUND) refuse_get(code, tree);
      }
    }
  }

  [[nodiscard]] Scan<LmdbCursor> scan(Tree tree, KeyRange range,
                                      Order order = Order::ascending) const {
    lmdb::ReadHold hold(engine_->readers.take());
    const MDB_dbi database = engine_->existing(tree, "scan").database;
    KeyBounds bounds(range);
    if (bounds.empty()) return Scan<LmdbCursor>(LmdbCursor());
    return Scan<LmdbCursor>(LmdbCursor(std::move(hold), database, std::move(bounds), order,
                                       engine_->readers.fork_guard()));
  }

  /// The keys of a whole tree, and of a range of up to some thousand keys, are counted exactly. For
  /// more, each byte that keys have at a place is taken to begin as many keys as the next, so where
  /// keys crowd under few of them the estimate is far off; it is never above the whole tree.
  [[nodiscard]] std::uint64_t approximate_count(Tree tree, KeyRange range) const {
    const lmdb::ReadHold hold(engine_->readers.take());
    const MDB_dbi database = engine_->existing(tree, "approximate_count").database;
    const KeyBounds bounds(range);
    return lmdb::RangeEstimate(hold->transaction, database, bounds).result();
  }

  [[nodiscard]] LmdbSnapshot snapshot() const { return LmdbSnapshot(*engine_); }

  // writes

  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    write_and_drop(batch, {}, durability);
  }

  void write_and_drop(const WriteBatch& batch, std::span<const Tree> dropped,
                      Durability durability) {
    lmdb::WriteRequest request;
    request.batch = &batch;
    request.dropped = dropped;
    request.durability = durability;
    lmdb::Writer(*engine_).write(request);
  }

  /// Holds the writer's place until it is finished or destroyed.
  [[nodiscard]] LmdbBulkLoader bulk_loader(Tree tree) { return {*engine_, tree}; }

  // trees

  [[nodiscard]] Tree open_tree(BytesView tree_name) { return lmdb::open_tree(*engine_, tree_name); }

  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const {
    engine_->readers.fork_guard().check("find_tree", name);
    return engine_->trees.find(tree_name);
  }

  void drop_tree(Tree tree) { write_and_drop({}, {&tree, 1}, Durability::synced); }

  [[nodiscard]] std::vector<TreeInfo> trees() const {
    engine_->readers.fork_guard().check("trees", name);
    return engine_->trees.list();
  }

  // maintenance

  void flush() {
    engine_->check_writable("flush");
    engine_->sync("flush");
  }

  [[nodiscard]] std::uint64_t size_on_disk() const {
    engine_->readers.fork_guard().check("size_on_disk", name);
    return engine_->environment.file_bytes();
  }

  [[nodiscard]] Limits limits() const { return engine_->limits; }

  /// Copies the store as it is, free pages included, while it is read and written.
  void checkpoint(const std::string& directory) {
    engine_->readers.fork_guard().check("checkpoint", name);
    engine_->queue.check_loader("checkpoint");
    lmdb::checkpoint(*engine_, directory);
  }

  [[nodiscard]] LmdbStatistics statistics() const;

  [[nodiscard]] const LmdbOptions& options() const noexcept { return engine_->options; }

  /// LMDB's own handle, for what this class does not offer. Valid while the adapter lives; whoever
  /// writes or resizes the map through it breaks the adapter.
  [[nodiscard]] MDB_env* environment() const noexcept { return engine_->environment.get(); }

 private:
  /// In a child of `fork()` everything is the parent's and is left alone.
  struct CloseEngine {
    void operator()(lmdb::Engine* engine) const noexcept {
      if (!engine->readers.fork_guard().in_child()) delete engine;
    }
  };

  static constexpr int not_taken = std::numeric_limits<int>::min();

  /// The way that `get` takes the first time, after a commit, while another value is held, and
  /// where there is no value: the node that holds the value, or null.
  [[nodiscard, gnu::noinline]] lmdb::ReadNode* get_otherwise(lmdb::ReadNode& taken, int code,
                                                             Tree tree, MDB_val& wanted,
                                                             MDB_val& value) const {
    lmdb::ReadNode* node = &taken;
    if (code == not_taken) {
      node = &engine_->readers.take();
      code = mdb_get(node->transaction, engine_->trees.database(tree), &wanted, &value);
      if (code == MDB_SUCCESS) return node;
    }
    lmdb::give_back(*node);
    if (code != MDB_NOTFOUND) refuse_get(code, tree);
    return nullptr;
  }

  [[gnu::cold, gnu::noinline]] void refuse_get(int code, Tree tree) const {
    if (code == MDB_BAD_VALSIZE) return;  // An empty key, which nothing has.
    engine_->existing(tree, "get");
    throw lmdb::engine_error(code, "get", engine_->trees.label(tree));
  }

  std::unique_ptr<lmdb::Engine, CloseEngine> engine_;
};

inline LmdbStatistics LmdbAdapter::statistics() const {
  const lmdb::ReadHold hold(engine_->readers.take());
  engine_->readers.retire();
  const lmdb::Environment& environment = engine_->environment;
  LmdbStatistics statistics;
  statistics.map_bytes = environment.map_bytes();
  statistics.used_bytes = environment.used_bytes();
  statistics.file_bytes = environment.file_bytes();
  statistics.page_bytes = environment.page_bytes();
  statistics.last_transaction = environment.last_transaction();
  statistics.commits = engine_->commits;
  statistics.batches = engine_->batches;
  statistics.map_growths = engine_->map_growths;
  statistics.trees = static_cast<std::uint32_t>(engine_->trees.size());
  statistics.reader_slots = engine_->readers.size();
  statistics.max_readers = engine_->options.max_readers;
  statistics.oldest_reader_lag =
      statistics.last_transaction - environment.oldest_reader(statistics.last_transaction);
  return statistics;
}

}  // namespace varve
