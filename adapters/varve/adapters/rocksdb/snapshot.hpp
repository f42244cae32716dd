// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb/cursor.hpp>
#include <varve/adapters/rocksdb/pinned.hpp>
#include <varve/adapters/rocksdb/reads.hpp>
#include <varve/adapters/rocksdb/store.hpp>

#include <rocksdb/snapshot.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

namespace varve {

/// The state of a RocksDB store at one moment, and its trees of that moment: one that was dropped
/// since is still read, and one that was made since is not there.
///
/// Holds back what the store would free until it dies. Must die before its engine. May be read from
/// many threads at once.
class RocksSnapshot {
 public:
  explicit RocksSnapshot(const detail::rocks::Store& store)
      : store_(&store), options_(store.read_options()) {
    store.guard().check("snapshot", detail::rocks::engine_name);
    const std::lock_guard lock(store.trees_mutex());
    time_ = store.trees().time();
    options_.snapshot = store.database().GetSnapshot();
  }

  RocksSnapshot(RocksSnapshot&& other) noexcept
      : store_(other.store_), options_(std::move(other.options_)), time_(other.time_) {
    other.options_.snapshot = nullptr;
  }

  RocksSnapshot& operator=(RocksSnapshot&& other) noexcept {
    RocksSnapshot old(std::move(*this));
    store_ = other.store_;
    time_ = other.time_;
    options_.snapshot = std::exchange(other.options_.snapshot, nullptr);
    return *this;
  }

  ~RocksSnapshot() {
    if (options_.snapshot == nullptr || store_->guard().in_child()) return;
    store_->database().ReleaseSnapshot(options_.snapshot);
  }

  [[nodiscard]] std::optional<RocksPinned> get(Tree tree, BytesView key) const {
    return detail::rocks::Reads::get(*store_, options_, family(tree, "get"), key);
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    return detail::rocks::Reads::contains(*store_, options_, family(tree, "contains"), key);
  }

  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<RocksPinned>> values) const {
    detail::rocks::Reads::multi_get(*store_, options_, family(tree, "multi_get"), keys, values);
  }

  [[nodiscard]] RocksScan scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    return RocksScan(RocksCursor(*store_, options_, family(tree, "scan"), range, order));
  }

 private:
  [[nodiscard]] rocksdb::ColumnFamilyHandle* family(Tree tree, const char* operation) const {
    store_->guard().check(operation, detail::rocks::engine_name);
    rocksdb::ColumnFamilyHandle* const found = store_->trees().find_at(tree, time_);
    if (found == nullptr) store_->refuse_tree(tree, operation);
    return found;
  }

  const detail::rocks::Store* store_;
  rocksdb::ReadOptions options_;
  std::uint64_t time_ = 0;
};

}  // namespace varve
