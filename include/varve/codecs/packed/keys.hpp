// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/packed/wire.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

namespace varve::detail::packed {

/// What stands for a key where two are compared: its view where that has an order, else the key.
template <class Key>
using comparable_t = std::conditional_t<std::totally_ordered<typename Wire<Key>::View>,
                                        typename Wire<Key>::View, Key>;

template <class Key>
[[nodiscard]] comparable_t<Key> comparable(BytesView key) {
  if constexpr (std::same_as<comparable_t<Key>, Key>) {
    return take_piece<Key>(key);
  } else {
    return view_piece<Key>(key);
  }
}

/// Throws unless each key that it is given is greater than the one before.
template <class Key>
class AscendingCheck {
 public:
  void operator()(BytesView bytes) {
    comparable_t<Key> key = comparable<Key>(bytes);
    if (before_ && !(*before_ < key)) refuse("the keys do not ascend");
    before_ = std::move(key);
  }

 private:
  std::optional<comparable_t<Key>> before_;
};

/// The place of the first key that is not less than `key`.
template <class Key, class KeyAt>
[[nodiscard]] std::size_t lower_bound(std::size_t count, const comparable_t<Key>& key,
                                      KeyAt key_at) {
  std::size_t first = 0;
  while (count != 0) {
    const std::size_t half = count / 2;
    if (comparable<Key>(key_at(first + half)) < key) {
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return first;
}

}  // namespace varve::detail::packed
