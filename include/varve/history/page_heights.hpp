// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/history/page_versions.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

namespace varve::detail::history {

/// The heights below those pages that were used lately, in a table that does not grow. What it has
/// lost stands in the store.
class PageHeights {
 public:
  explicit PageHeights(std::size_t most_bytes) noexcept {
    while (sets_ * sizeof(Set) < most_bytes) sets_ *= 2;
  }

  void note(BytesView page, const HeightsBelow& below) noexcept {
    const std::uint64_t name = name_of(page);
    if (name == 0 || !has_table()) return;
    Set& set = table_[place_of(name)];
    Way* free = nullptr;
    for (Way& way : set.ways) {
      if (way.name == name || (way.name == 0 && free == nullptr)) free = &way;
      if (way.name == name) break;
    }
    if (free == nullptr) free = &set.ways[set.next++ % ways_of_set];
    *free = {name, below};
  }

  /// Null where it is not known. Lives until the next `note`.
  [[nodiscard]] const HeightsBelow* find(BytesView page) const noexcept {
    const std::uint64_t name = name_of(page);
    if (name == 0 || table_.empty()) return nullptr;
    for (const Way& way : table_[place_of(name)].ways) {
      if (way.name == name) return &way.below;
    }
    return nullptr;
  }

  void forget() noexcept { table_ = {}; }

 private:
  static constexpr std::size_t ways_of_set = 8;

  struct Way {
    std::uint64_t name = 0;  ///< of a page; 0: free
    HeightsBelow below{};
  };
  struct Set {
    std::array<Way, ways_of_set> ways{};
    std::size_t next = 0;  ///< the way that is given up next
  };

  /// The key itself. 0 for one that is longer than this has room for: a page below 14 nibbles that
  /// two keys share, of which there are hardly any.
  static std::uint64_t name_of(BytesView page) noexcept {
    if (page.size() > sizeof(std::uint64_t)) return 0;
    std::uint64_t name = 0;
    for (const char byte : page) name = name << 8U | static_cast<unsigned char>(byte);
    return name | std::uint64_t{page.size()} << 60U;
  }

  /// Without memory for it nothing is remembered, and nothing is lost.
  [[nodiscard]] bool has_table() noexcept {
    if (!table_.empty()) return true;
    try {
      table_.resize(sets_);
    } catch (const std::bad_alloc&) {
      return false;
    }
    return true;
  }

  [[nodiscard]] std::size_t place_of(std::uint64_t name) const noexcept {
    return static_cast<std::size_t>((name * 0x9e3779b97f4a7c15U) >> 32U) & (sets_ - 1);
  }

  std::size_t sets_ = 1;
  std::vector<Set> table_;
};

}  // namespace varve::detail::history
