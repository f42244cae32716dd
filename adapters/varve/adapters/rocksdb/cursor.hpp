// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb/errors.hpp>
#include <varve/adapters/rocksdb/store.hpp>
#include <varve/concepts/entry.hpp>
#include <varve/concepts/key_range.hpp>
#include <varve/concepts/order.hpp>
#include <varve/concepts/scan.hpp>

#include <rocksdb/iterator.h>

#include <memory>
#include <utility>

namespace varve {

/// A place in a tree of a RocksDB store, over an iterator of its own that ends at the range's end.
/// Holds back what the store would free until it dies. Must die before its engine.
class RocksCursor {
 public:
  RocksCursor(const detail::rocks::Store& store, const rocksdb::ReadOptions& options,
              rocksdb::ColumnFamilyHandle* family, KeyRange range, Order order)
      : state_(std::make_unique<State>(store, range, order)) {
    if (state_->bounds.empty()) return;
    state_->open(options, family);
    load();
  }

  RocksCursor(RocksCursor&&) noexcept = default;
  RocksCursor& operator=(RocksCursor&&) noexcept = default;

  [[nodiscard]] bool valid() const noexcept { return valid_; }
  [[nodiscard]] Entry entry() const noexcept { return entry_; }

  void next() {
    if (state_->order == Order::ascending) {
      state_->iterator->Next();
    } else {
      state_->iterator->Prev();
    }
    load();
  }

 private:
  /// RocksDB keeps pointers to the two bounds.
  struct State {
    State(const detail::rocks::Store& owner, KeyRange range, Order direction)
        : store(owner), bounds(range), order(direction) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
      if (store.guard().in_child()) static_cast<void>(iterator.release());
    }

    void open(rocksdb::ReadOptions options, rocksdb::ColumnFamilyHandle* family) {
      store.guard().check("scan", detail::rocks::engine_name);
      first = detail::rocks::slice(bounds.first());
      last = detail::rocks::slice(bounds.last());
      options.total_order_seek = true;
      options.fill_cache = store.scans_fill_cache();
      if (bounds.bounded()) options.iterate_upper_bound = &last;
      if (order == Order::descending && !first.empty()) options.iterate_lower_bound = &first;
      iterator.reset(store.database().NewIterator(options, family));
      if (order == Order::descending) {
        iterator->SeekToLast();
      } else {
        iterator->Seek(first);
      }
    }

    const detail::rocks::Store& store;
    KeyBounds bounds;
    Order order;
    rocksdb::Slice first;
    rocksdb::Slice last;
    std::unique_ptr<rocksdb::Iterator> iterator;
  };

  void load() {
    valid_ = state_->iterator->Valid();
    if (valid_) [[likely]] {
      entry_ = {detail::rocks::view(state_->iterator->key()),
                detail::rocks::view(state_->iterator->value())};
      return;
    }
    detail::rocks::check(state_->iterator->status(), "scan");
  }

  std::unique_ptr<State> state_;
  bool valid_ = false;
  Entry entry_;
};

using RocksScan = Scan<RocksCursor>;

}  // namespace varve
