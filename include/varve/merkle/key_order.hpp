// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/digest.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace varve::merkle {

/// Less than, equal to or greater than 0, as memcmp says it.
[[nodiscard]] inline int compare(const Digest& one, const Digest& other) noexcept {
  return std::memcmp(one.data(), other.data(), sizeof(Digest));
}

/// An item and the first eight bytes of its key, as a number that orders as they do.
template <class T>
struct KeyPlace {
  std::uint64_t prefix;
  const T* item;
};

namespace detail {

/// Sorts `places`, with as much room beside them. Digests are spread evenly: dealt out by a few of
/// their bits, `above` of them known to be the same, they are nearly in order.
template <class T, class Less>
void deal_out(std::span<KeyPlace<T>> places, std::span<KeyPlace<T>> room, unsigned above,
              const Less& less) {
  constexpr std::size_t few = 24;
  constexpr unsigned most_bits = 11;
  if (places.size() <= few || above == 64) return std::sort(places.begin(), places.end(), less);
  const unsigned bits =
      std::min({static_cast<unsigned>(std::bit_width(places.size())) - 2, most_bits, 64 - above});
  const auto bucket = [&](const KeyPlace<T>& place) {
    return static_cast<std::size_t>(place.prefix << above >> (64 - bits));
  };
  std::array<std::uint32_t, (std::size_t{1} << most_bits) + 1> ends;
  std::fill_n(ends.begin(), (std::size_t{1} << bits) + 1, 0U);
  for (const auto& place : places) ++ends[bucket(place) + 1];
  for (std::size_t i = 1; i <= std::size_t{1} << bits; ++i) ends[i] += ends[i - 1];
  for (const auto& place : places) room[ends[bucket(place)]++] = place;
  std::copy(room.begin(), room.end(), places.begin());
  std::size_t first = 0;
  for (std::size_t i = 0; i != std::size_t{1} << bits; ++i) {
    const std::size_t size = ends[i] - first;
    if (size > 1) deal_out(places.subspan(first, size), room.first(size), above + bits, less);
    first = ends[i];
  }
}

}  // namespace detail

/// The items in the order of their keys (the member `key` of each); of one key, in the order in
/// which they are given. Fewer than 2^32 of them.
template <auto key, class T>
[[nodiscard]] std::vector<KeyPlace<T>> in_key_order(std::span<const T> items) {
  std::vector<KeyPlace<T>> places(items.size());
  for (std::size_t i = 0; i != items.size(); ++i) {
    std::uint64_t prefix = 0;
    for (std::size_t at = 0; at != 8; ++at) {
      prefix = prefix << 8U | std::to_integer<std::uint64_t>((items[i].*key)[at]);
    }
    places[i] = {prefix, &items[i]};
  }
  std::vector<KeyPlace<T>> room(places.size());
  detail::deal_out(std::span(places), std::span(room), 0, [](const auto& one, const auto& other) {
    if (one.prefix != other.prefix) return one.prefix < other.prefix;
    const int order = compare(one.item->*key, other.item->*key);
    return order != 0 ? order < 0 : one.item < other.item;
  });
  return places;
}

}  // namespace varve::merkle
