// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/buffer/version.hpp>
#include <varve/concepts/key_range.hpp>
#include <varve/concepts/order.hpp>
#include <varve/concepts/scan.hpp>

#include <utility>
#include <vector>

namespace varve::detail {

/// Goes over the keys of one tree in one table, as far as a sequence.
class TableCursor {
 public:
  TableCursor(const MemoryTable& table, Tree tree, std::uint64_t sequence, const KeyBounds& bounds,
              Order order) noexcept
      : table_(&table), tree_(tree), sequence_(sequence) {
    if (order == Order::ascending) {
      settle_ascending(table.seek(tree, bounds.first(), MemoryTable::everything), bounds);
    } else {
      settle_descending(
          bounds.bounded() ? table.last_before(tree, bounds.last()) : table.last_of(tree), bounds);
    }
  }

  /// What was last done to the key at which it stands, or null at the end.
  [[nodiscard]] const TableRecord* record() const noexcept { return record_; }

  void next(const KeyBounds& bounds, Order order) noexcept {
    if (order == Order::descending) {
      return settle_descending(table_->last_before(tree_, record_->key()), bounds);
    }
    const TableRecord* following = record_->after(0);
    if (following != nullptr && following->tree == tree_ && following->key() == record_->key()) {
      following = table_->seek(tree_, record_->key(), 0);
    }
    settle_ascending(following, bounds);
  }

 private:
  /// `at` is the newest record of its key.
  void settle_ascending(const TableRecord* at, const KeyBounds& bounds) noexcept {
    while (at != nullptr && at->tree == tree_ && at->sequence > sequence_) {
      at = table_->seek(tree_, at->key(), sequence_);
    }
    record_ = at != nullptr && at->tree == tree_ && !bounds.passed_by(at->key()) ? at : nullptr;
  }

  /// `at` is the oldest record of its key.
  void settle_descending(const TableRecord* at, const KeyBounds& bounds) noexcept {
    record_ = nullptr;
    for (; at != nullptr && bounds.reached_by(at->key());
         at = table_->last_before(tree_, at->key())) {
      record_ = table_->find(tree_, at->key(), sequence_);
      if (record_ != nullptr) return;
    }
  }

  const MemoryTable* table_;
  Tree tree_;
  std::uint64_t sequence_;
  const TableRecord* record_ = nullptr;
};

/// A scan of the layer below with the tables laid over it.
template <Cursor Below>
class MergeCursor {
 public:
  /// `below` is a scan of the same tree and range, in the same order.
  MergeCursor(BufferView view, Tree tree, KeyRange range, Order order, Below below)
      : view_(std::move(view)), order_(order), below_(std::move(below)) {
    if (view_.version) lay_over(tree, range);
    settle();
  }

  [[nodiscard]] bool valid() const noexcept { return valid_; }

  [[nodiscard]] Entry entry() const {
    if (own_ != nullptr) return {own_->key(), own_->value()};
    return below_.entry();
  }

  void next() {
    if (own_ != nullptr) {
      pass(own_->key());
    } else {
      below_.next();
    }
    settle();
  }

 private:
  void lay_over(Tree tree, KeyRange range) {
    bounds_ = KeyBounds(range);
    if (bounds_.empty()) return;
    for (const auto& table : view_.version->tables) {
      const TableCursor cursor(*table, tree, view_.sequence, bounds_, order_);
      if (cursor.record() != nullptr) tables_.push_back(cursor);
      for (const auto* erase = table->newest_range(); erase != nullptr; erase = erase->older) {
        if (erase->tree == tree && erase->sequence <= view_.sequence) erases_.push_back(erase);
      }
    }
  }

  [[nodiscard]] bool before(BytesView a, BytesView b) const noexcept {
    return order_ == Order::ascending ? a < b : b < a;
  }

  /// Whether a range that holds `key` was erased after `sequence`.
  [[nodiscard]] bool erased_after(std::uint64_t sequence, BytesView key) const noexcept {
    for (const TableRangeErase* erase : erases_) {
      if (erase->sequence < sequence) return false;  // The newest come first.
      if (erase->covers(key)) return true;
    }
    return false;
  }

  /// What the newest table that stands at the nearest key says of it.
  [[nodiscard]] const TableRecord* nearest() const noexcept {
    const TableRecord* found = nullptr;
    for (const TableCursor& table : tables_) {
      const TableRecord* const record = table.record();
      if (record == nullptr) continue;
      if (found == nullptr || before(record->key(), found->key())) found = record;
    }
    return found;
  }

  /// Goes on to the next key that is there, from where all cursors stand.
  void settle() {
    for (;;) {
      own_ = nearest();
      valid_ = below_.valid();
      if (valid_ && (own_ == nullptr || before(below_.entry().key, own_->key()))) {
        own_ = nullptr;
        if (erases_.empty() || !erased_after(0, below_.entry().key)) return;
        below_.next();
        continue;
      }
      if (own_ == nullptr) return;
      valid_ = own_->put && !erased_after(own_->sequence, own_->key());
      if (valid_) return;
      pass(own_->key());
    }
  }

  /// Moves every cursor that stands at `key`.
  void pass(BytesView key) {
    if (below_.valid() && below_.entry().key == key) below_.next();
    for (TableCursor& table : tables_) {
      if (table.record() != nullptr && table.record()->key() == key) table.next(bounds_, order_);
    }
  }

  BufferView view_;
  KeyBounds bounds_;
  Order order_;
  Below below_;
  std::vector<TableCursor> tables_;
  std::vector<const TableRangeErase*> erases_;
  const TableRecord* own_ = nullptr;
  bool valid_ = false;
};

}  // namespace varve::detail
