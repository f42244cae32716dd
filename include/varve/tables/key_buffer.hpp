// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <cstddef>
#include <cstring>
#include <string>

namespace varve::detail::tables {

/// A sink for keys: short ones need no memory of their own.
class KeyBuffer {
 public:
  KeyBuffer() = default;
  KeyBuffer(const KeyBuffer&) = delete;
  KeyBuffer& operator=(const KeyBuffer&) = delete;

  void append(BytesView bytes) {
    if (long_.empty() && bytes.size() <= sizeof short_ - size_) {
      std::memcpy(short_ + size_, bytes.data(), bytes.size());
      size_ += bytes.size();
      return;
    }
    if (long_.empty()) long_.assign(short_, size_);
    long_.append(bytes);
  }

  void clear() noexcept {
    long_.clear();
    size_ = 0;
  }

  [[nodiscard]] BytesView view() const noexcept {
    return long_.empty() ? BytesView(short_, size_) : BytesView(long_);
  }

 private:
  std::size_t size_ = 0;
  std::string long_;
  char short_[96];
};

/// A sink for keys that all have so many bytes.
template <std::size_t bytes>
class FixedKeyBuffer {
 public:
  void append(BytesView part) noexcept {
    std::memcpy(bytes_ + size_, part.data(), part.size());
    size_ += part.size();
  }
  [[nodiscard]] BytesView view() const noexcept { return {bytes_, size_}; }

 private:
  std::size_t size_ = 0;
  char bytes_[bytes];
};

}  // namespace varve::detail::tables
