// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/cache/cache.hpp>
#include <varve/concepts/refinements.hpp>

#include <optional>
#include <span>
#include <utility>

namespace varve::detail::cache {

/// A transaction that reads below, and whose commit forgets what it wrote.
template <varve::detail::Transaction T>
class Transaction {
 public:
  Transaction(T below, Cache& cache) : below_(std::move(below)), cache_(&cache) {}

  [[nodiscard]] auto get(Tree tree, BytesView key) const { return below_.get(tree, key); }
  [[nodiscard]] bool contains(Tree tree, BytesView key) const { return below_.contains(tree, key); }
  [[nodiscard]] auto scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    return below_.scan(tree, range, order);
  }
  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<pinned_t<T>>> values) const
    requires HasMultiGet<T>
  {
    below_.multi_get(tree, keys, values);
  }

  void put(Tree tree, BytesView key, BytesView value) {
    below_.put(tree, key, value);
    touched_.erase(tree, key);
  }
  void erase(Tree tree, BytesView key) {
    below_.erase(tree, key);
    touched_.erase(tree, key);
  }
  void erase_range(Tree tree, KeyRange range) {
    below_.erase_range(tree, range);
    touched_.erase_range(tree, range);
  }
  [[nodiscard]] bool commit(Durability durability = Durability::synced) {
    const Cache::Write under_way(*cache_, touched_);
    return below_.commit(durability);
  }

 private:
  T below_;
  Cache* cache_;
  WriteBatch touched_;
};

/// A loader whose `finish` forgets all of its tree.
template <BulkLoader L>
class Loader {
 public:
  Loader(L below, Cache& cache, Tree tree)
      : below_(std::move(below)), cache_(&cache), tree_(tree) {}

  void put(BytesView key, BytesView value) { below_.put(key, value); }
  void finish() {
    const WriteBatch nothing;
    const Cache::Write under_way(*cache_, nothing, {&tree_, 1});
    below_.finish();
  }

 private:
  L below_;
  Cache* cache_;
  Tree tree_;
};

}  // namespace varve::detail::cache
