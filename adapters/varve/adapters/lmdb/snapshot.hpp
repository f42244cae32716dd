// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/cursor.hpp>
#include <varve/adapters/lmdb/engine.hpp>
#include <varve/adapters/lmdb/error.hpp>
#include <varve/adapters/lmdb/pinned.hpp>
#include <varve/adapters/lmdb/read_node.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/key_range.hpp>
#include <varve/concepts/order.hpp>
#include <varve/concepts/scan.hpp>
#include <varve/concepts/tree.hpp>

#include <lmdb.h>

#include <cstdint>
#include <optional>
#include <utility>

namespace varve {

/// One state of an LMDB store. Values and scans that it gave out may outlive it.
///
/// While it lives, pages that have been overwritten since are not used again, and the file grows
/// with every write. It must die before its engine; it belongs to one thread at a time.
class LmdbSnapshot {
 public:
  explicit LmdbSnapshot(const lmdb::Engine& engine)
      : engine_(&engine),
        hold_(engine.readers.take_counted()),
        state_(mdb_txn_id(hold_->transaction)) {}

  [[nodiscard]] std::optional<LmdbPinned> get(Tree tree, BytesView key) const {
    MDB_val wanted = lmdb::to_value(key);
    MDB_val value{};
    const int code = mdb_get(hold_->transaction, database(tree, "get"), &wanted, &value);
    if (code == MDB_SUCCESS) {
      lmdb::add_holder(*hold_);
      return std::optional<LmdbPinned>(std::in_place, *hold_, value);
    }
    if (code == MDB_NOTFOUND || code == MDB_BAD_VALSIZE) return std::nullopt;
    throw lmdb::engine_error(code, "get", engine_->trees.label(tree));
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const { return get(tree, key).has_value(); }

  [[nodiscard]] Scan<LmdbCursor> scan(Tree tree, KeyRange range,
                                      Order order = Order::ascending) const {
    const MDB_dbi database = this->database(tree, "scan");
    KeyBounds bounds(range);
    if (bounds.empty()) return Scan<LmdbCursor>(LmdbCursor());
    lmdb::add_holder(*hold_);
    return Scan<LmdbCursor>(LmdbCursor(lmdb::ReadHold(*hold_), database, std::move(bounds), order,
                                       engine_->readers.fork_guard()));
  }

 private:
  [[nodiscard]] MDB_dbi database(Tree tree, const char* operation) const {
    engine_->readers.fork_guard().check(operation, lmdb::engine_name);
    const lmdb::TreeRecord* const record = engine_->trees.find(tree);
    if (record != nullptr && record->seen_by(state_)) return record->database;
    engine_->refuse_tree(tree, record != nullptr, operation);
  }

  const lmdb::Engine* engine_;
  lmdb::ReadHold hold_;
  std::uint64_t state_;
};

}  // namespace varve
