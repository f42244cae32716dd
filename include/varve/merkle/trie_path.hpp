// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/digest.hpp>
#include <varve/merkle/page.hpp>
#include <varve/merkle/page_key.hpp>
#include <varve/merkle/proof.hpp>
#include <varve/merkle/suite.hpp>
#include <varve/merkle/trie_pages.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace varve::merkle::detail {

/// What lies in `width` slots of a page, from `first` on.
struct PagePart {
  const Page& page;
  unsigned first = 0;
  unsigned width = Page::slots;

  [[nodiscard]] unsigned held() const noexcept {
    return page.occupied & (((1U << width) - 1U) << first);
  }
  [[nodiscard]] bool empty() const noexcept { return held() == 0; }
  /// The one leaf, where there is nothing else.
  [[nodiscard]] const DigestPair* lone_leaf() const noexcept {
    if (!std::has_single_bit(held()) || (held() & page.leaves) == 0) return nullptr;
    return &page.entries[static_cast<unsigned>(std::countr_zero(held()))];
  }
  [[nodiscard]] PagePart left() const noexcept { return {page, first, width / 2}; }
  [[nodiscard]] PagePart right() const noexcept { return {page, first + width / 2, width / 2}; }
};

template <Suite S>
[[nodiscard]] Digest hash_of(const PagePart& part) noexcept {
  if (part.empty()) return S::empty;
  if (const DigestPair* const leaf = part.lone_leaf()) return S::leaf(leaf->first, leaf->second);
  if (part.width == 1) return part.page.entries[part.first].first;
  return S::node(hash_of<S>(part.left()), hash_of<S>(part.right()));
}

template <Suite S>
[[nodiscard]] Digest hash_of(const Page& page) noexcept {
  return hash_of<S>(PagePart{page});
}

/// The page below `slot` takes the place of `page`. Answers the hash that it is to have.
template <TriePages R>
Digest step_down(R& reader, Page& page, unsigned slot) {
  const Digest hash = page.entries[slot].first;
  const std::uint64_t count = page.counts[slot];
  page.key = page.key.below(slot);
  if (!read_page(reader, page)) throw damaged_page(page.key, "is missing");
  check_count(page.key, page.count(), count);
  return hash;
}

template <TriePages R>
[[nodiscard]] std::optional<Digest> find_in_trie(R& reader, const Digest& key) {
  Page page;
  if (!read_page(reader, page)) return std::nullopt;
  unsigned slot = nibble_of(key, 0);
  while (page.holds_page(slot)) {
    step_down(reader, page, slot);
    slot = nibble_of(key, page.key.depth());
  }
  if (!page.holds(slot) || page.entries[slot].first != key) return std::nullopt;
  return page.entries[slot].second;
}

/// The hash of a page, from where the path of `key` ends in it upwards.
template <Suite S>
[[nodiscard]] Digest hash_of_path(const PagePart& end, const Digest& key,
                                  const std::vector<Digest>& siblings) noexcept {
  Digest hash = hash_of<S>(end);
  for (std::size_t depth = siblings.size(); depth-- != end.page.key.depth() * 4;) {
    hash = bit_of(key, depth) ? S::node(siblings[depth], hash) : S::node(hash, siblings[depth]);
  }
  return hash;
}

/// The path ends where nothing or one leaf is left; on the way to there, at each depth the other
/// child is a sibling.
template <Suite S, TriePages R>
[[nodiscard]] MerkleProof prove_in_trie(R& reader, const Digest& key) {
  MerkleProof proof;
  Page page;
  if (!read_page(reader, page)) return proof;
  proof.siblings.reserve(32);  // what a million keys take, and more
  for (std::optional<Digest> expected;;) {
    PagePart part{page};
    while (!part.empty() && part.lone_leaf() == nullptr && part.width != 1) {
      const bool right = bit_of(key, proof.siblings.size());
      proof.siblings.push_back(hash_of<S>(right ? part.left() : part.right()));
      const PagePart next = right ? part.right() : part.left();
      part.first = next.first;
      part.width = next.width;
    }
    if (expected) {
      check_hash(page.key, hash_of_path<S>(part, key, proof.siblings).data(), expected->data());
    }
    if (part.empty()) return proof;
    if (const DigestPair* const leaf = part.lone_leaf()) {
      if (leaf->first == key) {
        proof.kind = ProofKind::present;
      } else {
        proof.kind = ProofKind::absent_other_leaf;
        proof.other_key = leaf->first;
        proof.other_value = leaf->second;
      }
      return proof;
    }
    expected = step_down(reader, page, part.first);
  }
}

}  // namespace varve::merkle::detail
