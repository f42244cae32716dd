// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/ordered.hpp>
#include <varve/concepts/durability.hpp>
#include <varve/concepts/entry.hpp>
#include <varve/tables/core.hpp>
#include <varve/tables/key_buffer.hpp>
#include <varve/tables/opening.hpp>
#include <varve/tables/unique_value.hpp>

#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>

namespace varve {

/// An entry of an index, without its record.
template <class Parts, class Key, class Stored>
struct IndexEntry {
  Parts parts;    ///< a tuple: what the index is over
  Key key;        ///< of the record
  Stored stored;  ///< a tuple: the fields of `stores`

  friend bool operator==(const IndexEntry&, const IndexEntry&) = default;
};

}  // namespace varve

namespace varve::detail::tables {

/// The bytes of every key of this type, where all have as many; else 0.
template <class T>
struct FixedKeyBytes {
  static constexpr std::size_t value = 0;
};
template <ordered::FixedPart T>
struct FixedKeyBytes<T> {
  static constexpr std::size_t value = ordered::Part<T>::bytes;
};
template <class T, std::size_t count>
struct FixedKeyBytes<std::array<T, count>> {
  static constexpr std::size_t value = count * FixedKeyBytes<T>::value;
};
template <class... T>
struct FixedKeyBytes<std::tuple<T...>> {
  static constexpr std::size_t value = ((FixedKeyBytes<T>::value != 0) && ...)
                                           ? (std::size_t{0} + ... + FixedKeyBytes<T>::value)
                                           : 0;
};

/// The sink for keys of this type.
template <class T>
using key_buffer_t = std::conditional_t<FixedKeyBytes<T>::value != 0,
                                        FixedKeyBuffer<FixedKeyBytes<T>::value + 1>, KeyBuffer>;

/// Whether arguments end with how durable a write is to be.
template <class... Given>
inline constexpr bool ends_with_durability = (false, ..., std::is_same_v<Given, Durability>);

template <class Tuple, class... Last>
struct WithLast;
template <class... T, class... Last>
struct WithLast<std::tuple<T...>, Last...> {
  using type = std::tuple<T..., Last...>;
};

/// The records of a table in the order of their keys.
template <class TableType>
struct PrimaryAccess {
  using Table = TableType;
  using Parts = typename Table::KeyParts;
  static constexpr bool is_index = false;

  static Tree tree(const TableCore& table) noexcept { return table.records; }
  static const std::string& name(const TableCore& table) noexcept { return table.name; }

  template <class Reader>
  static void require_readable(const Reader&, const TableCore&) noexcept {}

  static typename Table::KeyType key(Entry entry) {
    return Ordered::decode<typename Table::KeyType>(entry.key);
  }
};

/// The entries of an index.
template <class TableType, std::size_t number>
struct IndexAccess {
  using Table = TableType;
  using Index = std::tuple_element_t<number, typename Table::Indexes>;
  using Record = typename Table::Record;
  using Key = typename Table::KeyType;
  using Parts = typename Index::template Parts<Record>;
  using Stored = typename Index::template Stored<typename Table::Codec, Record>;
  using Row = IndexEntry<Parts, Key, Stored>;
  using PartsAndKey = typename WithLast<Parts, Key>::type;
  static constexpr bool is_index = true;

  static Tree tree(const TableCore& table) noexcept { return table.indexes[number].tree; }
  static const std::string& name(const TableCore& table) noexcept {
    return table.indexes[number].name;
  }

  /// Errors: `busy` where the index is not readable.
  template <class Reader>
  static void require_readable(const Reader& reader, const TableCore& table) {
    if (table.seen.load(std::memory_order_acquire) !=
        state_changes.load(std::memory_order_acquire)) {
      load_states(reader, table);
    }
    if ((table.readable.load(std::memory_order_relaxed) >> number & 1U) != 0) return;
    constexpr bool past = requires { reader.has_built(Tree{}); };
    throw Error(ErrorKind::busy,
                {.message = "the index '" + table.indexes[number].name +
                            (past ? "' was not complete at this height: read the records"
                                  : "' is not readable yet: build_indexes() builds it"),
                 .operation = "by",
                 .tree = table.name,
                 .layer = "table"});
  }

  /// The bytes of the key of the record. `room` keeps them where the entry does not.
  static BytesView key_bytes(Entry entry, KeyBuffer& room) {
    if constexpr (Index::unique) {
      return split_owner(entry.value).owner;
    } else if constexpr (constexpr std::size_t size = FixedKeyBytes<Key>::value; size != 0) {
      if (entry.key.size() >= size) return entry.key.substr(entry.key.size() - size);
      ordered::refuse_key("they end too soon");
    } else {
      room.clear();
      const auto whole = Ordered::decode<PartsAndKey>(entry.key);
      Ordered::encode(std::get<std::tuple_size_v<Parts>>(whole), room);
      return room.view();
    }
  }

  static Key key(Entry entry) {
    KeyBuffer room;
    return Ordered::decode<Key>(key_bytes(entry, room));
  }

  static Row row(Entry entry) {
    BytesView fields = entry.value;
    Row row{};
    if constexpr (Index::unique) {
      fields = split_owner(entry.value).fields;
      row.parts = Ordered::decode<Parts>(entry.key);
      row.key = key(entry);
    } else {
      auto whole = Ordered::decode<PartsAndKey>(entry.key);
      row.key = std::move(std::get<std::tuple_size_v<Parts>>(whole));
      take_parts(row.parts, whole, std::make_index_sequence<std::tuple_size_v<Parts>>());
    }
    if constexpr (std::tuple_size_v<Stored> != 0) {
      row.stored = Table::Codec::template decode<Stored>(fields);
    }
    return row;
  }

 private:
  template <std::size_t... i>
  static void take_parts(Parts& parts, PartsAndKey& whole, std::index_sequence<i...>) {
    ((std::get<i>(parts) = std::move(std::get<i>(whole))), ...);
  }
};

/// What the keys of a tree start with, for parts that are given from the first on: one after the
/// other, or as a tuple.
template <class Parts, class... Given>
[[nodiscard]] std::string bound(const Given&... given) {
  return leading<Parts>(given...);
}

template <class Parts, class... Given>
  requires(!std::is_convertible_v<const std::tuple<Given...>&, std::tuple_element_t<0, Parts>>)
[[nodiscard]] std::string bound(const std::tuple<Given...>& given) {
  return std::apply([](const auto&... each) { return leading<Parts>(each...); }, given);
}

}  // namespace varve::detail::tables
