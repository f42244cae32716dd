// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/descending.hpp>
#include <varve/codecs/ordered.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <tuple>
#include <type_traits>
#include <utility>

namespace varve {

// What the list of a key or an index is made of, beside members (`&Vertex::height`) and pure
// functions of the record (`&length_of`, a lambda without captures).

template <auto part>
struct EachPart {};
template <auto condition>
struct WherePart {};
template <auto part>
struct DescendingPart {};
template <auto... parts>
struct StoresPart {};
template <std::uint32_t number>
struct RevisionPart {};

/// One entry for each element of a range: a member, or what a function gives. Once in an index.
template <auto part>
inline constexpr EachPart<part> each{};

/// Only records for which the condition holds: a `bool` member or a function.
template <auto condition>
inline constexpr WherePart<condition> where{};

/// The part, the greatest first.
template <auto part>
inline constexpr DescendingPart<part> descending{};

/// Fields that are stored in the entry, so that a query need not read the record.
template <auto... parts>
inline constexpr StoresPart<parts...> stores{};

/// Raised by hand when a function of the index gives other answers than before: the types do not
/// show it. The index is then built anew.
template <std::uint32_t number>
inline constexpr RevisionPart<number> revision{};

}  // namespace varve

namespace varve::detail::tables {

/// What `part` reads from a record.
template <auto part, class Record>
[[nodiscard]] constexpr decltype(auto) read_part(const Record& record) {
  using P = std::remove_cv_t<decltype(part)>;
  if constexpr (std::is_member_object_pointer_v<P>) {
    return (record.*part);
  } else if constexpr (std::is_member_function_pointer_v<P>) {
    return (record.*part)();
  } else {
    return part(record);
  }
}

template <auto part, class Record>
using part_t = std::remove_cvref_t<decltype(read_part<part>(std::declval<const Record&>()))>;

template <class... T>
struct Types {
  using tuple = std::tuple<T...>;
};

template <class... Lists>
struct Join {
  using type = Types<>;
};
template <class... A>
struct Join<Types<A...>> {
  using type = Types<A...>;
};
template <class... A, class... B, class... Rest>
struct Join<Types<A...>, Types<B...>, Rest...> : Join<Types<A..., B...>, Rest...> {};

/// A part as it stands in a list: a member or a function.
template <auto part, class Kind = std::remove_cv_t<decltype(part)>>
struct PartOf {
  static constexpr bool is_each = false;
  static constexpr std::uint32_t revision = 1;
  static constexpr bool is_condition = false;

  template <class Record>
  using KeyTypes = Types<part_t<part, Record>>;
  template <class Codec, class Record>
  using StoredTypes = Types<>;

  template <class Record>
  static bool holds(const Record&) {
    return true;
  }
  template <class Record, class Element, class Sink>
  static void append(const Record& record, const Element&, Sink& sink) {
    static_assert(OrderedType<part_t<part, Record>>,
                  "a part of a key or an index has no order that bytes could have: integers, bool, "
                  "strings, arrays, optionals, tuples and plain structs of these have one");
    Ordered::encode(static_cast<const part_t<part, Record>&>(read_part<part>(record)), sink);
  }
};

/// What is common to the parts that are no part of the key.
struct NoKeyPart {
  static constexpr bool is_each = false;
  static constexpr bool is_condition = false;
  static constexpr std::uint32_t revision = 1;

  template <class Record>
  using KeyTypes = Types<>;
  template <class Codec, class Record>
  using StoredTypes = Types<>;

  template <class Record>
  static bool holds(const Record&) {
    return true;
  }
  template <class Record, class Element, class Sink>
  static void append(const Record&, const Element&, Sink&) {}
};

template <auto part, auto elements>
struct PartOf<part, EachPart<elements>> : NoKeyPart {
  static constexpr bool is_each = true;

  template <class Record>
  using Element =
      std::remove_cvref_t<decltype(*std::begin(std::declval<const part_t<elements, Record>&>()))>;
  template <class Record>
  using KeyTypes = Types<Element<Record>>;

  template <class Record, class Use>
  static void for_each(const Record& record, Use&& use) {
    auto&& range = read_part<elements>(record);
    for (const auto& element : range) use(element);
  }
  template <class Record, class Given, class Sink>
  static void append(const Record&, const Given& element, Sink& sink) {
    static_assert(OrderedType<Element<Record>>,
                  "the elements that an index goes over have no order that bytes could have");
    Ordered::encode(static_cast<const Element<Record>&>(element), sink);
  }
};

template <auto part, auto condition>
struct PartOf<part, WherePart<condition>> : NoKeyPart {
  static constexpr bool is_condition = true;

  template <class Record>
  static bool holds(const Record& record) {
    return static_cast<bool>(read_part<condition>(record));
  }
};

template <auto part, auto turned>
struct PartOf<part, DescendingPart<turned>> : NoKeyPart {
  template <class Record>
  using KeyTypes = Types<Descending<part_t<turned, Record>>>;

  template <class Record, class Element, class Sink>
  static void append(const Record& record, const Element&, Sink& sink) {
    Ordered::encode(Descending<part_t<turned, Record>>{read_part<turned>(record)}, sink);
  }
};

template <auto part, auto... stored>
struct PartOf<part, StoresPart<stored...>> : NoKeyPart {
  template <class Codec, class Record>
  using StoredTypes = Types<part_t<stored, Record>...>;
};

template <auto part, std::uint32_t number>
struct PartOf<part, RevisionPart<number>> : NoKeyPart {
  static constexpr std::uint32_t revision = number;
};

/// The fields that the parts store, as the tuple that is encoded.
template <auto... parts, class Record>
[[nodiscard]] auto stored_fields(StoresPart<parts...>, const Record& record) {
  return std::tuple<part_t<parts, Record>...>(read_part<parts>(record)...);
}

}  // namespace varve::detail::tables
