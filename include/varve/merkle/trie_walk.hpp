// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/digest.hpp>
#include <varve/merkle/page.hpp>
#include <varve/merkle/page_hasher.hpp>
#include <varve/merkle/suite.hpp>
#include <varve/merkle/trie_pages.hpp>
#include <varve/merkle/trie_summary.hpp>

#include <bit>
#include <cstddef>
#include <span>

namespace varve::merkle::detail {

/// One walk over a whole trie. On the way down each page is held to what the page above says of it.
template <Suite S, TriePages R>
class TrieWalk {
 public:
  explicit TrieWalk(R& reader) : reader_(reader) {}

  template <class Visit>
  [[nodiscard]] TrieSummary run(Visit& visit) {
    Page root;
    if (!read_page(reader_, root)) return {S::empty, 0, 0};
    summary_ = {hash_of(root), root.count(), 1};
    below(root, visit);
    return summary_;
  }

 private:
  Digest hash_of(const Page& page) {
    Digest hash_of_page = S::empty;
    const Page* const only = &page;
    hasher_(std::span<const Page* const>(&only, 1),
            [&](std::size_t, const Digest& hash) { hash_of_page = hash; });
    return hash_of_page;
  }

  template <class Visit>
  void below(const Page& page, Visit& visit) {
    for (unsigned rest = page.occupied; rest != 0; rest &= rest - 1) {
      const auto slot = static_cast<unsigned>(std::countr_zero(rest));
      if (page.holds_leaf(slot)) {
        visit(page.entries[slot].first, page.entries[slot].second);
        continue;
      }
      Page child{.key = page.key.below(slot)};
      if (!read_page(reader_, child)) throw damaged_page(child.key, "is missing");
      check_count(child.key, child.count(), page.counts[slot]);
      check_hash(child.key, hash_of(child).data(), page.at(slot));
      ++summary_.pages;
      below(child, visit);
    }
  }

  R& reader_;
  PageHasher<S> hasher_;
  TrieSummary summary_;
};

}  // namespace varve::merkle::detail
