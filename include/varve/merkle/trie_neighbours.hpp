// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/digest.hpp>
#include <varve/merkle/key_order.hpp>
#include <varve/merkle/page.hpp>
#include <varve/merkle/page_key.hpp>
#include <varve/merkle/trie_pages.hpp>
#include <varve/merkle/trie_path.hpp>

#include <bit>
#include <cstddef>
#include <optional>

namespace varve::merkle {

/// The leaves (K, V) next to a key, whether that is there or not.
struct Neighbours {
  std::optional<DigestPair> left;   ///< of the greatest K below it
  std::optional<DigestPair> right;  ///< of the least K above it
};

namespace detail {

/// The outermost leaf of what lies in a slot.
template <TriePages R>
[[nodiscard]] DigestPair outermost(R& reader, Page page, unsigned slot, bool rightmost) {
  while (page.holds_page(slot)) {
    step_down(reader, page, slot);
    const auto width = static_cast<unsigned>(std::bit_width(page.occupied));
    slot = rightmost ? width - 1 : static_cast<unsigned>(std::countr_zero(page.occupied));
  }
  return page.entries[slot];
}

/// On the way down, the last page that has anything on a side of the path has the neighbour there.
template <TriePages R>
[[nodiscard]] Neighbours neighbours_in_trie(R& reader, const Digest& key) {
  struct Side {
    Page page;
    unsigned slot = 0;
  };
  Neighbours found;
  Page page;
  if (!read_page(reader, page)) return found;
  std::optional<Side> left;
  std::optional<Side> right;
  for (;;) {
    const unsigned slot = nibble_of(key, page.key.depth());
    const unsigned below = page.occupied & ((1U << slot) - 1U);
    const unsigned above = page.occupied & ~((2U << slot) - 1U);
    if (below != 0) left = Side{page, static_cast<unsigned>(std::bit_width(below)) - 1};
    if (above != 0) right = Side{page, static_cast<unsigned>(std::countr_zero(above))};
    if (page.holds_leaf(slot)) {
      const DigestPair& leaf = page.entries[slot];
      const int order = compare(leaf.first, key);
      if (order < 0) found.left = leaf;
      if (order > 0) found.right = leaf;
    }
    if (!page.holds_page(slot)) break;
    step_down(reader, page, slot);
  }
  if (!found.left && left) found.left = outermost(reader, left->page, left->slot, true);
  if (!found.right && right) found.right = outermost(reader, right->page, right->slot, false);
  return found;
}

}  // namespace detail

}  // namespace varve::merkle
