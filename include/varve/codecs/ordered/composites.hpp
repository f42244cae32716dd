// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/members.hpp>
#include <varve/codecs/ordered/parts.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace varve::detail::ordered {

template <class... T>
consteval auto name_of_parts() {
  constexpr auto joined = (FixedText("") + ... + (FixedText(",") + Part<T>::name));
  FixedText<sizeof joined.text + 1 - (sizeof...(T) != 0 ? 1 : 0)> name;
  std::size_t size = 0;
  name.text[size++] = '(';
  for (const char letter : joined.view().substr(sizeof...(T) != 0 ? 1 : 0)) {
    name.text[size++] = letter;
  }
  name.text[size] = ')';
  return name;
}

/// Parts one after another; those of a fixed size as one piece.
template <class... T>
struct Sequence {
  static constexpr auto name = name_of_parts<T...>();

  template <class Sink>
  static void append_all(Sink& sink, const T&... values) {
    if constexpr (sizeof...(T) != 0 && (FixedPart<T> && ...)) {
      char buffer[(std::size_t{0} + ... + Part<T>::bytes)];
      char* to = buffer;
      ((Part<T>::put(values, to), to += Part<T>::bytes), ...);
      sink.append(BytesView(buffer, sizeof buffer));
    } else {
      (ordered::append(values, sink), ...);
    }
  }

  template <class Whole>
  static Whole take_all(KeyReader& key) {
    return Whole{Part<T>::take(key)...};  // Braces: from left to right.
  }
};

template <HasPart... T>
struct Part<std::tuple<T...>> : Sequence<T...> {
  static void append(const std::tuple<T...>& value, ByteSink auto& sink) {
    std::apply([&](const T&... parts) { Sequence<T...>::append_all(sink, parts...); }, value);
  }
  static std::tuple<T...> take(KeyReader& key) {
    return Sequence<T...>::template take_all<std::tuple<T...>>(key);
  }
};

template <HasPart First, HasPart Second>
struct Part<std::pair<First, Second>> : Sequence<First, Second> {
  static void append(const std::pair<First, Second>& value, ByteSink auto& sink) {
    Sequence<First, Second>::append_all(sink, value.first, value.second);
  }
  static std::pair<First, Second> take(KeyReader& key) {
    return Sequence<First, Second>::template take_all<std::pair<First, Second>>(key);
  }
};

template <class T>
struct IsStandardComposite : std::false_type {};
template <class T, std::size_t count>
struct IsStandardComposite<std::array<T, count>> : std::true_type {};
template <class T>
struct IsStandardComposite<Descending<T>> : std::true_type {};

template <class List>
struct SequenceOf;
template <class... T>
struct SequenceOf<TypeList<T...>> {
  using type = Sequence<T...>;
};

template <class... T>
consteval bool all_have_parts(TypeList<T...>) {
  return (HasPart<T> && ...);
}

template <class T>
concept OrderedAggregate =
    !IsStandardComposite<T>::value && PlainAggregate<T> && all_have_parts(members_t<T>{});

template <OrderedAggregate T>
struct Part<T> : SequenceOf<members_t<T>>::type {
  using Parts = typename SequenceOf<members_t<T>>::type;

  static void append(const T& value, ByteSink auto& sink) {
    with_members(value, [&](const auto&... members) { Parts::append_all(sink, members...); });
  }
  static T take(KeyReader& key) { return Parts::template take_all<T>(key); }
};

}  // namespace varve::detail::ordered
