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
#include <utility>

namespace varve::merkle {

/// Sixteen neighbouring subtrees of the trie, in memory. A subtree of one key is its leaf; one of
/// several keys has a page of its own, and here its hash and the number of its keys.
///
/// A page other than the root page has two keys or more, so that the pages are a function of the
/// content alone. Stored form: docs/formats/trie-pages.md.
struct Page {
  static constexpr unsigned slots = 16;
  /// No page is longer when it is stored.
  static constexpr std::size_t max_bytes = 4 + slots * sizeof(DigestPair);

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

  void clear(unsigned slot) noexcept {
    occupied = static_cast<std::uint16_t>(occupied & ~bit(slot));
    leaves = static_cast<std::uint16_t>(leaves & ~bit(slot));
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

  /// No less than what the stored form takes.
  [[nodiscard]] std::size_t most_stored_bytes() const noexcept {
    return 4 + static_cast<std::size_t>(std::popcount(leaves)) * sizeof(DigestPair) +
           static_cast<std::size_t>(std::popcount(pages())) * (sizeof(Digest) + 10);
  }

  /// The stored form is written to `out`, which has room for `max_bytes`. Answers its length.
  std::size_t encode(char* out) const noexcept {
    const char* const start = out;
    out = put_mask(put_mask(out, occupied), leaves);
    for (unsigned rest = occupied; rest != 0; rest &= rest - 1) {
      const auto slot = static_cast<unsigned>(std::countr_zero(rest));
      if (holds_leaf(slot)) {
        std::memcpy(out, &entries[slot], sizeof(DigestPair));
        out += sizeof(DigestPair);
        continue;
      }
      std::memcpy(out, entries[slot].first.data(), sizeof(Digest));
      out += sizeof(Digest);
      std::uint64_t count = counts[slot];
      for (; count >= 0x80; count >>= 7U) *out++ = static_cast<char>(count | 0x80U);
      *out++ = static_cast<char>(count);
    }
    return static_cast<std::size_t>(out - start);
  }

  /// Reads the stored form of the page `key`.
  ///
  /// Errors  corruption where it is not the form of any page at this place.
  void decode(BytesView stored);

 private:
  /// What stands in front of `stored`, which goes. Of a fixed size: copied in one or two moves.
  template <class Entry>
  void take(Entry& entry, BytesView& stored) const;
  [[nodiscard]] std::uint64_t take_count(BytesView& stored) const;

  static char* put_mask(char* out, std::uint16_t mask) noexcept {
    *out++ = static_cast<char>(mask & 0xffU);
    *out++ = static_cast<char>(mask >> 8U);
    return out;
  }
  static std::uint16_t mask_at(BytesView stored, std::size_t at) noexcept {
    return static_cast<std::uint16_t>(static_cast<unsigned char>(stored[at]) |
                                      static_cast<unsigned char>(stored[at + 1]) << 8U);
  }
};

/// The error of a page that is not what was written: "page 1a2 of the trie HOW".
[[nodiscard]] inline Error damaged_page(const PageKey& key, const std::string& how) {
  return Error(ErrorKind::corruption,
               {.message = key.name() + " of the trie " + how +
                           ": restore a copy of the store, or build the trie anew from the data",
                .operation = "read",
                .tree = "varve.trie",
                .layer = "merkle"});
}

template <class Entry>
void Page::take(Entry& entry, BytesView& stored) const {
  if (stored.size() < sizeof(Entry)) throw damaged_page(key, "ends within an entry");
  std::memcpy(static_cast<void*>(&entry), stored.data(), sizeof(Entry));
  stored.remove_prefix(sizeof(Entry));
}

inline void Page::decode(BytesView stored) {
  if (stored.size() < 4) throw damaged_page(key, "is shorter than the head of a page");
  occupied = mask_at(stored, 0);
  leaves = mask_at(stored, 2);
  if ((leaves & ~occupied) != 0) throw damaged_page(key, "has a leaf in an empty slot");
  if (occupied == 0) throw damaged_page(key, "is empty");
  if (key.depth() == PageKey::max_depth && pages() != 0) {
    throw damaged_page(key, "has a page below it, which none has at its depth");
  }
  stored.remove_prefix(4);
  std::uint64_t total = 0;
  for (unsigned rest = occupied; rest != 0; rest &= rest - 1) {
    const auto slot = static_cast<unsigned>(std::countr_zero(rest));
    std::uint64_t below = 1;
    if (holds_leaf(slot)) {
      take(entries[slot], stored);
      const Digest& leaf = entries[slot].first;
      if (!key.covers(leaf) || nibble_of(leaf, key.depth()) != slot) {
        throw damaged_page(key, "holds a leaf that belongs elsewhere");
      }
    } else {
      take(entries[slot].first, stored);
      below = counts[slot] = take_count(stored);
    }
    if (below > std::numeric_limits<std::uint64_t>::max() - total) {
      throw damaged_page(key, "counts more keys than there can be");
    }
    total += below;
  }
  if (!stored.empty()) throw damaged_page(key, "goes on behind its last entry");
  if (total < 2 && key.depth() != 0) throw damaged_page(key, "holds fewer than two keys");
}

inline std::uint64_t Page::take_count(BytesView& stored) const {
  std::uint64_t count = 0;
  for (unsigned shift = 0;; shift += 7) {
    if (stored.empty()) throw damaged_page(key, "ends within an entry");
    const auto byte = static_cast<unsigned char>(stored.front());
    stored.remove_prefix(1);
    if ((shift != 0 && byte == 0) || (shift == 63 && byte > 1)) {
      throw damaged_page(key, "holds a count that is not in its one form");
    }
    count |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) break;
  }
  if (count < 2) throw damaged_page(key, "gives a page of its own to fewer than two keys");
  return count;
}

/// Errors  corruption where the page does not hold `expected` keys.
inline void check_count(const Page& page, std::uint64_t expected) {
  if (page.count() != expected) {
    throw damaged_page(page.key, "does not hold as many keys as the page above says");
  }
}

/// Errors  corruption where `hash`, that of the page, is not `expected`.
inline void check_hash(const Page& page, const Digest& hash, const Digest& expected) {
  if (hash != expected) {
    throw damaged_page(page.key, "does not have the hash that the page above gives it");
  }
}

}  // namespace varve::merkle
