// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/members.hpp>
#include <varve/codecs/packed/choices.hpp>
#include <varve/codecs/packed/lists.hpp>
#include <varve/codecs/packed/scalars.hpp>
#include <varve/codecs/packed/sorted.hpp>
#include <varve/codecs/packed/structs.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace varve::detail::packed {

template <class T>
consteval bool say_why();

template <class... T>
consteval bool say_why_of(TypeList<T...>) {
  return (say_why<T>() && ...);
}

template <class T>
struct PartsOf {
  using type = TypeList<>;
};
template <class T>
struct PartsOf<std::vector<T>> {
  using type = TypeList<T>;
};
template <class T>
struct PartsOf<std::optional<T>> {
  using type = TypeList<T>;
};
template <class T, std::size_t count>
struct PartsOf<std::array<T, count>> {
  using type = TypeList<T>;
};
template <class... T>
struct PartsOf<std::variant<T...>> {
  using type = TypeList<T...>;
};
template <class... T>
struct PartsOf<std::tuple<T...>> {
  using type = TypeList<T...>;
};
template <class First, class Second>
struct PartsOf<std::pair<First, Second>> {
  using type = TypeList<First, Second>;
};

template <class T>
consteval bool say_why_of_class() {
  static_assert(!HasBase<T>,
                "Packed refuses a struct with a base class: make the base its first member");
  if constexpr (!HasBase<T>) {
    static_assert(
        member_count<T> <= max_members,
        "Packed refuses a struct of so many members: gather some in structs of their own");
    static_assert(std::is_move_assignable_v<T>,
                  "Packed refuses a struct with a const member or a reference: what is read must "
                  "be the struct's own, and assignable");
    if constexpr (member_count<T> <= max_members && std::is_move_assignable_v<T>) {
      static_assert(one_initializer_each<T>(),
                    "Packed refuses a struct with a C array: make it a std::array or a "
                    "std::string");
      if constexpr (StructOfMembers<T>) return say_why_of(members_t<T>());
    }
  }
  return true;
}

template <class T>
consteval bool say_why_of_keys() {
  if constexpr (!Packable<typename T::key_type>) {
    return say_why<typename T::key_type>();
  } else if constexpr (requires { requires !Packable<typename T::mapped_type>; }) {
    return say_why<typename T::mapped_type>();
  } else {
    constexpr bool good_key = PackableKey<typename T::key_type>;
    static_assert(good_key,
                  "Packed refuses keys of a set or a map that have no total order or are of "
                  "floating point");
    static_assert(!good_key,
                  "Packed takes a set or a map if it holds each key once and is sorted by "
                  "std::less or hashed");
    return true;
  }
}

/// One sentence for what in `T` has no form on the wire.
template <class T>
consteval bool say_why() {
  if constexpr (Packable<T>) {
    return true;
  } else if constexpr (std::is_pointer_v<T> || std::is_member_pointer_v<T>) {
    static_assert(!std::same_as<T, T>, "Packed refuses a pointer: store what it points to");
  } else if constexpr (std::is_reference_v<T>) {
    static_assert(!std::same_as<T, T>, "Packed refuses a reference: store what it refers to");
  } else if constexpr (std::is_array_v<T>) {
    static_assert(!std::same_as<T, T>,
                  "Packed refuses a C array: make it a std::array or a std::string");
  } else if constexpr (std::same_as<T, std::string_view>) {
    static_assert(!std::same_as<T, T>,
                  "Packed refuses a string_view, which would own nothing when it is read: make it "
                  "a std::string, and read it with view");
  } else if constexpr (std::same_as<T, long double> || std::same_as<T, wchar_t>) {
    static_assert(!std::same_as<T, T>,
                  "Packed refuses long double and wchar_t, which differ from machine to machine");
  } else if constexpr (std::is_union_v<T>) {
    static_assert(!std::same_as<T, T>,
                  "Packed refuses a union, which does not know what it holds: make it a "
                  "std::variant");
  } else if constexpr (PartsOf<T>::type::size != 0) {
    using Parts = typename PartsOf<T>::type;
    static_assert(!all_packable(Parts()),
                  "Packed refuses a list whose elements have no bytes: they could not be counted");
    return say_why_of(Parts());
  } else if constexpr (requires { typename T::key_type; }) {
    return say_why_of_keys<T>();
  } else if constexpr (std::is_aggregate_v<T> && !std::is_empty_v<T>) {
    return say_why_of_class<T>();
  } else {
    static_assert(
        !std::same_as<T, T>,
        "Packed has no form for this type: it takes numbers, bool, enums, times, "
        "std::string, arrays, vectors, sets, maps, optionals, variants, pairs, tuples and "
        "structs of members that are all public");
  }
  return true;
}

}  // namespace varve::detail::packed
