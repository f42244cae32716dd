// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/cache/epochs.hpp>
#include <varve/cache/hash.hpp>
#include <varve/cache/lru_store.hpp>
#include <varve/cache/set_store.hpp>
#include <varve/cache/statistics.hpp>
#include <varve/cache/value.hpp>
#include <varve/concepts/tree.hpp>
#include <varve/concepts/write_batch.hpp>
#include <varve/io/random_bytes.hpp>
#include <varve/metrics/per_thread.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <vector>

namespace varve::detail::cache {

/// How a cache divides its memory.
struct Shape {
  std::size_t capacity;
  std::size_t entry_bytes;
  unsigned shared_percent;  ///< of the capacity, for values shared by reference
};

/// The cache of a `Cached` layer: small records in sets, others shared by reference, and the
/// bookkeeping that keeps an old value from being filled in over a new one.
class Cache {
  struct Table;

 public:
  /// A key as its tree is now.
  struct Asked {
    Key key;
    std::uint64_t tree_epoch;
  };

  /// Whether the value of a key may be kept once it is read below.
  struct Ticket : Asked {
    std::uint64_t epoch;
    const Table* table;

    [[nodiscard]] bool busy() const noexcept {
      return Epochs::busy(tree_epoch) || Epochs::busy(epoch);
    }
  };

  explicit Cache(Shape shape) : trees_(tree_buckets), keys_(key_buckets) { install(shape); }

  [[nodiscard]] Asked asked(Tree tree, BytesView bytes) const noexcept {
    const std::uint64_t tree_epoch = trees_.read(tree.number());
    const std::uint64_t identity =
        (std::uint64_t{Epochs::begun(tree_epoch)} << 32U) | tree.number();
    return {{identity, bytes, hash_of(tree, bytes)}, tree_epoch};
  }

  /// To be taken before what is asked for is read below.
  [[nodiscard]] Ticket ticket(const Asked& asked) const noexcept {
    return {asked, keys_.read(asked.key.hash), table_.load(std::memory_order_acquire)};
  }
  [[nodiscard]] Ticket ticket(Tree tree, BytesView bytes) const noexcept {
    return ticket(asked(tree, bytes));
  }

  /// Whether nothing that the ticket's key holds can have changed since it was given.
  [[nodiscard]] bool still_holds(const Ticket& ticket, Tree tree) const noexcept {
    return !ticket.busy() && trees_.read(tree.number()) == ticket.tree_epoch &&
           keys_.read(ticket.key.hash) == ticket.epoch;
  }

  [[nodiscard]] Found find(const Asked& asked, Value& out) {
    if (Epochs::busy(asked.tree_epoch)) return Found::nothing;
    Table& table = *table_.load(std::memory_order_acquire);
    const Found found = table.sets.find(asked.key, out);
    return found == Found::nothing ? table.shared.find(asked.key, out) : found;
  }

  void hit() { tallies_.mine().hits.add(1); }
  void missed(const Ticket& ticket) {
    tallies_.mine().misses.add(1);
    table_.load(std::memory_order_acquire)->sets.missed(ticket.key);
  }

  /// Keeps what was read below with the ticket, unless a write came between.
  void fill(const Ticket& ticket, Tree tree, std::optional<BytesView> value) {
    Tallies& mine = tallies_.mine();
    if (ticket.busy()) return mine.rejected_fills.add(1);
    const std::shared_lock lock(resizing_);
    Table& table = *table_.load(std::memory_order_acquire);
    if (&table != ticket.table) return mine.rejected_fills.add(1);
    const auto allowed = [&] { return still_holds(ticket, tree); };
    const std::size_t size = value ? value->size() : 0;
    const auto evicted = table.sets.takes(ticket.key.bytes.size(), size)
                             ? table.sets.fill(ticket.key, value, allowed)
                             : table.shared.fill(ticket.key, value, allowed);
    if (!evicted) return mine.rejected_fills.add(1);
    mine.fills.add(1);
    mine.evictions.add(*evicted);
  }

  /// Forbids what a write touches, from before it begins until it has ended in whatever way.
  class Write {
   public:
    Write(Cache& cache, const WriteBatch& batch, std::span<const Tree> dropped = {})
        : cache_(cache), lock_(cache.resizing_), batch_(batch), dropped_(dropped) {
      static_cast<void>(cache_.tallies_.mine());  // May allocate; nothing has begun yet.
      for (const WriteOp op : batch_) {
        if (op.tree.reserved()) continue;
        if (whole_tree(op))
          cache_.begin(op.tree);
        else
          cache_.begin(op.tree, op.key);
      }
      for (const Tree tree : dropped_) cache_.begin(tree);
    }
    Write(const Write&) = delete;
    Write& operator=(const Write&) = delete;
    ~Write() {
      for (const WriteOp op : batch_) {
        if (op.tree.reserved()) continue;
        if (whole_tree(op))
          cache_.trees_.end(op.tree.number());
        else
          cache_.keys_.end(cache_.hash_of(op.tree, op.key));
      }
      for (const Tree tree : dropped_) cache_.trees_.end(tree.number());
    }

   private:
    static bool whole_tree(const WriteOp& op) noexcept {
      return op.kind == WriteOpKind::erase_range || op.kind == WriteOpKind::erase_from;
    }

    Cache& cache_;
    std::shared_lock<std::shared_mutex> lock_;
    const WriteBatch& batch_;
    std::span<const Tree> dropped_;
  };

  /// Starts anew with another shape. Waits for the writes under way; readers go on.
  void resize(Shape shape) {
    const std::unique_lock lock(resizing_);
    Table& old = *tables_.back();
    install(shape);
    old.sets.retire();
    old.shared.clear();
  }

  [[nodiscard]] CacheStatistics statistics() {
    Tallies sum;
    tallies_.sum_into(sum);
    CacheStatistics all{.hits = sum.hits.get(),
                        .misses = sum.misses.get(),
                        .fills = sum.fills.get(),
                        .evictions = sum.evictions.get(),
                        .rejected_fills = sum.rejected_fills.get(),
                        .invalidations = sum.invalidations.get()};
    const std::shared_lock lock(resizing_);
    Table& table = *table_.load(std::memory_order_acquire);
    std::size_t entries = 0;
    std::size_t bytes = trees_.bytes() + keys_.bytes() + sizeof(Table);
    table.sets.count(entries, bytes);
    table.shared.count(entries, bytes);
    all.entries = entries;
    all.bytes = bytes;
    return all;
  }

 private:
  static constexpr std::size_t tree_buckets = 256;
  static constexpr std::size_t key_buckets = 2048;

  struct Table {
    Table(Shape shape, std::size_t overhead, std::uint64_t seed)
        : sets(sets_bytes(shape, overhead), shape.entry_bytes, seed),
          shared(room(shape, overhead) - sets_bytes(shape, overhead)) {}

    static std::size_t room(Shape shape, std::size_t overhead) noexcept {
      return shape.capacity > overhead ? shape.capacity - overhead : 0;
    }
    static std::size_t sets_bytes(Shape shape, std::size_t overhead) noexcept {
      return room(shape, overhead) / 100 * (100 - std::min(shape.shared_percent, 100U));
    }

    SetStore sets;
    LruStore shared;
  };

  /// Does not depend on the tree's generation: a write that ends looks for the bucket in which it
  /// began.
  [[nodiscard]] std::uint64_t hash_of(Tree tree, BytesView key) const noexcept {
    return hash_key(seed_, tree.number(), key);
  }

  void begin(Tree tree) noexcept {
    const std::uint64_t epoch = trees_.begin(tree.number());
    // Records in sets have 16 bits of their tree's generation: none may see it come again.
    if ((Epochs::begun(epoch) & 0xffffU) == 0) table_.load(std::memory_order_acquire)->sets.clear();
    tallies_.mine().invalidations.add(1);
  }

  void begin(Tree tree, BytesView key) noexcept {
    static_cast<void>(keys_.begin(hash_of(tree, key)));
    const Ticket now = ticket(tree, key);
    Table& table = *table_.load(std::memory_order_acquire);
    const bool small = table.sets.erase(now.key);
    const bool large = table.shared.erase(now.key);
    if (small || large) tallies_.mine().invalidations.add(1);
  }

  void install(Shape shape) {
    const std::size_t overhead = trees_.bytes() + keys_.bytes() + sizeof(Table);
    tables_.push_back(std::make_unique<Table>(shape, overhead, seed_));
    table_.store(tables_.back().get(), std::memory_order_release);
  }

  const std::uint64_t seed_ = random_bits();
  Epochs trees_;
  Epochs keys_;
  std::shared_mutex resizing_;
  // Old ones stay, emptied, for readers that may still look into them.
  std::vector<std::unique_ptr<Table>> tables_;
  std::atomic<Table*> table_{nullptr};
  PerThread<Tallies> tallies_;
};

}  // namespace varve::detail::cache
