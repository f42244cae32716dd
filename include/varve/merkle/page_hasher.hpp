// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/digest.hpp>
#include <varve/merkle/hash_job.hpp>
#include <varve/merkle/stored_page.hpp>
#include <varve/merkle/suite.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace varve::merkle {

/// Hashes pages, many side by side: the leaves of all of them in one batch, then the nodes above
/// them in four more, so that the lanes of the processor are full. Nothing is copied on the way.
///
/// Threads one at a time; each its own.
template <Suite S>
class PageHasher {
 public:
  /// So many pages are worked on at once, which keeps what they need in the first caches.
  static constexpr std::size_t group = 64;

  PageHasher() : folds_(group), jobs_(group * slots) {}

  /// Calls `take(i, hash)` for each of the pages, in their order. The hash of a page is that of the
  /// subtree that it is the top of. `P` is `Page` or `StoredPage`.
  template <class P, class Take>
  void operator()(std::span<P* const> pages, Take&& take) {
    for (std::size_t first = 0; first < pages.size(); first += group) {
      const auto some = pages.subspan(first, std::min(group, pages.size() - first));
      hash_leaves(some);
      for (unsigned width = 1; width != slots; width *= 2) hash_nodes(some.size(), width);
      for (std::size_t i = 0; i != some.size(); ++i) {
        take(first + i, folds_[i].hash());
      }
    }
  }

 private:
  static constexpr unsigned slots = StoredPage::slots;

  /// A page on its way to one hash: after each step the values lie twice as far apart.
  struct Fold {
    std::array<const std::byte*, slots> values;
    std::array<Digest, slots> made;  ///< where values lie that the page does not hold
    unsigned several;                ///< bit i: the value i is of more keys than one

    [[nodiscard]] Digest hash() const noexcept {
      Digest hash;
      std::memcpy(hash.data(), values[0], hash.size());
      return hash;
    }
  };

  static unsigned lowest(unsigned mask) noexcept {
    return static_cast<unsigned>(std::countr_zero(mask));
  }

  template <class P>
  void hash_leaves(std::span<P* const> pages) noexcept {
    std::size_t jobs = 0;
    for (std::size_t i = 0; i != pages.size(); ++i) {
      const auto& page = *pages[i];
      Fold& fold = folds_[i];
      fold.several = page.pages();
      fold.values.fill(S::empty.data());
      for (unsigned rest = page.leaves; rest != 0; rest &= rest - 1) {
        const unsigned slot = lowest(rest);
        std::byte* const hash = fold.made[slot].data();
        jobs_[jobs++] = {page.at(slot), page.at(slot) + sizeof(Digest), hash};
        fold.values[slot] = hash;
      }
      for (unsigned rest = fold.several; rest != 0; rest &= rest - 1) {
        fold.values[lowest(rest)] = page.at(lowest(rest));
      }
    }
    S::leaves(std::span<const HashJob>(jobs_).first(jobs));
  }

  /// Joins what lies `width` apart. A lone leaf rises as it is; more keys than one make a node.
  /// Which it is nobody can guess: so every pair is written down, and stays if it makes a node.
  void hash_nodes(std::size_t pages, unsigned width) noexcept {
    const std::byte* const empty = S::empty.data();
    std::size_t jobs = 0;
    for (std::size_t i = 0; i != pages; ++i) {
      Fold& fold = folds_[i];
      unsigned nodes = 0;
      for (unsigned slot = 0; slot != slots; slot += 2 * width) {
        const std::byte* const left = fold.values[slot];
        const std::byte* const right = fold.values[slot + width];
        std::byte* const hash = fold.made[slot].data();
        const unsigned several = (fold.several >> slot | fold.several >> (slot + width)) & 1U;
        const unsigned both = left != empty && right != empty ? 1 : 0;
        const unsigned node = several | both;
        jobs_[jobs] = {left, right, hash};
        jobs += node;
        nodes |= node << slot;
        const std::byte* const one = left != empty ? left : right;
        fold.values[slot] = node != 0 ? hash : one;
      }
      fold.several = nodes;
    }
    S::nodes(std::span<const HashJob>(jobs_).first(jobs));
  }

  std::vector<Fold> folds_;
  std::vector<HashJob> jobs_;
};

}  // namespace varve::merkle
