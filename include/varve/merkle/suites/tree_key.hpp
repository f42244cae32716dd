// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <array>
#include <cstddef>

namespace varve::merkle::detail {

/// The LEB128 of a length: what stands before a tree's name in the message of a key, so that no two
/// pairs of tree and key are one message.
class Leb128 {
 public:
  explicit constexpr Leb128(std::size_t value) noexcept {
    for (; value >= 0x80; value >>= 7U) bytes_[size_++] = static_cast<char>(value | 0x80U);
    bytes_[size_++] = static_cast<char>(value);
  }

  [[nodiscard]] constexpr BytesView view() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, 10> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace varve::merkle::detail
