// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/error.hpp>
#include <varve/adapters/lmdb/read_node.hpp>
#include <varve/adapters/support/fork_guard.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/entry.hpp>
#include <varve/concepts/key_range.hpp>
#include <varve/concepts/order.hpp>

#include <lmdb.h>

#include <memory>
#include <string>
#include <utility>

namespace varve {

namespace lmdb {

[[nodiscard]] inline MDB_val to_value(BytesView bytes) noexcept {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}

[[nodiscard]] inline BytesView to_view(const MDB_val& value) noexcept {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

struct CloseCursor {
  void operator()(MDB_cursor* cursor) const noexcept { mdb_cursor_close(cursor); }
};
using CursorHandle = std::unique_ptr<MDB_cursor, CloseCursor>;

/// Puts a cursor on the first entry of a tree whose key is at or after `first`.
[[nodiscard]] inline int seek(MDB_cursor* cursor, BytesView first, MDB_val& key, MDB_val& value) {
  if (first.empty()) return mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
  key = to_value(first);
  return mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
}

}  // namespace lmdb

/// A position on the entries of a range of an LMDB store. Its views point into the mapped pages. At
/// the end of the range it gives its reading transaction back.
class LmdbCursor {
 public:
  /// Stands past the end of every range.
  LmdbCursor() noexcept = default;

  /// Stands on the first entry of `bounds` in `order` as the transaction of `hold` sees it.
  LmdbCursor(lmdb::ReadHold hold, MDB_dbi database, KeyBounds bounds, Order order,
             const support::ForkGuard& guard)
      : bounds_(std::move(bounds)), hold_(std::move(hold)), guard_(&guard), order_(order) {
    MDB_cursor* cursor = nullptr;
    lmdb::check(mdb_cursor_open(hold_->transaction, database, &cursor), "scan");
    cursor_.reset(cursor);
    settle(order == Order::ascending ? lmdb::seek(cursor, bounds_.first(), key_, value_)
                                     : seek_last());
  }

  LmdbCursor(LmdbCursor&& other) noexcept
      : bounds_(std::move(other.bounds_)),
        hold_(std::move(other.hold_)),
        cursor_(std::move(other.cursor_)),
        guard_(other.guard_),
        key_(other.key_),
        value_(other.value_),
        order_(other.order_) {}

  LmdbCursor& operator=(LmdbCursor&& other) noexcept {
    cursor_ = std::move(other.cursor_);
    hold_ = std::move(other.hold_);
    bounds_ = std::move(other.bounds_);
    guard_ = other.guard_;
    key_ = other.key_;
    value_ = other.value_;
    order_ = other.order_;
    return *this;
  }

  [[nodiscard]] bool valid() const noexcept { return cursor_ != nullptr; }

  [[nodiscard]] Entry entry() const noexcept {
    return {lmdb::to_view(key_), lmdb::to_view(value_)};
  }

  void next() {
    guard_->check("scan", lmdb::engine_name);
    settle(mdb_cursor_get(cursor_.get(), &key_, &value_,
                          order_ == Order::ascending ? MDB_NEXT : MDB_PREV));
  }

 private:
  /// Puts the cursor on the last entry before the end of the range.
  [[nodiscard]] int seek_last() {
    if (!bounds_.bounded()) return mdb_cursor_get(cursor_.get(), &key_, &value_, MDB_LAST);
    const int code = lmdb::seek(cursor_.get(), bounds_.last(), key_, value_);
    if (code == MDB_NOTFOUND) return mdb_cursor_get(cursor_.get(), &key_, &value_, MDB_LAST);
    if (code != MDB_SUCCESS) return code;
    return mdb_cursor_get(cursor_.get(), &key_, &value_, MDB_PREV);
  }

  /// Takes in the outcome of a move: an entry of the range, the end, or an error.
  void settle(int code) {
    if (code == MDB_SUCCESS) [[likely]] {
      const BytesView key = lmdb::to_view(key_);
      const bool within =
          order_ == Order::ascending ? !bounds_.passed_by(key) : bounds_.reached_by(key);
      if (within) [[likely]]
        return;
    }
    cursor_.reset();
    hold_.reset();
    if (code != MDB_SUCCESS && code != MDB_NOTFOUND) throw lmdb::engine_error(code, "scan");
  }

  KeyBounds bounds_;
  lmdb::ReadHold hold_;
  lmdb::CursorHandle cursor_;
  const support::ForkGuard* guard_ = nullptr;
  MDB_val key_{};
  MDB_val value_{};
  Order order_ = Order::ascending;
};

}  // namespace varve
