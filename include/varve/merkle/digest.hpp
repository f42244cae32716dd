// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>

namespace varve::merkle {

/// 32 bytes: the hash of a key (K), of a value (V), of a leaf or of a node.
using Digest = std::array<std::byte, 32>;

/// What one leaf or one node is the hash of: K and V, or the left and the right child. An array of
/// them is what the batched functions of a suite read.
struct DigestPair {
  Digest first{};
  Digest second{};

  friend bool operator==(const DigestPair&, const DigestPair&) = default;
};

static_assert(sizeof(DigestPair) == 64, "64 bytes one after another: one block of the hash");

/// The bit `depth` (0 to 255) of a digest, counted from the most significant of its first byte.
[[nodiscard]] constexpr bool bit_of(const Digest& digest, std::size_t depth) noexcept {
  return (std::to_integer<unsigned>(digest[depth / 8]) >> (7 - depth % 8) & 1U) != 0;
}

/// How many leading bits two digests share: 0 to 256.
[[nodiscard]] constexpr std::size_t common_bits(const Digest& one, const Digest& other) noexcept {
  for (std::size_t at = 0; at < one.size(); ++at) {
    const auto difference = std::to_integer<unsigned char>(one[at] ^ other[at]);
    if (difference != 0) return at * 8 + static_cast<std::size_t>(std::countl_zero(difference));
  }
  return one.size() * 8;
}

}  // namespace varve::merkle
