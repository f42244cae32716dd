// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/page_key.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

namespace varve::merkle {

/// The error of a page that is not what was written: "page 1a2 of the trie HOW".
[[nodiscard]] inline Error damaged_page(const PageKey& key, const std::string& how) {
  return Error(ErrorKind::corruption,
               {.message = key.name() + " of the trie " + how +
                           ": restore a copy of the store, or build the trie anew from the data",
                .operation = "read",
                .tree = "varve.trie",
                .layer = "merkle"});
}

/// A page in its stored form (docs/formats/trie-pages.md), read where it lies: a view. Without
/// bytes it is a page of which nothing is stored.
struct StoredPage {
  static constexpr unsigned slots = 16;
  /// No page is longer.
  static constexpr std::size_t max_bytes = 4 + slots * sizeof(DigestPair);

  const std::byte* bytes = nullptr;
  std::uint16_t size = 0;
  std::uint16_t occupied = 0;                 ///< bit i: slot i holds something
  std::uint16_t leaves = 0;                   ///< bit i: slot i holds a leaf
  std::array<std::uint16_t, slots> places{};  ///< where what is in slot i begins
  std::uint64_t count = 0;                    ///< of the keys below the page

  StoredPage() noexcept = default;

  /// Errors corruption where `stored` is not the form of any page at `key`.
  StoredPage(const PageKey& key, BytesView stored);

  [[nodiscard]] BytesView view() const noexcept {
    return {reinterpret_cast<const char*>(bytes), size};
  }
  /// The slots that hold what has a page of its own.
  [[nodiscard]] std::uint16_t pages() const noexcept {
    return static_cast<std::uint16_t>(occupied ^ leaves);
  }
  /// K and V of a leaf; the 32 bytes of the hash of a page.
  [[nodiscard]] const std::byte* at(unsigned slot) const noexcept { return bytes + places[slot]; }

  /// The keys in a slot.
  [[nodiscard]] std::uint64_t count_of(unsigned slot) const noexcept {
    const auto bit = 1U << slot;
    if ((pages() & bit) == 0) return (leaves & bit) != 0 ? 1 : 0;
    const std::byte* from = at(slot) + sizeof(Digest);
    std::uint64_t number = 0;
    for (unsigned shift = 0;; shift += 7, ++from) {
      number |= std::to_integer<std::uint64_t>(*from & std::byte{0x7f}) << shift;
      if ((*from & std::byte{0x80}) == std::byte{}) return number;
    }
  }

  /// Writes what a page begins with. Answers where the first occupied slot begins.
  static std::byte* put_head(std::byte* out, std::uint16_t occupied,
                             std::uint16_t leaves) noexcept {
    for (const unsigned mask : {unsigned{occupied}, unsigned{leaves}}) {
      *out++ = static_cast<std::byte>(mask & 0xffU);
      *out++ = static_cast<std::byte>(mask >> 8U);
    }
    return out;
  }
  static std::byte* put_leaf(std::byte* out, const std::byte* pair) noexcept {
    std::memcpy(out, pair, sizeof(DigestPair));
    return out + sizeof(DigestPair);
  }
  static std::byte* put_page(std::byte* out, const std::byte* hash, std::uint64_t count) noexcept {
    std::memcpy(out, hash, sizeof(Digest));
    out += sizeof(Digest);
    for (; count >= 0x80; count >>= 7U) *out++ = static_cast<std::byte>(count | 0x80U);
    *out++ = static_cast<std::byte>(count);
    return out;
  }

 private:
  [[nodiscard]] std::uint16_t mask_at(std::size_t at) const noexcept {
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[at]) |
                                      std::to_integer<unsigned>(bytes[at + 1]) << 8U);
  }
  /// Reads the count at `place`, and sets `place` behind it.
  [[nodiscard]] std::uint64_t take_count(const PageKey& key, std::size_t& place) const;
};

inline StoredPage::StoredPage(const PageKey& key, BytesView stored)
    : bytes(reinterpret_cast<const std::byte*>(stored.data())) {
  if (stored.size() < 4) throw damaged_page(key, "is shorter than the head of a page");
  if (stored.size() > max_bytes) throw damaged_page(key, "is longer than any page");
  size = static_cast<std::uint16_t>(stored.size());
  occupied = mask_at(0);
  leaves = mask_at(2);
  if ((leaves & ~occupied) != 0) throw damaged_page(key, "has a leaf in an empty slot");
  if (occupied == 0) throw damaged_page(key, "is empty");
  if (key.depth() == PageKey::max_depth && pages() != 0) {
    throw damaged_page(key, "has a page below it, which none has at its depth");
  }
  std::size_t place = 4;
  for (unsigned rest = occupied; rest != 0; rest &= rest - 1) {
    const auto slot = static_cast<unsigned>(std::countr_zero(rest));
    const bool is_leaf = (leaves >> slot & 1U) != 0;
    const std::size_t taken = is_leaf ? sizeof(DigestPair) : sizeof(Digest);
    if (taken > size - place) throw damaged_page(key, "ends within an entry");
    places[slot] = static_cast<std::uint16_t>(place);
    std::uint64_t below = 1;
    if (is_leaf && !key.has_place_for(bytes + place, slot)) {
      throw damaged_page(key, "holds a leaf that belongs elsewhere");
    }
    place += taken;
    if (!is_leaf) below = take_count(key, place);
    if (below > std::numeric_limits<std::uint64_t>::max() - count) {
      throw damaged_page(key, "counts more keys than there can be");
    }
    count += below;
  }
  if (place != size) throw damaged_page(key, "goes on behind its last entry");
  if (count < 2 && key.depth() != 0) throw damaged_page(key, "holds fewer than two keys");
}

inline std::uint64_t StoredPage::take_count(const PageKey& key, std::size_t& place) const {
  std::uint64_t number = 0;
  for (unsigned shift = 0;; shift += 7) {
    if (place == size) throw damaged_page(key, "ends within an entry");
    const auto byte = std::to_integer<unsigned>(bytes[place++]);
    if ((shift != 0 && byte == 0) || (shift == 63 && byte > 1)) {
      throw damaged_page(key, "holds a count that is not in its one form");
    }
    number |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) break;
  }
  if (number < 2) throw damaged_page(key, "gives a page of its own to fewer than two keys");
  return number;
}

/// Errors corruption where a page of `held` keys should hold `expected`.
inline void check_count(const PageKey& key, std::uint64_t held, std::uint64_t expected) {
  if (held != expected) {
    throw damaged_page(key, "does not hold as many keys as the page above says");
  }
}

/// Errors  corruption where `hash`, that of the page, is not `expected`.
inline void check_hash(const PageKey& key, const std::byte* hash, const std::byte* expected) {
  if (std::memcmp(hash, expected, sizeof(Digest)) != 0) {
    throw damaged_page(key, "does not have the hash that the page above gives it");
  }
}

}  // namespace varve::merkle
