// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/fixed_text.hpp>
#include <varve/tables/entry_list.hpp>
#include <varve/tables/part.hpp>
#include <varve/tables/unique_value.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>

namespace varve::detail::tables {

/// Names become parts of names of trees.
[[nodiscard]] consteval bool good_name(BytesView name) {
  bool good = !name.empty() && name.size() <= 100;
  for (const char c : name) {
    good = good && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '-');
  }
  return good;
}

template <FixedText index_name, bool is_unique, auto... parts>
struct IndexOf {
  static constexpr auto text = index_name;
  static constexpr BytesView name = text.view();
  static constexpr bool unique = is_unique;
  static constexpr bool multi_valued = (PartOf<parts>::is_each || ...);
  static constexpr bool partial = (PartOf<parts>::is_condition || ...);

  static_assert(good_name(name), "the name of an index is of letters, digits, '_' and '-'");
  static_assert((std::size_t{0} + ... + (PartOf<parts>::is_each ? 1 : 0)) <= 1,
                "an index goes over the elements of one range: make two indexes");

  /// The parts of the key of an entry, before the key of the record.
  template <class Record>
  using Parts = typename Join<typename PartOf<parts>::template KeyTypes<Record>...>::type::tuple;

  /// The stored fields.
  template <class Codec, class Record>
  using Stored =
      typename Join<typename PartOf<parts>::template StoredTypes<Codec, Record>...>::type::tuple;

  /// Appends the entries of the record with this key.
  template <class Codec, class Record>
  static void append(const Record& record, BytesView key, std::uint32_t index, EntryList& entries) {
    if (!(PartOf<parts>::holds(record) && ...)) return;
    const auto add = [&](const auto& element) {
      entries.begin(index);
      (PartOf<parts>::append(record, element, entries.bytes()), ...);
      if constexpr (unique) {
        entries.end_key();
        append_owner(entries.bytes(), key);
      } else {
        entries.bytes().append(key);
        entries.end_key();
      }
      if constexpr (std::tuple_size_v<Stored<Codec, Record>> != 0) {
        (append_stored<Codec>(parts, record, entries.bytes()), ...);
      }
      entries.end();
    };
    if constexpr (multi_valued) {
      (for_each<PartOf<parts>>(record, add), ...);
    } else {
      add(0);
    }
  }

  /// What the stored definition says: another one means that the entries mean something else.
  template <class Codec, class Record>
  [[nodiscard]] static std::string definition() {
    using Fields = Stored<Codec, Record>;
    std::string words = unique ? "unique" : "plain";
    if (multi_valued) words += " each";
    if (partial) words += " where";
    words.append(" ").append(Ordered::identity<Parts<Record>>());
    if constexpr (std::tuple_size_v<Fields> != 0) {
      words.append(" stores ").append(BytesView(Codec::template identity<Fields>()));
    }
    std::uint32_t revision = 1;
    ((revision = PartOf<parts>::revision != 1 ? PartOf<parts>::revision : revision), ...);
    return words + " revision " + std::to_string(revision);
  }

 private:
  template <class Part, class Record, class Use>
  static void for_each(const Record& record, const Use& use) {
    if constexpr (Part::is_each) Part::for_each(record, use);
  }

  template <class Codec, class Part, class Record>
  static void append_stored(const Part&, const Record&, std::string&) {}
  template <class Codec, auto... fields, class Record>
  static void append_stored(const StoresPart<fields...>& part, const Record& record,
                            std::string& sink) {
    Codec::encode(stored_fields(part, record), sink);
  }
};

}  // namespace varve::detail::tables

namespace varve {

/// A secondary index of a table: `Index<"by_height", &Vertex::height>`. Its parts are members and
/// pure functions of the record, and `each`, `where`, `descending`, `stores` and `revision` of
/// them. Records with the same parts stand in the order of their keys.
template <FixedText index_name, auto... parts>
struct Index : detail::tables::IndexOf<index_name, false, parts...> {};

/// The same, of which no two records may have the same parts. An empty optional is a value like
/// any other; `where` leaves out those that need not be unique.
template <FixedText index_name, auto... parts>
struct Unique : detail::tables::IndexOf<index_name, true, parts...> {};

/// The primary key of a table: members or pure functions of the record.
template <auto... parts>
struct Key {
  static_assert(sizeof...(parts) != 0, "a key has a part: Key<&Record::id>");

  template <class Record>
  using Parts = std::tuple<detail::tables::part_t<parts, Record>...>;

  /// The one part, or the tuple of all.
  template <class Record>
  using Type = std::conditional_t<sizeof...(parts) == 1, std::tuple_element_t<0, Parts<Record>>,
                                  Parts<Record>>;

  template <class Record, class Sink>
  static void append(const Record& record, Sink& sink) {
    (detail::tables::PartOf<parts>::append(record, 0, sink), ...);
  }
};

}  // namespace varve
