// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/digest.hpp>

#include <array>
#include <cstddef>
#include <string>

namespace varve::merkle {

/// Four bits of a digest: nibble 0 is the high half of the first byte.
[[nodiscard]] constexpr unsigned nibble_of(const Digest& digest, std::size_t place) noexcept {
  const auto byte = std::to_integer<unsigned>(digest[place / 2]);
  return place % 2 == 0 ? byte >> 4U : byte & 15U;
}

/// Where a page lies: how many nibbles the keys below it share, and which. Stored, do not change:
/// one byte for their number, then two nibbles a byte, the first in the high half, the last half
/// byte 0 where their number is odd. docs/formats/trie-pages.md
class PageKey {
 public:
  /// A page holds what differs in one nibble: the deepest one what shares all others.
  static constexpr std::size_t max_depth = 63;

  /// The page of all keys.
  constexpr PageKey() noexcept = default;

  /// The page at `depth`, up to `max_depth`, on the way to `digest`.
  constexpr PageKey(const Digest& digest, std::size_t depth) noexcept {
    bytes_[0] = static_cast<char>(depth);
    for (std::size_t i = 0; i != (depth + 1) / 2; ++i) bytes_[1 + i] = static_cast<char>(digest[i]);
    if (depth % 2 != 0) {
      char& last = bytes_[(depth + 1) / 2];
      last = static_cast<char>(static_cast<unsigned char>(last) & 0xf0U);
    }
  }

  [[nodiscard]] constexpr std::size_t depth() const noexcept {
    return static_cast<unsigned char>(bytes_[0]);
  }

  /// The page below `slot` of this one, which is not at `max_depth`.
  [[nodiscard]] constexpr PageKey below(unsigned slot) const noexcept {
    PageKey child = *this;
    const std::size_t depth = this->depth();
    char& byte = child.bytes_[1 + depth / 2];
    byte =
        static_cast<char>(static_cast<unsigned char>(byte) | (depth % 2 == 0 ? slot << 4U : slot));
    child.bytes_[0] = static_cast<char>(depth + 1);
    return child;
  }

  /// The slot in which the page above holds this one, which is not the page of all keys.
  [[nodiscard]] constexpr unsigned slot() const noexcept { return nibble(depth() - 1); }

  /// Whether the 32 bytes of `digest` belong into `slot` of the page.
  [[nodiscard]] constexpr bool has_place_for(const std::byte* digest,
                                             unsigned slot) const noexcept {
    const std::size_t whole = depth() / 2;
    for (std::size_t i = 0; i != whole; ++i) {
      if (static_cast<char>(digest[i]) != bytes_[1 + i]) return false;
    }
    const auto next = std::to_integer<unsigned>(digest[whole]);
    if (depth() % 2 == 0) return next >> 4U == slot;
    return next == (static_cast<unsigned char>(bytes_[1 + whole]) | slot);
  }

  /// The key of the page in the store. Lives as long as this object.
  [[nodiscard]] constexpr BytesView view() const noexcept {
    return {bytes_.data(), 1 + (depth() + 1) / 2};
  }

  /// For people: "root page", "page 1a2".
  [[nodiscard]] std::string name() const {
    if (depth() == 0) return "root page";
    std::string text = "page ";
    for (std::size_t i = 0; i != depth(); ++i) text.push_back("0123456789abcdef"[nibble(i)]);
    return text;
  }

 private:
  [[nodiscard]] constexpr unsigned nibble(std::size_t place) const noexcept {
    const auto byte = static_cast<unsigned char>(bytes_[1 + place / 2]);
    return place % 2 == 0 ? byte >> 4U : byte & 15U;
  }

  std::array<char, 33> bytes_{};
};

}  // namespace varve::merkle
