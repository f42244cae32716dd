// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/aggregate.hpp>
#include <varve/concepts/bytes.hpp>

#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

// What can be known of the members of a struct without a word from its author: their types, their
// places and their names.
namespace varve::detail {

template <class... T>
struct TypeList {
  static constexpr std::size_t size = sizeof...(T);
};

template <class T>
struct MembersOf {
  using type = decltype(with_members(
      std::declval<T&>(), []<class... M>(M&...) { return TypeList<std::remove_cv_t<M>...>{}; }));
};
template <class... T>
struct MembersOf<std::tuple<T...>> {
  using type = TypeList<std::remove_cv_t<T>...>;
};
template <class First, class Second>
struct MembersOf<std::pair<First, Second>> {
  using type = TypeList<std::remove_cv_t<First>, std::remove_cv_t<Second>>;
};

/// The types of the parts of a struct, a tuple or a pair.
template <class T>
using members_t = typename MembersOf<T>::type;

/// An object whose members have addresses and no values.
template <class T>
union Standin {
  char nothing;
  T value;

  constexpr Standin() noexcept : nothing() {}
  constexpr ~Standin() {}
};
template <class T>
inline Standin<T> standin;

template <class Pointer>
struct MemberPointer;
template <class Class, class Type>
struct MemberPointer<Type Class::*> {
  using Owner = Class;
  using Member = Type;
};

/// The struct that a pointer to a member belongs to.
template <auto pointer>
using member_owner_t = typename MemberPointer<std::remove_const_t<decltype(pointer)>>::Owner;

template <auto pointer>
consteval std::size_t find_member() {
  using T = member_owner_t<pointer>;
  using Wanted = decltype(std::addressof(standin<T>.value.*pointer));
  std::size_t found = member_count<T>;
  with_members(standin<T>.value, [&found](auto&... members) {
    std::size_t at = 0;
    const auto compare = [&found, &at](auto& member) {
      if constexpr (std::is_same_v<decltype(std::addressof(member)), Wanted>) {
        if (std::addressof(member) == std::addressof(standin<T>.value.*pointer)) found = at;
      }
      ++at;
    };
    (compare(members), ...);
  });
  return found;
}

/// The place of the member that `pointer` points to, among the members of its struct.
template <auto pointer>
inline constexpr std::size_t member_index = find_member<pointer>();

// A pointer inside a class is a template argument for clang 16 as well.
template <class Pointer>
struct Boxed {
  Pointer pointer;
};
template <class Pointer>
Boxed(Pointer) -> Boxed<Pointer>;

template <class T, std::size_t index>
consteval auto member_address() {
  return with_members(standin<T>.value, [](auto&... members) {
    return std::get<index>(std::tuple(std::addressof(members)...));
  });
}

template <Boxed member>
consteval BytesView name_in_signature() {
  // "... {&standin.value.NAME}]", or with "T::NAME)}]".
  BytesView text = __PRETTY_FUNCTION__;
  const auto in_name = [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  std::size_t end = text.rfind('}');
  while (!in_name(text[end - 1])) --end;
  std::size_t first = end;
  while (in_name(text[first - 1])) --first;
  return text.substr(first, end - first);
}

/// The name of a member, as it is written in the struct.
template <class T, std::size_t index>
inline constexpr BytesView member_name = name_in_signature<Boxed{member_address<T, index>()}>();

/// Converts to a base of `Aggregate`, and to nothing else.
template <class Aggregate>
struct AnyBase {
  template <class T>
    requires(std::is_base_of_v<T, Aggregate> && !std::is_same_v<T, Aggregate>)
  operator T() const;  // NOLINT(google-explicit-constructor): as of AnyMember.
};

template <class T>
concept HasBase = requires { T{AnyBase<T>()}; };

template <class T, std::size_t... before, std::size_t... after>
consteval bool takes_one_initializer(std::index_sequence<before...>,
                                     std::index_sequence<after...>) {
  return requires { T{(void(before), AnyMember<T>())..., {}, (void(after), AnyMember<T>())...}; };
}

/// Whether each initialiser that was counted is that of one member. A C array takes several, a
/// reference none that is empty.
template <class T>
consteval bool one_initializer_each() {
  return []<std::size_t... i>(std::index_sequence<i...>) {
    return (takes_one_initializer<T>(std::make_index_sequence<i>(),
                                     std::make_index_sequence<member_count<T> - 1 - i>()) &&
            ...);
  }(std::make_index_sequence<member_count<T>>());
}

/// A struct that is nothing but its members: no bases, no C arrays, nothing const, no references.
template <class T>
concept StructOfMembers =
    PlainAggregate<T> && !HasBase<T> && std::is_move_assignable_v<T> && one_initializer_each<T>();

}  // namespace varve::detail
