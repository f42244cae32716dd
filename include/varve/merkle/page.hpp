// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/page_key.hpp>
#include <varve/merkle/stored_page.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace varve::merkle {

/// Sixteen neighbouring subtrees of the trie, in memory. A subtree of one key is its leaf; one of
/// several keys has a page of its own, and here its hash and the number of its keys.
///
/// A page other than the root page has two keys or more, so that the pages are a function of the
/// content alone. Stored form: docs/formats/trie-pages.md.
struct Page {
  static constexpr unsigned slots = StoredPage::slots;
  static constexpr std::size_t max_bytes = StoredPage::max_bytes;

  PageKey key{};
  std::uint16_t occupied = 0;                 ///< bit i: slot i holds something
  std::uint16_t leaves = 0;                   ///< bit i: slot i holds a leaf
  std::array<DigestPair, slots> entries{};    ///< a leaf: K, V; else `first` is the subtree's hash
  std::array<std::uint64_t, slots> counts{};  ///< the keys of a subtree that is not a leaf

  [[nodiscard]] static constexpr std::uint16_t bit(unsigned slot) noexcept {
    return static_cast<std::uint16_t>(1U << slot);
  }
  [[nodiscard]] bool holds(unsigned slot) const noexcept { return (occupied & bit(slot)) != 0; }
  [[nodiscard]] bool holds_leaf(unsigned slot) const noexcept { return (leaves & bit(slot)) != 0; }
  [[nodiscard]] bool holds_page(unsigned slot) const noexcept {
    return ((occupied ^ leaves) & bit(slot)) != 0;
  }
  /// The slots that hold what has a page of its own.
  [[nodiscard]] std::uint16_t pages() const noexcept {
    return static_cast<std::uint16_t>(occupied ^ leaves);
  }
  /// K and V of a leaf; the hash of a page.
  [[nodiscard]] const std::byte* at(unsigned slot) const noexcept {
    return entries[slot].first.data();
  }

  void set_leaf(unsigned slot, const DigestPair& leaf) noexcept {
    occupied = static_cast<std::uint16_t>(occupied | bit(slot));
    leaves = static_cast<std::uint16_t>(leaves | bit(slot));
    entries[slot] = leaf;
  }
  /// The hash is filled in when it is known.
  void set_page(unsigned slot, std::uint64_t count) noexcept {
    occupied = static_cast<std::uint16_t>(occupied | bit(slot));
    leaves = static_cast<std::uint16_t>(leaves & ~bit(slot));
    counts[slot] = count;
  }

  /// The keys below this page.
  [[nodiscard]] std::uint64_t count() const noexcept {
    auto total = static_cast<std::uint64_t>(std::popcount(leaves));
    for (unsigned rest = pages(); rest != 0; rest &= rest - 1) {
      total += counts[static_cast<unsigned>(std::countr_zero(rest))];
    }
    return total;
  }

  /// The stored form is written to `out`, which has room for `max_bytes`. Answers its length.
  std::size_t encode(char* out) const noexcept {
    std::byte* const start = reinterpret_cast<std::byte*>(out);
    std::byte* to = StoredPage::put_head(start, occupied, leaves);
    for (unsigned rest = occupied; rest != 0; rest &= rest - 1) {
      const auto slot = static_cast<unsigned>(std::countr_zero(rest));
      to = holds_leaf(slot) ? StoredPage::put_leaf(to, at(slot))
                            : StoredPage::put_page(to, at(slot), counts[slot]);
    }
    return static_cast<std::size_t>(to - start);
  }

  /// Reads the stored form of the page `key`.
  ///
  /// Errors  corruption where it is not the form of any page at this place.
  void decode(BytesView stored) {
    const StoredPage page(key, stored);
    occupied = page.occupied;
    leaves = page.leaves;
    for (unsigned rest = occupied; rest != 0; rest &= rest - 1) {
      const auto slot = static_cast<unsigned>(std::countr_zero(rest));
      std::memcpy(static_cast<void*>(&entries[slot]), page.at(slot),
                  holds_leaf(slot) ? sizeof(DigestPair) : sizeof(Digest));
      counts[slot] = page.count_of(slot);
    }
  }
};

}  // namespace varve::merkle
