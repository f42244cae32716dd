// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "testing/broken_engines.hpp"

/// Engines that are right for one thread and free of data races, and wrong for many threads.
namespace varve_test {

/// Others see the operations of a batch one by one.
struct TearsBatches : FullEngine {
  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    for (const WriteOp op : batch) {
      WriteBatch one;
      add(one, op);
      FullEngine::write(one, durability);
      std::this_thread::yield();
    }
  }
};

struct MultiGetsOneByOne : FullEngine {
  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<Value>> values) const {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      values[i] = get(tree, keys[i]);
      std::this_thread::yield();
    }
  }
};

/// Each tree of a snapshot is of another moment.
struct SnapshotsTreesOneByOne : FullEngine {
  class Snapshot {
   public:
    explicit Snapshot(const FullEngine& engine) : even_(engine.snapshot()), odd_(later(engine)) {}
    [[nodiscard]] auto get(Tree tree, BytesView key) const { return of(tree).get(tree, key); }
    [[nodiscard]] bool contains(Tree tree, BytesView key) const {
      return of(tree).contains(tree, key);
    }
    [[nodiscard]] auto scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
      return of(tree).scan(tree, range, order);
    }

   private:
    static FullEngine::Snapshot later(const FullEngine& engine) {
      std::this_thread::yield();
      return engine.snapshot();
    }
    [[nodiscard]] const FullEngine::Snapshot& of(Tree tree) const {
      return tree.number() % 2 == 0 ? even_ : odd_;
    }

    FullEngine::Snapshot even_;
    FullEngine::Snapshot odd_;
  };

  [[nodiscard]] Snapshot snapshot() const { return Snapshot(*this); }
};

/// A cache that takes in what was read before a write and is put there after it.
struct CachesOldReads : FullEngine {
  [[nodiscard]] std::optional<Value> get(Tree tree, BytesView key) const {
    const std::pair at(tree, std::string(key));
    {
      const std::lock_guard lock(mutex_);
      if (const auto cached = cache_.find(at); cached != cache_.end()) return cached->second;
    }
    const auto value = FullEngine::get(tree, key);
    std::this_thread::yield();
    const std::lock_guard lock(mutex_);
    cache_.insert_or_assign(at, value);
    return value;
  }

  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    FullEngine::write(batch, durability);
    const std::lock_guard lock(mutex_);
    for (const WriteOp op : batch) cache_.erase({op.tree, std::string(op.key)});
  }

 private:
  mutable std::mutex mutex_;
  mutable std::map<std::pair<Tree, std::string>, std::optional<Value>> cache_;
};

/// A long scan is read in pages, each of what is there by then.
struct ScansInPages : FullEngine {
  class Cursor {
   public:
    Cursor(const FullEngine& engine, Tree tree, KeyRange range, Order order)
        : engine_(&engine), tree_(tree), bounds_(range), order_(order) {
      read(range);
    }
    [[nodiscard]] bool valid() const noexcept { return at_ != page_.size(); }
    [[nodiscard]] Entry entry() const { return {page_[at_].first, page_[at_].second}; }
    void next() {
      if (++at_ != page_.size() || page_.size() < page_entries) return;
      const std::string last = page_.back().first;
      const std::string first(bounds_.first());
      const std::string after = last + '\0';
      if (order_ == Order::descending) return read(KeyRange::between(first, last));
      const std::string end(bounds_.last());
      read(bounds_.bounded() ? KeyRange::between(after, end) : KeyRange::from(after));
    }

   private:
    static constexpr std::size_t page_entries = 16;

    void read(KeyRange range) {
      page_.clear();
      at_ = 0;
      for (auto scan = engine_->scan(tree_, range, order_);
           scan.valid() && page_.size() < page_entries; scan.next()) {
        page_.emplace_back(scan.entry().key, scan.entry().value);
      }
    }

    const FullEngine* engine_;
    Tree tree_;
    KeyBounds bounds_;
    Order order_;
    std::vector<std::pair<std::string, std::string>> page_;
    std::size_t at_ = 0;
  };

  [[nodiscard]] Scan<Cursor> scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    return Scan<Cursor>(Cursor(*this, tree, range, order));
  }
};

/// Forgets now and then what is written while somebody else writes.
struct LosesWritesUnderLoad : FullEngine {
  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    const bool alone = writing_.fetch_add(1) == 0;
    if (alone || (skipped_.fetch_add(1) + 1) % 4 != 0) FullEngine::write(batch, durability);
    std::this_thread::yield();
    writing_.fetch_sub(1);
  }

 private:
  std::atomic<int> writing_{0};
  std::atomic<int> skipped_{0};
};

/// Dropping a tree undoes what is written to the others meanwhile.
struct DropsUndoWrites : FullEngine {
  void drop_tree(Tree tree) {
    const auto before = snapshot();
    std::this_thread::yield();
    WriteBatch again;
    for (const TreeInfo& info : trees()) {
      if (info.tree == tree || info.name != "kept") continue;
      again.erase_range(info.tree, KeyRange::all());
      for (const auto& [key, value] : before.scan(info.tree, KeyRange::all())) {
        again.put(info.tree, key, value);
      }
    }
    FullEngine::write(again);
    FullEngine::drop_tree(tree);
  }
};

}  // namespace varve_test
