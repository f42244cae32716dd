// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/descending.hpp>
#include <varve/codecs/members.hpp>
#include <varve/codecs/ordered/composites.hpp>
#include <varve/concepts/codec.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

namespace varve {

/// A type that can be a key: integers, bool, float, double, enums, `std::string` and vectors of
/// bytes, arrays, optionals, durations and time points, pairs, tuples and plain structs of these,
/// and `Descending` of any of them. `char`, `wchar_t` and `long double` differ from machine to
/// machine and are refused.
template <class T>
concept OrderedType = detail::ordered::HasPart<T> && std::totally_ordered<T>;

/// The codec of keys: the order of the bytes is the order of the values, and no key is a prefix of
/// another. The format is stable for ever: docs/formats/ordered.md.
///
/// A struct is ordered by its members from the first to the last, as a defaulted `operator<=>`
/// orders it; one with another order of its own is ordered here by its members all the same. Floats
/// have the total order of IEEE 754, in which -0 stands before +0 and NaN at the end.
struct Ordered {
  static constexpr BytesView name = "ordered";
  static constexpr bool ordered = true;

  template <OrderedType T>
  static void encode(const T& value, ByteSink auto& sink) {
    detail::ordered::append(value, sink);
  }

  /// Errors: `corruption` for bytes that are no key of this type.
  template <OrderedType T>
  [[nodiscard]] static T decode(BytesView bytes) {
    detail::ordered::KeyReader key(bytes);
    T value = detail::ordered::Part<T>::take(key);
    if (!key.at_end()) detail::ordered::refuse_key("something follows the key");
    return value;
  }

  /// The type in words that do not depend on compiler or machine, such as "(bytes,~u64)".
  template <OrderedType T>
  [[nodiscard]] static constexpr BytesView identity() noexcept {
    return detail::ordered::Part<T>::name.view();
  }
};

namespace detail::ordered {

template <class... T, class... Given>
void append_leading(std::string& bytes, TypeList<T...>, const Given&... given) {
  static_assert(sizeof...(Given) <= sizeof...(T), "more parts are given than the key has");
  const auto append_at = [&]<std::size_t... i>(std::index_sequence<i...>) {
    using Parts = std::tuple<T...>;
    static_assert((std::convertible_to<const Given&, std::tuple_element_t<i, Parts>> && ...),
                  "a part that is given does not convert to the part of the key in its place");
    (ordered::append<std::tuple_element_t<i, Parts>>(
         static_cast<std::tuple_element_t<i, Parts>>(given), bytes),
     ...);
  };
  append_at(std::index_sequence_for<Given...>());
}

}  // namespace detail::ordered

/// What the keys of type `Key` start with whose first parts are `parts`, for `KeyRange::prefix`.
/// `Key` is a tuple, a pair or a struct.
template <OrderedType Key, class... Parts>
[[nodiscard]] std::string leading(const Parts&... parts) {
  std::string bytes;
  detail::ordered::append_leading(bytes, detail::members_t<Key>{}, parts...);
  return bytes;
}

}  // namespace varve
