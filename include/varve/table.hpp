// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/fixed_text.hpp>
#include <varve/concepts/codec.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/tables/index.hpp>
#include <varve/tables/opening.hpp>
#include <varve/tables/schema.hpp>
#include <varve/tables/table_handle.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

namespace varve {

/// Typed records under typed keys, with secondary indexes. docs/guide/tables.md.
///
///   using Vertices = varve::Table<"vertices", varve::Key<&Vertex::id>, Vertex, varve::Packed,
///                                 varve::Index<"by_height", &Vertex::height>,
///                                 varve::Index<"by_parent", varve::each<&Vertex::parents>>>;
///   Vertices::On vertices{store};
///
/// A table is a type; `On` is a handle on it in a store. Its records lie in the tree of its name,
/// the entries of an index in the tree `table.index`, both under `Ordered` keys:
/// docs/formats/tables.md. Key parts, conditions and functions of indexes are pure functions of
/// the record.
template <FixedText table_name, class KeyList, class RecordType, Codec RecordCodec,
          class... IndexList>
struct Table {
  static constexpr auto text = table_name;
  static constexpr BytesView name = text.view();

  using Key = KeyList;
  using Record = RecordType;
  using Codec = RecordCodec;
  using KeyParts = typename KeyList::template Parts<Record>;
  using KeyType = typename KeyList::template Type<Record>;
  using Indexes = std::tuple<IndexList...>;

  static_assert(detail::tables::good_name(name),
                "the name of a table is of letters, digits, '_' and '-'");
  static_assert(assert_codec_for<RecordCodec, RecordType>());
  static_assert(sizeof...(IndexList) <= 64, "a table has at most 64 indexes");

  /// The number of the index with this name.
  template <FixedText index_name>
  [[nodiscard]] static consteval std::size_t index_number() {
    constexpr std::array<BytesView, sizeof...(IndexList) + 1> names{IndexList::name..., ""};
    constexpr std::size_t found = [&] {
      std::size_t i = 0;
      while (i != sizeof...(IndexList) && names[i] != index_name.view()) ++i;
      return i;
    }();
    static_assert(found != sizeof...(IndexList), "the table has no index of this name");
    return found;
  }

  /// What the table is, without a store.
  [[nodiscard]] static TableSchema schema() {
    const std::string own(name);
    return {own,
            std::string(Ordered::identity<KeyType>()),
            std::string(BytesView(Codec::name)),
            std::string(BytesView(Codec::template identity<Record>())),
            {IndexSchema{std::string(IndexList::name), own + "." + std::string(IndexList::name),
                         IndexList::template definition<Codec, Record>(), IndexList::unique,
                         IndexState::absent}...}};
  }

  /// Appends the index entries of the record with this key, in order.
  static void append_entries(const Record& record, BytesView key,
                             detail::tables::EntryList& entries) {
    const std::size_t first = entries.size();
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      (IndexList::template append<Codec>(record, key, static_cast<std::uint32_t>(i), entries), ...);
    }(std::index_sequence_for<IndexList...>());
    entries.sort_from(first);
  }

  /// Makes the records of a tree that a program wrote without a table those of this table, after
  /// reading every one. Its indexes are then to be built.
  /// Errors: `corruption` where a record is not of this type or lies under another key; those of
  /// opening.
  template <KvEngine E>
  static void adopt(E& engine) {
    if (const auto tree = engine.find_tree(name)) {
      for (auto scan = engine.scan(*tree, KeyRange::all()); scan.valid(); scan.next()) {
        std::string key;
        Key::append(Codec::template decode<Record>(scan.entry().value), key);
        if (key == scan.entry().key) continue;
        throw Error(ErrorKind::corruption,
                    {.message = "a record lies under a key that is not its own: it is of another "
                                "type, and nothing was adopted",
                     .operation = "adopt",
                     .tree = std::string(name),
                     .layer = "table"});
      }
    }
    const auto table = core();
    detail::tables::open_to_write(engine, schema(), *table, true);
  }

  /// A handle on the table in a store: tables/table_handle.hpp.
  template <class Source>
  class On : public TableHandle<Table, Source> {
   public:
    explicit On(Source& source) : TableHandle<Table, Source>(source) {}
  };
  template <class Source>
  On(Source&) -> On<Source>;

  /// What handles share: not yet open.
  [[nodiscard]] static std::shared_ptr<detail::tables::TableCore> core() {
    auto made = std::make_shared<detail::tables::TableCore>();
    made->name = name;
    for (IndexSchema& index : schema().indexes) {
      made->indexes.push_back(
          {std::move(index.name), std::move(index.definition), Tree{}, index.unique});
    }
    made->entries_of = [](BytesView key, BytesView record, detail::tables::EntryList& entries) {
      append_entries(Codec::template decode<Record>(record), key, entries);
    };
    if constexpr (EvolvingCodecFor<Codec, Record>) {
      made->check_stored = [](BytesView codec, BytesView identity) {
        Codec::template check_stored<Record>(codec, identity);
      };
    }
    return made;
  }
};

}  // namespace varve
