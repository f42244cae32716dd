// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/codec.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/tables/access.hpp>
#include <varve/tables/build.hpp>
#include <varve/tables/opening.hpp>
#include <varve/tables/query.hpp>
#include <varve/tables/record_view.hpp>
#include <varve/tables/table_batch.hpp>
#include <varve/tables/verify.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace varve {

/// A handle on a table in a store, or in something else that can be read. It is cheap to copy, and
/// the source must outlive it and stay where it is.
///
/// Threads  any number may use one handle, or several on one store. Writers of one record wait for
///          each other, from the reading of the old record until the write is done; so the indexes
///          are right whatever is written at once. All writes of one store go through one object,
///          not through a layer and the layer below it.
/// Errors   those of the source; `corruption` where stored bytes are no record; `UniqueViolation`.
template <class TableType, class Source>
class TableHandle {
  using Reader = std::remove_const_t<Source>;
  using Record = typename TableType::Record;
  using Codec = typename TableType::Codec;
  using KeyType = typename TableType::KeyType;
  using KeyParts = typename TableType::KeyParts;
  using Pinned = pinned_t<Reader>;
  using KeyBuffer = detail::tables::key_buffer_t<KeyParts>;
  static constexpr std::size_t index_count = std::tuple_size_v<typename TableType::Indexes>;
  static constexpr bool writable = KvEngine<Source> && !std::is_const_v<Source>;

 public:
  /// Opens the table, and makes it where a store that can be written has none. What is stored of
  /// it is compared with the type. An index that is new is to be built: `build_indexes`.
  /// Errors: `schema_diverged` where the types of the stored keys or records are others, or where
  /// the store has an index that this type does not name; `schema_legacy` where the tree has
  /// records that no table wrote; `invalid_argument` where a source that is only read has no such
  /// table. The message says what differs and what to do.
  explicit TableHandle(Source& source) : source_(&source), table_(open(source)) {}

  /// The table as another reader of the same store has it, such as a snapshot, which must outlive
  /// what is returned.
  template <KvReader Other>
  [[nodiscard]] TableHandle<TableType, const Other> at(const Other& reader) const {
    auto table = TableType::core();
    table->catalogue = table_->catalogue;
    table->records = table_->records;
    for (std::size_t i = 0; i != table->indexes.size(); ++i) {
      table->indexes[i].tree = table_->indexes[i].tree;
    }
    detail::tables::load_states(reader, *table);
    return TableHandle<TableType, const Other>(reader, std::move(table));
  }
  template <KvReader Other>
  void at(const Other&& reader) const = delete;  // it would not outlive the table

  // One record

  /// The record with this key: `get(id)`, or `get(x, y)` for a key of two parts.
  template <class... Parts>
  [[nodiscard]] std::optional<Record> get(const Parts&... key) const {
    const auto pinned = read(key...);
    if (!pinned) return std::nullopt;
    return Codec::template decode<Record>(pinned->view());
  }

  /// The same in place, without a copy: `view(id)->get<&Vertex::payload>()`.
  template <class... Parts>
  [[nodiscard]] auto view(const Parts&... key) const {
    static_assert(
        ViewCodecFor<Codec, Record>,
        "the codec of this table has no view of its records: use get, or a codec that has "
        "one");
    using View = decltype(Codec::template view<Record>(BytesView{}));
    return RecordView<Pinned, View>(
        [&] { return read(key...); },
        [](BytesView bytes) { return Codec::template view<Record>(bytes); });
  }

  template <class... Parts>
  [[nodiscard]] bool contains(const Parts&... key) const {
    KeyBuffer bytes;
    append_key(bytes, key...);
    return source_->contains(table_->records, bytes.view());
  }

  /// Writes the record under its key, over the one that is there, and changes the entries of the
  /// indexes that differ, in one atomic batch.
  void put(const Record& record, Durability durability = Durability::synced) const {
    require_writable();
    detail::tables::BorrowedScratch borrowed;
    detail::tables::WriteScratch& scratch = *borrowed;
    if constexpr (index_count == 0) {
      put_into(scratch.batch, record, scratch.record);
      source_->write(scratch.batch, durability);
    } else {
      scratch.changes.template put<TableType>(*table_, record);
      write(scratch, durability);
    }
  }

  /// The same when the batch is written.
  template <KvEngine Engine>
  void put(TableBatch<Engine>& batch, const Record& record) const {
    require_store_of<Engine>();
    detail::tables::BatchAccess::changes(batch, *source_, table_)
        .template put<TableType>(*table_, record);
  }

  /// The same, for a table without indexes, which need not know what a record replaces.
  void put(WriteBatch& batch, const Record& record) const {
    require_no_index();
    std::string bytes;
    put_into(batch, record, bytes);
  }

  /// Removes the record with this key and its index entries; nothing happens where there is none.
  /// A `Durability` may follow the key: `erase(id, Durability::buffered)`.
  template <class... Parts>
  void erase(const Parts&... key) const {
    require_writable();
    if constexpr (detail::tables::ends_with_durability<Parts...>) {
      [&]<std::size_t... i>(std::index_sequence<i...>, const auto& given) {
        erase_key(std::get<sizeof...(i)>(given), std::get<i>(given)...);
      }(std::make_index_sequence<sizeof...(Parts) - 1>(), std::tie(key...));
    } else {
      erase_key(Durability::synced, key...);
    }
  }
  template <KvEngine Engine, class... Parts>
  void erase(TableBatch<Engine>& batch, const Parts&... key) const {
    require_store_of<Engine>();
    KeyBuffer bytes;
    append_key(bytes, key...);
    detail::tables::BatchAccess::changes(batch, *source_, table_).erase(*table_, bytes.view());
  }
  template <class... Parts>
  void erase(WriteBatch& batch, const Parts&... key) const {
    require_no_index();
    KeyBuffer bytes;
    append_key(bytes, key...);
    batch.erase(table_->records, bytes.view());
  }

  // Many records

  /// All records in the order of their keys.
  [[nodiscard]] auto all() const {
    return Query<Reader, detail::tables::PrimaryAccess<TableType>>(*source_, table_);
  }
  /// Those with keys at and after `first` and before `last`.
  template <class First, class Last>
  [[nodiscard]] auto between(const First& first, const Last& last) const {
    return all().between(first, last);
  }
  /// Those whose keys begin with these parts.
  template <class... Parts>
  [[nodiscard]] auto prefix(const Parts&... parts) const {
    return all().prefix(parts...);
  }
  [[nodiscard]] std::uint64_t count() const { return all().count(); }

  /// All records in the order of an index: `by<"by_height">().equal(100)`.
  template <FixedText index_name>
  [[nodiscard]] auto by() const {
    constexpr std::size_t number = TableType::template index_number<index_name>();
    return Query<Reader, detail::tables::IndexAccess<TableType, number>>(*source_, table_);
  }

  // Indexes

  template <FixedText index_name>
  [[nodiscard]] IndexState index_state() const {
    const auto& index = table_->indexes[TableType::template index_number<index_name>()];
    const auto stored =
        detail::tables::read_index(*source_, table_->catalogue, table_->name + "." + index.name);
    return stored ? stored->state : IndexState::absent;
  }

  /// Builds every index that is not readable, while others read and write. May be stopped at any
  /// time, by the death of the process too: the next call goes on. Calls at once share the work.
  /// Errors: `UniqueViolation` where two records want one entry; mend them and call again.
  void build_indexes() const {
    while (build_step(256)) {
    }
  }

  /// Adds at most so many records to an index that is being built. Answers whether more is to be
  /// done.
  bool build_step(std::size_t records) const {
    require_writable();
    return detail::tables::build_step<TableType>(*source_, *table_, records);
  }

  /// Empties an index and builds it anew. Until that is done it answers no query.
  template <FixedText index_name>
  void rebuild() const {
    require_writable();
    detail::tables::start_building(*source_, *table_,
                                   TableType::template index_number<index_name>());
    build_indexes();
  }

  /// Compares every record with every readable index, both ways. Of one state where the source has
  /// snapshots; else nobody may write meanwhile.
  [[nodiscard]] IndexReport verify_indexes(std::size_t most_problems = 100) const {
    return detail::tables::verify<TableType>(*source_, *table_, most_problems);
  }

  // What it is

  [[nodiscard]] Source& source() const noexcept { return *source_; }
  [[nodiscard]] Tree tree() const noexcept { return table_->records; }

 private:
  template <class, class>
  friend class TableHandle;

  TableHandle(Source& source, std::shared_ptr<const detail::tables::TableCore> table) noexcept
      : source_(&source), table_(std::move(table)) {}

  static std::shared_ptr<const detail::tables::TableCore> open(Source& source) {
    auto table = TableType::core();
    if constexpr (writable) {
      detail::tables::open_to_write(source, TableType::schema(), *table);
    } else if constexpr (detail::HasFindTree<Reader>) {
      detail::tables::open_to_read(source, TableType::schema(), *table);
    } else {
      static_assert(detail::HasFindTree<Reader>,
                    "a snapshot does not know trees by name: make the table on its store, and ask "
                    "that for table.at(snapshot)");
    }
    return table;
  }

  static constexpr void require_writable() {
    static_assert(writable,
                  "this table is read only, since what it is on cannot be written: a snapshot, a "
                  "past height or a const store; write through a table on the store itself");
  }

  template <class Engine>
  static constexpr void require_store_of() {
    require_writable();
    static_assert(std::same_as<Engine, Source>, "the batch is of another type of store");
  }

  static constexpr void require_no_index() {
    static_assert(index_count == 0,
                  "a table with indexes cannot be changed by a plain WriteBatch, which does not "
                  "know what its records replace: put into a varve::TableBatch and write that");
  }

  void put_into(WriteBatch& batch, const Record& record, std::string& room) const {
    KeyBuffer key;
    TableType::Key::append(record, key);
    Codec::encode(record, room);
    batch.put(table_->records, key.view(), room);
  }

  template <class... Parts>
  void erase_key(Durability durability, const Parts&... key) const {
    KeyBuffer bytes;
    append_key(bytes, key...);
    detail::tables::BorrowedScratch scratch;
    if constexpr (index_count == 0) {
      (*scratch).batch.erase(table_->records, bytes.view());
      source_->write((*scratch).batch, durability);
    } else {
      (*scratch).changes.erase(*table_, bytes.view());
      write(*scratch, durability);
    }
  }

  void write(detail::tables::WriteScratch& scratch, Durability durability) const {
    detail::tables::ChangeWriter(*source_, scratch.changes, scratch)
        .run(source_, WriteBatch(),
             [&](const WriteBatch& batch) { source_->write(batch, durability); });
  }

  template <class Sink, class... Parts>
  static void append_key(Sink& sink, const Parts&... parts) {
    if constexpr (sizeof...(Parts) == 1 && (std::convertible_to<const Parts&, KeyType> && ...)) {
      (Ordered::encode(static_cast<const KeyType&>(parts), sink), ...);
    } else {
      static_assert(sizeof...(Parts) == std::tuple_size_v<KeyParts>,
                    "a key is given whole: every part of it, or the tuple of its parts");
      [&]<std::size_t... i>(std::index_sequence<i...>) {
        (Ordered::encode(static_cast<const std::tuple_element_t<i, KeyParts>&>(parts), sink), ...);
      }(std::index_sequence_for<Parts...>());
    }
  }

  template <class... Parts>
  [[nodiscard]] std::optional<Pinned> read(const Parts&... key) const {
    KeyBuffer bytes;
    append_key(bytes, key...);
    return source_->get(table_->records, bytes.view());
  }

  Source* source_;
  std::shared_ptr<const detail::tables::TableCore> table_;
};

}  // namespace varve
