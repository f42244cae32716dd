// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb/errors.hpp>
#include <varve/adapters/rocksdb/store.hpp>
#include <varve/concepts/tree.hpp>
#include <varve/concepts/write_batch.hpp>

#include <rocksdb/write_batch.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace varve::detail::rocks {

/// A varve batch as one of RocksDB. Everything is checked before anything is written.
class BatchTranslation {
 public:
  /// `alone` where nobody else writes while it lives.
  BatchTranslation(const Store& store, const WriteBatch& batch, bool alone)
      : store_(store), batch_(batch), translated_(reserved_bytes(batch)) {
    for (const WriteOp& op : batch) {
      needs_quiet_ = !alone && op.kind == WriteOpKind::erase_from;
      if (needs_quiet_) return;
      add(op);
    }
  }

  [[nodiscard]] rocksdb::WriteBatch& translated() noexcept { return translated_; }

  /// Whether it was given up, as it can only be made while nobody else writes: RocksDB has no name
  /// for the end of a tree, so it has to be looked for.
  [[nodiscard]] bool needs_quiet() const noexcept { return needs_quiet_; }

 private:
  [[nodiscard]] static std::size_t reserved_bytes(const WriteBatch& batch) noexcept {
    return 16 + batch.bytes().size() + 5 * batch.count();
  }

  void add(const WriteOp& op) {
    if (family_ == nullptr || op.tree != tree_) {
      family_ = store_.family(op.tree, "write");
      tree_ = op.tree;
    }
    switch (op.kind) {
      case WriteOpKind::put:
        check_size(op.key, limits.max_key_bytes, "key", "max_key_bytes");
        check_size(op.value, limits.max_value_bytes, "value", "max_value_bytes");
        return check(translated_.Put(family_, slice(op.key), slice(op.value)), "write");
      case WriteOpKind::erase:
        check_size(op.key, limits.max_key_bytes, "key", "max_key_bytes");
        return check(translated_.Delete(family_, slice(op.key)), "write");
      case WriteOpKind::erase_range:
        return check(translated_.DeleteRange(family_, slice(op.key), slice(op.value)), "write");
      case WriteOpKind::erase_from: return add_erase_from(op);
    }
  }

  void add_erase_from(const WriteOp& op) {
    const std::string end = last_key(op.tree) + '\0';
    if (op.key >= end) return;
    check(translated_.DeleteRange(family_, slice(op.key), slice(end)), "write");
  }

  /// The greatest key that the tree has or gets by this batch.
  [[nodiscard]] const std::string& last_key(Tree tree) {
    if (has_last_key_ && tree == last_key_of_) return last_key_;
    rocksdb::ReadOptions options = store_.read_options();
    options.total_order_seek = true;
    const std::unique_ptr<rocksdb::Iterator> it(store_.database().NewIterator(options, family_));
    it->SeekToLast();
    check(it->status(), "write");
    BytesView last = it->Valid() ? view(it->key()) : BytesView{};
    for (const WriteOp& op : batch_) {
      if (op.kind == WriteOpKind::put && op.tree == tree && op.key > last) last = op.key;
    }
    last_key_ = last;
    last_key_of_ = tree;
    has_last_key_ = true;
    return last_key_;
  }

  void check_size(BytesView bytes, std::uint64_t most, const char* what, const char* limit) const {
    if (bytes.size() <= most) [[likely]]
      return;
    refuse(ErrorKind::invalid_argument,
           std::string("a ") + what + " of " + std::to_string(bytes.size()) +
               " bytes is beyond the engine's limit " + limit + " of " + std::to_string(most),
           "write", family_->GetName());
  }

  void check(const rocksdb::Status& status, const char* operation) const {
    if (!status.ok()) [[unlikely]]
      fail(status, operation, family_->GetName());
  }

  const Store& store_;
  const WriteBatch& batch_;
  rocksdb::WriteBatch translated_;
  rocksdb::ColumnFamilyHandle* family_ = nullptr;
  Tree tree_;
  std::string last_key_;
  Tree last_key_of_;
  bool has_last_key_ = false;
  bool needs_quiet_ = false;
};

}  // namespace varve::detail::rocks
