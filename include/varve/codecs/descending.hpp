// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>

namespace varve {

/// A value that is ordered the other way round: in a key, the greatest comes first.
template <std::totally_ordered T>
struct Descending {
  T value{};

  [[nodiscard]] friend constexpr bool operator==(const Descending& a, const Descending& b) {
    return a.value == b.value;
  }
  [[nodiscard]] friend constexpr bool operator<(const Descending& a, const Descending& b) {
    return b.value < a.value;
  }
  [[nodiscard]] friend constexpr bool operator>(const Descending& a, const Descending& b) {
    return b < a;
  }
  [[nodiscard]] friend constexpr bool operator<=(const Descending& a, const Descending& b) {
    return !(b < a);
  }
  [[nodiscard]] friend constexpr bool operator>=(const Descending& a, const Descending& b) {
    return !(a < b);
  }
};

template <class T>
Descending(T) -> Descending<T>;

}  // namespace varve
