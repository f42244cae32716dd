// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/write_batch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace varve::detail {

/// Brings large batches into the order of trees and keys, in which every engine takes them faster.
class BatchSorter {
 public:
  /// What does the same as `batch`, each key once; `batch` itself where it erases a range. Valid
  /// until the next call, or until `batch` changes.
  [[nodiscard]] const WriteBatch& sorted(const WriteBatch& batch) {
    ops_.clear();
    places_.clear();
    for (const WriteOp op : batch) {
      if (op.kind != WriteOpKind::put && op.kind != WriteOpKind::erase) return batch;
      places_.push_back({front_of(op.key), op.tree, static_cast<std::uint32_t>(ops_.size())});
      ops_.push_back(op);
    }
    std::sort(places_.begin(), places_.end(),
              [this](const Place& a, const Place& b) { return before(a, b); });
    sorted_.clear();
    sorted_.reserve(batch.bytes().size());
    for (std::size_t i = 0; i != places_.size(); ++i) {
      const WriteOp& op = ops_[places_[i].index];
      if (i + 1 != places_.size() && same_key(op, ops_[places_[i + 1].index])) continue;
      if (op.kind == WriteOpKind::put) {
        sorted_.put(op.tree, op.key, op.value);
      } else {
        sorted_.erase(op.tree, op.key);
      }
    }
    return sorted_;
  }

 private:
  /// Small, so that many are in the cache while they are sorted.
  struct Place {
    std::uint64_t front;
    Tree tree;
    std::uint32_t index;
  };

  /// The first 8 bytes as a number; of a shorter key, with zeros behind.
  [[nodiscard]] static std::uint64_t front_of(BytesView key) noexcept {
    std::uint64_t front = 0;
    for (std::size_t i = 0; i != 8; ++i) {
      front = front << 8U | (i < key.size() ? static_cast<unsigned char>(key[i]) : 0U);
    }
    return front;
  }

  /// Of one key the later operation comes later.
  [[nodiscard]] bool before(const Place& a, const Place& b) const noexcept {
    if (a.tree != b.tree) return a.tree < b.tree;
    if (a.front != b.front) return a.front < b.front;
    const int order = ops_[a.index].key.compare(ops_[b.index].key);
    return order != 0 ? order < 0 : a.index < b.index;
  }

  [[nodiscard]] static bool same_key(const WriteOp& a, const WriteOp& b) noexcept {
    return a.tree == b.tree && a.key == b.key;
  }

  std::vector<WriteOp> ops_;
  std::vector<Place> places_;
  WriteBatch sorted_;
};

}  // namespace varve::detail
