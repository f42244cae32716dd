// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace varve::detail {

/// Memory that is taken piece by piece and given back as a whole, counted in `total`.
///
/// Threads  one at a time; what was taken may be read by any.
class BufferArena {
 public:
  using Counter = std::atomic<std::uint64_t>;

  static constexpr std::size_t alignment = alignof(std::max_align_t);

  explicit BufferArena(std::shared_ptr<Counter> total) noexcept : total_(std::move(total)) {}
  BufferArena(const BufferArena&) = delete;
  BufferArena& operator=(const BufferArena&) = delete;
  ~BufferArena() { total_->fetch_sub(bytes_, std::memory_order_relaxed); }

  /// What `size` bytes take up.
  [[nodiscard]] static constexpr std::size_t rounded(std::size_t size) noexcept {
    return (size + alignment - 1) / alignment * alignment;
  }

  /// After this the next pieces, of `size` bytes in all, are taken without fail.
  void reserve(std::size_t size) {
    if (left_ >= size) return;
    const std::size_t block = std::max(size, std::clamp(bytes_ / 4, smallest, largest));
    blocks_.reserve(blocks_.size() + 1);
    blocks_.emplace_back(new std::byte[block]);
    at_ = blocks_.back().get();
    left_ = block;
    bytes_ += block;
    total_->fetch_add(block, std::memory_order_relaxed);
  }

  /// `size` is rounded, and was reserved.
  [[nodiscard]] std::byte* take(std::size_t size) noexcept {
    std::byte* const piece = at_;
    at_ += size;
    left_ -= size;
    return piece;
  }

 private:
  static constexpr std::size_t smallest = std::size_t{4} << 10U;
  static constexpr std::size_t largest = std::size_t{1} << 20U;

  std::shared_ptr<Counter> total_;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* at_ = nullptr;
  std::size_t left_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace varve::detail
