// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/members.hpp>
#include <varve/concepts/bytes.hpp>

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace varve {

namespace detail::carrying {

template <auto member>
using member_t = typename MemberPointer<std::remove_const_t<decltype(member)>>::Member;

/// A word that a conversion says of one field.
struct Word {
  std::size_t gives = static_cast<std::size_t>(-1);     ///< the member of the new record
  std::size_t gives_up = static_cast<std::size_t>(-1);  ///< the member of the old one
};

template <class T>
consteval auto names_of() {
  return []<std::size_t... i>(std::index_sequence<i...>) {
    return std::array<BytesView, sizeof...(i)>{member_name<T, i>...};
  }(std::make_index_sequence<member_count<T>>());
}

template <std::size_t i, class List>
struct NthMember;
template <std::size_t i, class... M>
struct NthMember<i, TypeList<M...>> : std::tuple_element<i, std::tuple<M...>> {};
template <class T, std::size_t i>
using nth_member_t = typename NthMember<i, members_t<T>>::type;

template <class T>
consteval std::size_t place_of(BytesView name) {
  constexpr auto names = names_of<T>();
  std::size_t i = 0;
  while (i != names.size() && names[i] != name) ++i;
  return i;
}

}  // namespace detail::carrying

/// A field of the new record gets a value of its own: `with<&BlockV2::work>(17)`.
template <auto member>
struct WithField {
  detail::carrying::member_t<member> value;

  template <class Out, class In>
  static consteval detail::carrying::Word word() {
    static_assert(std::is_same_v<detail::member_owner_t<member>, Out>,
                  "with<...> names a field of the new record");
    return {.gives = detail::member_index<member>};
  }
};

template <auto member>
[[nodiscard]] constexpr WithField<member> with(detail::carrying::member_t<member> value) {
  return {std::move(value)};
}

/// A field of the old record is given up: `without<&BlockV1::work>`.
template <auto member>
struct WithoutField {
  template <class Out, class In>
  static consteval detail::carrying::Word word() {
    static_assert(std::is_same_v<detail::member_owner_t<member>, In>,
                  "without<...> names a field of the old record");
    return {.gives_up = detail::member_index<member>};
  }
};
template <auto member>
inline constexpr WithoutField<member> without{};

namespace detail::carrying {

template <class Out, class In, class... Words>
struct Carry {
  static constexpr std::array<Word, sizeof...(Words) + 1> words{Words::template word<Out, In>()...,
                                                                Word{}};

  template <std::size_t o>
  static consteval bool is_given() {
    for (const Word& word : words) {
      if (word.gives == o) return true;
    }
    return false;
  }
  /// The member of `In` that member `o` of `Out` is carried from; their number where there is none.
  template <std::size_t o>
  static consteval std::size_t source() {
    constexpr std::size_t i = place_of<In>(member_name<Out, o>);
    if constexpr (i != member_count<In>) {
      if constexpr (!std::is_same_v<nth_member_t<In, i>, nth_member_t<Out, o>>) {
        return member_count<In>;
      }
    }
    return i;
  }
  template <std::size_t i>
  static consteval bool is_accounted_for() {
    for (const Word& word : words) {
      if (word.gives_up == i) return true;
    }
    return place_of<Out>(member_name<In, i>) != member_count<Out>;
  }

  template <std::size_t... o>
  static consteval bool new_ones(std::index_sequence<o...>) {
    return ((is_given<o>() || source<o>() != member_count<In>)&&...);
  }
  template <std::size_t... i>
  static consteval bool old_ones(std::index_sequence<i...>) {
    return (is_accounted_for<i>() && ...);
  }
  static_assert(new_ones(std::make_index_sequence<member_count<Out>>()),
                "a field of the new record is accounted for by nothing: the old one has none of "
                "its name and type; say what it is, with<&New::field>(value)");
  static_assert(old_ones(std::make_index_sequence<member_count<In>>()),
                "a field of the old record goes nowhere: the new one has none of its name; say so, "
                "without<&Old::field>");

  template <std::size_t o, class From, class To>
  static void carry_one(const From& from, const To& to) {
    if constexpr (!is_given<o>()) {
      if constexpr (source<o>() != member_count<In>) {
        std::get<o>(to) = std::get<source<o>()>(from);
      }
    }
  }
  template <class To, auto member>
  static void give(const To& to, WithField<member>&& field) {
    std::get<member_index<member>>(to) = std::move(field.value);
  }
  template <class To, auto member>
  static void give(const To&, const WithoutField<member>&) {}
};

}  // namespace detail::carrying

/// The old record as a new one: each field is carried over to the one of the same name and type.
/// Every other field has to be accounted for, new ones by `with`, old ones by `without`; a field
/// that is not does not compile. So a member that is added to a record cannot be forgotten by its
/// step:
///
///     static Out convert(const In& block) {
///       return varve::carry<Out>(block, varve::with<&Out::work>(block.height * 17));
///     }
template <class Out, class In, class... Words>
  requires(detail::StructOfMembers<In> && detail::StructOfMembers<Out>)
[[nodiscard]] Out carry(const In& record, Words... words) {
  using Carry = detail::carrying::Carry<Out, In, std::remove_cv_t<Words>...>;
  Out out{};
  const auto tied = [](auto&... members) { return std::tie(members...); };
  const auto to = detail::with_members(out, tied);
  const auto from = detail::with_members(record, tied);
  [&]<std::size_t... o>(std::index_sequence<o...>) {
    (Carry::template carry_one<o>(from, to), ...);
  }(std::make_index_sequence<detail::member_count<Out>>());
  (Carry::give(to, std::move(words)), ...);
  return out;
}

}  // namespace varve
