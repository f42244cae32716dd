// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/digest.hpp>
#include <varve/merkle/key_order.hpp>
#include <varve/merkle/page_key.hpp>
#include <varve/merkle/stored_page.hpp>
#include <varve/merkle/trie_change.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace varve::merkle::detail {

/// A page on the way of a change: what is stored of it, what is planned, and what comes of it.
struct EditedPage {
  PageKey key{};
  std::uint64_t cache_hash = 0;
  std::uint64_t count_above = 0;          ///< the keys that the page above says there are
  const std::byte* hash_above = nullptr;  ///< the hash that it says the page has
  StoredPage before{};                    ///< no bytes: there was no such page
  bool from_store = false;                ///< its bytes are the update's own

  std::span<const KeyPlace<Change>> changes{};  ///< of the keys that belong below a stored page
  std::uint32_t first_leaf = 0;                 ///< of the leaves that a new page is made of
  std::uint32_t leaf_count = 0;

  std::uint16_t below = 0;  ///< slots of which the pages are edited as well
  std::uint16_t put = 0;    ///< slots that get a leaf which is at hand
  std::uint16_t erased = 0;
  std::uint32_t first_below = 0;  ///< in the level below, in the order of the slots
  std::uint32_t first_put = 0;

  bool changed = false;
  StoredPage after{};
  std::byte* room = nullptr;        ///< for the bytes of `after`; none: the page above has the rest
  const std::byte* lone = nullptr;  ///< the one leaf that is left for the page above
  Digest hash{};                    ///< of `after`

  [[nodiscard]] static std::size_t rank(std::uint16_t mask, unsigned slot) noexcept {
    return static_cast<std::size_t>(std::popcount(mask & ((1U << slot) - 1U)));
  }
};

/// The edited pages of each depth, in the order of their keys, and the leaves that are new. Their
/// memory serves the next update.
class EditedPages {
 public:
  using Level = std::vector<EditedPage>;

  std::size_t depths = 0;          ///< of the deepest page, and one
  std::vector<DigestPair> leaves;  ///< what new pages are made of
  std::vector<DigestPair> puts;    ///< what stands alone in its slot, page by page

  [[nodiscard]] Level& operator[](std::size_t depth) noexcept { return levels_[depth]; }

  /// All are free again. What an unusually large update took is given back.
  void clear() noexcept {
    for (Level& level : levels_) empty(level);
    empty(leaves);
    empty(puts);
    depths = 0;
  }

 private:
  static constexpr std::size_t most_kept = 8192;

  template <class T>
  static void empty(std::vector<T>& items) noexcept {
    items.clear();
    if (items.capacity() > most_kept) items = std::vector<T>();
  }

  std::array<Level, PageKey::max_depth + 2> levels_;  ///< the last is always empty
};

}  // namespace varve::merkle::detail
