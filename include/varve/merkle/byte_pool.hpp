// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

namespace varve::merkle {

/// Bytes that stay where they are until the pool goes, wherever it is moved.
class BytePool {
 public:
  /// `expected` bytes come in one piece, if they come.
  explicit BytePool(std::size_t expected = 0) noexcept : chunk_bytes_(std::max(expected, least)) {}

  /// Room for `size` bytes.
  [[nodiscard]] char* take(std::size_t size) {
    if (size > left_) {
      left_ = std::max(size, chunk_bytes_);
      chunks_.push_back(std::make_unique_for_overwrite<char[]>(left_));
      next_ = chunks_.back().get();
    }
    char* const taken = next_;
    next_ += size;
    left_ -= size;
    return taken;
  }

  BytesView copy(BytesView bytes) {
    char* const to = take(bytes.size());
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    return {to, bytes.size()};
  }

 private:
  static constexpr std::size_t least = std::size_t{4} << 10U;

  std::size_t chunk_bytes_;
  std::vector<std::unique_ptr<char[]>> chunks_;
  char* next_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace varve::merkle
