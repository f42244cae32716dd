// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb/slice_pool.hpp>
#include <varve/concepts/bytes.hpp>

#include <utility>

namespace varve {

namespace detail::rocks {

class Reads;

}  // namespace detail::rocks

/// A value where RocksDB keeps it: in a block of its cache, held there while this lives. Must die
/// before its engine. Belongs to one thread at a time.
class RocksPinned {
 public:
  RocksPinned() noexcept = default;

  RocksPinned(RocksPinned&& other) noexcept : slice_(std::exchange(other.slice_, nullptr)) {}
  RocksPinned& operator=(RocksPinned&& other) noexcept {
    RocksPinned old(std::move(*this));
    slice_ = std::exchange(other.slice_, nullptr);
    return *this;
  }

  ~RocksPinned() {
    if (slice_ != nullptr) detail::rocks::SlicePool::give(slice_);
  }

  [[nodiscard]] BytesView view() const noexcept {
    if (slice_ == nullptr) return {};
    return {slice_->data(), slice_->size()};
  }

 private:
  friend class detail::rocks::Reads;

  explicit RocksPinned(rocksdb::PinnableSlice* slice) noexcept : slice_(slice) {}

  rocksdb::PinnableSlice* slice_ = nullptr;
};

}  // namespace varve
