// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/digest.hpp>

#include <algorithm>
#include <array>
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

/// The items in the order of their keys (the member `key` of each); of one key, in the order in
/// which they are given. Digests are spread evenly: one pass deals them out by their first bits,
/// and what is left to sort is small.
template <auto key, class T>
[[nodiscard]] std::vector<KeyPlace<T>> in_key_order(std::span<const T> items) {
  const auto less = [](const KeyPlace<T>& one, const KeyPlace<T>& other) {
    if (one.prefix != other.prefix) return one.prefix < other.prefix;
    const int order = compare(one.item->*key, other.item->*key);
    return order != 0 ? order < 0 : one.item < other.item;
  };
  std::vector<KeyPlace<T>> places;
  places.reserve(items.size());
  for (const T& item : items) {
    std::uint64_t prefix = 0;
    for (std::size_t i = 0; i != 8; ++i) {
      prefix = prefix << 8U | std::to_integer<std::uint64_t>((item.*key)[i]);
    }
    places.push_back({prefix, &item});
  }
  constexpr unsigned bits = 12;
  if (places.size() < std::size_t{1} << bits) {
    std::sort(places.begin(), places.end(), less);
    return places;
  }
  const auto bucket = [](const KeyPlace<T>& place) {
    return static_cast<std::size_t>(place.prefix >> (64 - bits));
  };
  std::vector<std::size_t> ends((std::size_t{1} << bits) + 1);
  for (const auto& place : places) ++ends[bucket(place) + 1];
  for (std::size_t i = 1; i != ends.size(); ++i) ends[i] += ends[i - 1];
  std::vector<KeyPlace<T>> dealt(places.size());
  for (const auto& place : places) dealt[ends[bucket(place)]++] = place;
  auto first = dealt.begin();
  for (std::size_t i = 0; i + 1 != ends.size(); ++i) {
    const auto last = dealt.begin() + static_cast<std::ptrdiff_t>(ends[i]);
    std::sort(first, last, less);
    first = last;
  }
  return dealt;
}

}  // namespace varve::merkle
