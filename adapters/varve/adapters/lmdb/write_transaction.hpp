// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/cursor.hpp>
#include <varve/adapters/lmdb/error.hpp>
#include <varve/adapters/lmdb/tree_table.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/durability.hpp>
#include <varve/concepts/write_batch.hpp>

#include <lmdb.h>

#include <cstdint>
#include <utility>

namespace varve::lmdb {

/// One writing transaction, begun and ended by one thread. Dropped before `commit`, it leaves
/// nothing behind.
class WriteTransaction {
 public:
  WriteTransaction(MDB_env* environment, Durability durability) {
    check(mdb_env_set_flags(environment, MDB_NOMETASYNC, durability == Durability::buffered),
          "write");
    check(mdb_txn_begin(environment, nullptr, 0, &transaction_), "write");
  }
  WriteTransaction(const WriteTransaction&) = delete;
  WriteTransaction& operator=(const WriteTransaction&) = delete;
  ~WriteTransaction() {
    cursor_.reset();
    if (transaction_ != nullptr) mdb_txn_abort(transaction_);
  }

  [[nodiscard]] MDB_txn* get() const noexcept { return transaction_; }
  [[nodiscard]] std::uint64_t number() const noexcept { return mdb_txn_id(transaction_); }

  /// Applies operations whose trees and sizes have been checked. The code of the first that fails;
  /// the transaction is then of no more use.
  [[nodiscard]] int apply(const WriteBatch& batch, const TreeTable& trees) {
    for (const WriteOp& op : batch) {
      if (const int code = move_to(trees.database(op.tree)); code != MDB_SUCCESS) return code;
      if (const int code = apply(op); code != MDB_SUCCESS) return code;
    }
    return MDB_SUCCESS;
  }

  /// Takes every entry out of a tree.
  [[nodiscard]] int clear(MDB_dbi database) {
    cursor_.reset();
    database_ = no_database;
    return mdb_drop(transaction_, database, 0);
  }

  /// Makes everything durable and seen, as far as the durability says. It is over, whatever the
  /// code.
  [[nodiscard]] int commit() noexcept {
    cursor_.reset();
    return mdb_txn_commit(std::exchange(transaction_, nullptr));
  }

 private:
  [[nodiscard]] int move_to(MDB_dbi database) {
    if (database == database_) return MDB_SUCCESS;
    cursor_.reset();
    MDB_cursor* cursor = nullptr;
    const int code = mdb_cursor_open(transaction_, database, &cursor);
    cursor_.reset(cursor);
    database_ = database;
    puts_in_row_ = 0;
    return code;
  }

  [[nodiscard]] int apply(const WriteOp& op) {
    MDB_val key = to_value(op.key);
    MDB_val value = to_value(op.value);
    if (op.kind == WriteOpKind::put) return put(key, value);
    puts_in_row_ = 0;
    switch (op.kind) {
      case WriteOpKind::put: break;
      case WriteOpKind::erase: {
        const int code = mdb_cursor_get(cursor_.get(), &key, &value, MDB_SET);
        if (code == MDB_NOTFOUND) return MDB_SUCCESS;
        return code != MDB_SUCCESS ? code : mdb_cursor_del(cursor_.get(), 0);
      }
      case WriteOpKind::erase_range: return erase(op.key, &op.value);
      case WriteOpKind::erase_from:
        return op.key.empty() ? clear(database_) : erase(op.key, nullptr);
    }
    return EINVAL;
  }

  /// Where many are put in a row it is tried whether they are those that follow each other in the
  /// tree, as when all of it is rewritten: the next one is then found without a search.
  [[nodiscard]] int put(MDB_val& key, MDB_val& value) {
    constexpr unsigned in_a_row = 16;
    if (puts_in_row_ == in_a_row) {
      MDB_val next{};
      MDB_val old{};
      if (mdb_cursor_get(cursor_.get(), &next, &old, MDB_NEXT) == MDB_SUCCESS &&
          to_view(next) == to_view(key)) {
        return mdb_cursor_put(cursor_.get(), &key, &value, MDB_CURRENT);
      }
      puts_in_row_ = 0;
    }
    ++puts_in_row_;
    return mdb_cursor_put(cursor_.get(), &key, &value, 0);
  }

  [[nodiscard]] int erase(BytesView first, const BytesView* last) {
    MDB_val key{};
    MDB_val value{};
    int code = seek(cursor_.get(), first, key, value);
    while (code == MDB_SUCCESS && (last == nullptr || to_view(key) < *last)) {
      code = mdb_cursor_del(cursor_.get(), 0);
      if (code == MDB_SUCCESS) code = mdb_cursor_get(cursor_.get(), &key, &value, MDB_NEXT);
    }
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
  }

  MDB_txn* transaction_ = nullptr;
  MDB_dbi database_ = no_database;
  CursorHandle cursor_;
  unsigned puts_in_row_ = 0;
};

}  // namespace varve::lmdb
