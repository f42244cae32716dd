// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/bulk_loader.hpp>
#include <varve/adapters/memory/cursor.hpp>
#include <varve/adapters/memory/engine.hpp>
#include <varve/adapters/memory/options.hpp>
#include <varve/adapters/memory/pinned.hpp>
#include <varve/adapters/memory/reads.hpp>
#include <varve/adapters/memory/snapshot.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/durability.hpp>
#include <varve/concepts/key_range.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/concepts/limits.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace varve {

/// An ordered engine in memory: copy-on-write B+trees, found by prefixes of their keys in the
/// processor's vectors. docs/adr/0003-memory-engine.md.
///
/// Models      KvEngine, SnapshotEngine, MultiGetEngine, CountEngine (exact), BulkLoadEngine,
///             TransactionalDropEngine, VolatileEngine.
/// Durability  none: it forgets everything when it dies.
/// Errors      `invalid_argument` for an unknown tree and for a breach of a limit; `no_space` where
///             memory runs out. Nothing was changed then.
/// Threads     Every operation from any thread at any time. Readers wait for nobody, and nobody for
///             them; writers take turns. A read allocates nothing, but for a thread's first.
///
/// Snapshots, scans, loaders and pinned values must die before it. They hold back the memory of
/// what their state shows; what waited for a pinned value alone is freed by a later write or
/// `flush`. The child of a `fork()` is refused.
class MemoryAdapter {
 public:
  using Options = MemoryOptions;
  static constexpr BytesView name = detail::memory::engine_name;
  static constexpr bool is_volatile = true;

  explicit MemoryAdapter(MemoryOptions options = {})
      : engine_(std::make_unique<detail::memory::Engine>(options)) {}

  [[nodiscard]] const MemoryOptions& options() const noexcept { return engine_->options(); }

  [[nodiscard]] std::optional<MemoryPinned> get(Tree tree, BytesView key) const {
    return detail::memory::get(*engine_, engine_->pin("get"), tree, key);
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    const auto pin = engine_->pin("contains");
    return detail::memory::contains(*engine_, pin.version(), tree, key);
  }

  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<MemoryPinned>> values) const {
    const auto pin = engine_->pin("multi_get");
    detail::memory::multi_get(*engine_, pin.version(), tree, keys, values);
  }

  [[nodiscard]] MemoryScan scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    return detail::memory::scan(*engine_, engine_->pin("scan"), tree, range, order);
  }

  /// Costs two stores, whatever the engine holds.
  [[nodiscard]] MemorySnapshot snapshot() const {
    return MemorySnapshot(detail::memory::VersionPin(*engine_, engine_->pin("snapshot")));
  }

  /// Exact, at the cost of two searches.
  [[nodiscard]] std::uint64_t approximate_count(Tree tree, KeyRange range) const {
    const auto pin = engine_->pin("approximate_count");
    return detail::memory::count(pin.version(), tree, range);
  }

  void write(const WriteBatch& batch, Durability /*durability*/ = Durability::synced) {
    engine_->write("write", batch, {});
  }

  void write_and_drop(const WriteBatch& batch, std::span<const Tree> dropped,
                      Durability /*durability*/ = Durability::synced) {
    engine_->write("write_and_drop", batch, dropped);
  }

  [[nodiscard]] MemoryBulkLoader bulk_loader(Tree tree) { return {*engine_, tree}; }

  [[nodiscard]] Tree open_tree(BytesView tree_name) { return engine_->open_tree(tree_name); }

  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const {
    return engine_->find_tree(tree_name, "find_tree");
  }

  void drop_tree(Tree tree) { engine_->write("drop_tree", {}, {&tree, 1}); }

  [[nodiscard]] std::vector<TreeInfo> trees() const { return engine_->trees(); }

  /// Brings nothing to disk. Frees what earlier writes left and nobody reads.
  void flush() { engine_->tidy(); }

  [[nodiscard]] std::uint64_t size_on_disk() const noexcept { return 0; }

  /// What it has taken from the system, in steps of 2 MiB.
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return engine_->bytes_held(); }

  [[nodiscard]] Limits limits() const noexcept {
    return {.max_key_bytes = options().max_key_bytes,
            .max_value_bytes = options().max_value_bytes,
            .max_batch_bytes = options().max_batch_bytes};
  }

 private:
  std::unique_ptr<detail::memory::Engine> engine_;
};

}  // namespace varve
