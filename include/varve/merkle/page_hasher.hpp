// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/digest.hpp>
#include <varve/merkle/page.hpp>
#include <varve/merkle/suite.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace varve::merkle {

/// Hashes pages, many side by side: the leaves of all of them in one batch, then the nodes above
/// them in four more, so that the lanes of the processor are full.
///
/// Threads  one at a time; each its own.
template <Suite S>
class PageHasher {
 public:
  PageHasher() : folds_(group), pairs_(group * Page::slots), digests_(group * Page::slots) {
    targets_.reserve(group * Page::slots);
  }

  /// Calls `take(page, hash)` for each page (a range of pointers) in their order. The hash of a
  /// page is that of the subtree that it is the top of.
  template <class P, class Take>
  void operator()(std::span<P* const> pages, Take&& take) {
    for (; !pages.empty(); pages = pages.subspan(std::min(group, pages.size()))) {
      const auto some = pages.first(std::min(group, pages.size()));
      hash_leaves(some);
      for (unsigned width = 1; width != Page::slots; width *= 2) hash_nodes(some.size(), width);
      for (std::size_t i = 0; i != some.size(); ++i) {
        take(*some[i], some[i]->occupied != 0 ? folds_[i].values[0] : S::empty);
      }
    }
  }

 private:
  /// What is worked on at once stays in the second-level cache.
  static constexpr std::size_t group = 64;

  /// A page on its way to one hash: after each step the values lie twice as far apart.
  struct Fold {
    std::array<Digest, Page::slots> values;
    unsigned occupied;  ///< what is not empty
    unsigned several;   ///< what has more than one key
  };

  template <class P>
  void hash_leaves(std::span<P* const> pages) {
    targets_.clear();
    for (std::size_t i = 0; i != pages.size(); ++i) {
      const Page& page = *pages[i];
      Fold& fold = folds_[i];
      fold.occupied = page.occupied;
      fold.several = page.pages();
      for (unsigned rest = page.leaves; rest != 0; rest &= rest - 1) {
        const auto slot = static_cast<unsigned>(std::countr_zero(rest));
        pairs_[targets_.size()] = page.entries[slot];
        targets_.push_back(&fold.values[slot]);
      }
      for (unsigned rest = fold.several; rest != 0; rest &= rest - 1) {
        const auto slot = static_cast<unsigned>(std::countr_zero(rest));
        fold.values[slot] = page.entries[slot].first;
      }
    }
    S::leaves(std::span<const DigestPair>(pairs_).first(targets_.size()), digests());
    deliver();
  }

  /// Joins what lies `width` apart. A lone leaf rises as it is; more keys than one make a node.
  void hash_nodes(std::size_t pages, unsigned width) {
    // The slots where a left child lies: every second group of `width`, its first.
    const unsigned lefts = width == 1 ? 0x5555U : width == 2 ? 0x1111U : width == 4 ? 0x0101U : 1U;
    targets_.clear();
    for (std::size_t i = 0; i != pages; ++i) {
      Fold& fold = folds_[i];
      const unsigned left = fold.occupied & lefts;
      const unsigned right = (fold.occupied >> width) & lefts;
      const unsigned nodes = ((fold.several | fold.several >> width) & lefts) | (left & right);
      for (unsigned rest = right & ~left & ~nodes; rest != 0; rest &= rest - 1) {
        const auto slot = static_cast<unsigned>(std::countr_zero(rest));
        fold.values[slot] = fold.values[slot + width];
      }
      for (unsigned rest = nodes; rest != 0; rest &= rest - 1) {
        const auto slot = static_cast<unsigned>(std::countr_zero(rest));
        DigestPair& pair = pairs_[targets_.size()];
        pair.first = (left >> slot & 1U) != 0 ? fold.values[slot] : S::empty;
        pair.second = (right >> slot & 1U) != 0 ? fold.values[slot + width] : S::empty;
        targets_.push_back(&fold.values[slot]);
      }
      fold.occupied = left | right;
      fold.several = nodes;
    }
    S::nodes(std::span<const DigestPair>(pairs_).first(targets_.size()), digests());
    deliver();
  }

  std::span<Digest> digests() noexcept { return std::span(digests_).first(targets_.size()); }
  void deliver() noexcept {
    for (std::size_t i = 0; i != targets_.size(); ++i) *targets_[i] = digests_[i];
  }

  std::vector<Fold> folds_;
  std::vector<DigestPair> pairs_;
  std::vector<Digest> digests_;
  std::vector<Digest*> targets_;
};

}  // namespace varve::merkle
