// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>

namespace varve::detail::memory {

// Sixteen sizes for each doubling above 128 bytes: a block wastes at most a sixteenth.

inline constexpr std::size_t largest_class_bytes = std::size_t{16} << 10U;

constexpr std::size_t size_class(std::size_t bytes) noexcept {
  if (bytes <= 128) return bytes == 0 ? 0 : (bytes - 1) / 8;
  const auto shift = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 5;
  return (shift - 3) * 16 + ((bytes - 1) >> shift);
}

constexpr std::size_t size_class_bytes(std::size_t index) noexcept {
  if (index < 16) return (index + 1) * 8;
  return (index % 16 + 17) << (index / 16 + 2);
}

inline constexpr std::size_t size_class_count = size_class(largest_class_bytes) + 1;

static_assert(size_class_bytes(size_class(128)) == 128 && size_class_bytes(size_class(129)) == 136);
static_assert(size_class_bytes(size_class_count - 1) == largest_class_bytes);

}  // namespace varve::detail::memory
