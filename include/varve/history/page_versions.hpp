// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/history/format.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

// How the pages of the trie lie in the store, each under the height that wrote it.
namespace varve::detail::history {

/// Height by height, so that what a height writes lies together, and at the end.
[[nodiscard]] inline std::string page_version_key(std::uint64_t height, BytesView page) {
  std::string key;
  key.reserve(height_bytes + page.size());
  append_number(key, height);
  return key.append(page);
}

// Where a page is, as its key tells: merkle::PageKey.

[[nodiscard]] inline std::size_t depth_of(BytesView page) noexcept {
  return static_cast<unsigned char>(page.front());
}

/// The slot in which the page above holds this one, which is not the root page.
[[nodiscard]] inline unsigned slot_of(BytesView page) noexcept {
  const std::size_t place = depth_of(page) - 1;
  const auto byte = static_cast<unsigned char>(page[1 + place / 2]);
  return place % 2 == 0 ? byte >> 4U : byte & 15U;
}

/// The key of the page above, of one that is not the root page.
[[nodiscard]] inline std::string page_above(BytesView page) {
  const std::size_t depth = depth_of(page) - 1;
  std::string above(page.substr(0, 1 + (depth + 1) / 2));
  above.front() = static_cast<char>(depth);
  if (depth % 2 != 0) {
    above.back() = static_cast<char>(static_cast<unsigned char>(above.back()) & 0xf0U);
  }
  return above;
}

/// Whether `page` is held by a slot of `above`.
[[nodiscard]] inline bool is_below(BytesView page, BytesView above) noexcept {
  const std::size_t depth = depth_of(above);
  const std::size_t whole = 1 + depth / 2;
  if (depth_of(page) != depth + 1 || page.substr(1, depth / 2) != above.substr(1, depth / 2)) {
    return false;
  }
  return depth % 2 == 0 || (static_cast<unsigned char>(page[whole]) & 0xf0U) ==
                               static_cast<unsigned char>(above[whole]);
}

/// The slots of a page that have pages of their own, a bit each.
[[nodiscard]] inline unsigned slots_with_pages(BytesView page) noexcept {
  if (page.size() < 4) return 0;
  const auto byte = [&](std::size_t at) { return unsigned{static_cast<unsigned char>(page[at])}; };
  return (byte(0) | byte(1) << 8U) & ~(byte(2) | byte(3) << 8U);
}

/// Which height wrote the page below each slot. Nothing is said of slots without one.
using HeightsBelow = std::array<std::uint64_t, 16>;

/// What is stored of a page that the height writes.
inline void put_page_version(std::string& value, std::uint64_t height, BytesView page,
                             const HeightsBelow& below) {
  value.assign(1, '\0');
  for (unsigned rest = slots_with_pages(page); rest != 0; rest &= rest - 1) {
    std::uint64_t age = height - below[static_cast<unsigned>(std::countr_zero(rest))];
    for (; age >= 0x80; age >>= 7U) value.push_back(static_cast<char>(age | 0x80U));
    value.push_back(static_cast<char>(age));
  }
  value.front() = static_cast<char>(value.size() - 1);
  value.append(page);
}

struct PageVersion {
  BytesView page;
  HeightsBelow below{};
};

/// `value` is what is stored under the height.
[[nodiscard]] inline PageVersion parse_page_version(std::uint64_t height, BytesView value) {
  PageVersion version;
  if (value.empty()) refuse_bytes(pages_tree, "a page");
  const std::size_t end = 1 + static_cast<std::size_t>(static_cast<unsigned char>(value.front()));
  if (end > value.size()) refuse_bytes(pages_tree, "a page");
  version.page = value.substr(end);
  std::size_t at = 1;
  for (unsigned rest = slots_with_pages(version.page); rest != 0; rest &= rest - 1) {
    std::uint64_t age = 0;
    for (unsigned shift = 0;; shift += 7) {
      if (at == end || shift > 63) refuse_bytes(pages_tree, "a page");
      const auto byte = static_cast<unsigned char>(value[at++]);
      age |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) break;
    }
    if (age > height) refuse_bytes(pages_tree, "a page");
    version.below[static_cast<unsigned>(std::countr_zero(rest))] = height - age;
  }
  if (at != end) refuse_bytes(pages_tree, "a page");
  return version;
}

}  // namespace varve::detail::history
