// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/tables/catalogue.hpp>
#include <varve/tables/core.hpp>
#include <varve/tables/key_locks.hpp>
#include <varve/tables/tell_history.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail::tables {

inline void count_state_change() noexcept {
  state_changes.fetch_add(1, std::memory_order_release);
}

/// Whether the reader, where it is of the past, has all entries of the index.
template <KvReader R>
[[nodiscard]] bool has_built(const R& reader, Tree index) {
  if constexpr (requires { reader.has_built(index); }) {
    return reader.has_built(index);
  } else {
    return true;
  }
}

/// Which indexes of the table can be read, as `reader` has it: a bit for each.
template <KvReader R>
[[nodiscard]] std::uint64_t readable_indexes(const R& reader, const TableCore& table) {
  std::uint64_t readable = 0;
  for (std::size_t i = 0; i != table.indexes.size(); ++i) {
    const IndexCore& index = table.indexes[i];
    const auto stored = read_index(reader, table.catalogue, table.name + "." + index.name);
    if (stored && stored->state == IndexState::readable && stored->definition == index.definition &&
        has_built(reader, index.tree)) {
      readable |= std::uint64_t{1} << i;
    }
  }
  return readable;
}

/// Keeps them with the table, which is of `reader`.
template <KvReader R>
void load_states(const R& reader, const TableCore& table) {
  const std::uint64_t changes = state_changes.load(std::memory_order_acquire);
  table.readable.store(readable_indexes(reader, table), std::memory_order_relaxed);
  table.seen.store(changes, std::memory_order_release);
}

[[noreturn]] inline void refuse_identity(const TableSchema& schema, const char* what,
                                         const std::string& stored, const std::string& compiled) {
  throw Error(ErrorKind::schema_diverged,
              {.message = std::string(what) + " is '" + stored + "' in the store and '" + compiled +
                          "' in this program: open it with the type that wrote it, or bring its "
                          "records to this one by a migration",
               .operation = "open",
               .tree = schema.name,
               .layer = "table"});
}

/// Whether the record of the table has to be written anew, since the codec reads what another one
/// wrote, or an older one of its kind.
inline bool check_identity(const TableSchema& schema, const StoredTable& stored,
                           const TableCore& table) {
  if (stored.key != schema.key) {
    refuse_identity(schema, "the type of the keys", stored.key, schema.key);
  }
  if (stored.codec == schema.codec && stored.record == schema.record) return false;
  if (table.check_stored != nullptr) {
    table.check_stored(stored.codec, stored.record);
    return true;
  }
  if (stored.codec != schema.codec) {
    refuse_identity(schema, "the codec of the records", stored.codec, schema.codec);
  }
  refuse_identity(schema, "the layout of the records", stored.record, schema.record);
}

/// The indexes that the store has of the table, by name.
template <KvReader R>
[[nodiscard]] std::vector<std::string> stored_indexes(const R& reader, Tree catalogue,
                                                      const std::string& table) {
  std::vector<std::string> names;
  const std::string prefix = table + ".";
  for (auto scan = reader.scan(catalogue, KeyRange::prefix(prefix)); scan.valid(); scan.next()) {
    names.emplace_back(scan.entry().key.substr(prefix.size()));
  }
  return names;
}

/// Opens a table for reading alone: nothing is made or changed.
template <KvReader E>
  requires HasFindTree<E>
void open_to_read(const E& engine, const TableSchema& schema, TableCore& table) {
  const auto catalogue = engine.find_tree(catalogue_tree);
  const auto text =
      catalogue ? engine.get(*catalogue, schema.name) : decltype(engine.get(Tree{}, {})){};
  if (!text) {
    throw Error(ErrorKind::invalid_argument,
                {.message = "the store has no such table: open it once on a store that can be "
                            "written, which makes it",
                 .operation = "open",
                 .tree = schema.name,
                 .layer = "table"});
  }
  static_cast<void>(check_identity(schema, parse_table(schema.name, text->view()), table));
  const auto tree_of = [&](const std::string& name) {
    if (const auto tree = engine.find_tree(name)) return *tree;
    throw Error(ErrorKind::corruption, {.message = "the tree of the table is missing",
                                        .operation = "open",
                                        .tree = name,
                                        .layer = "table"});
  };
  table.catalogue = *catalogue;
  table.records = tree_of(schema.name);
  for (std::size_t i = 0; i != table.indexes.size(); ++i) {
    // An index that this program has and the store has not is not readable.
    if (const auto tree = engine.find_tree(schema.indexes[i].tree)) table.indexes[i].tree = *tree;
  }
  load_states(engine, table);
}

/// Opens a table, and makes it where the store has none. An index that is new, or defined
/// otherwise, is emptied and begins to be built. With `adopt`, records that a program wrote without
/// a table become those of the table.
template <KvEngine E>
void open_to_write(E& engine, const TableSchema& schema, TableCore& table, bool adopt = false) {
  table.catalogue = engine.open_tree(catalogue_tree);
  const HeldCatalogue held(&engine, schema.name);

  const auto text = engine.get(table.catalogue, schema.name);
  bool empty = true;
  bool evolved = false;
  if (text) {
    evolved = check_identity(schema, parse_table(schema.name, text->view()), table);
  } else if (const auto tree = engine.find_tree(schema.name)) {
    empty = !engine.scan(*tree, KeyRange::all()).valid();
    if (!empty && !adopt) {
      throw Error(ErrorKind::schema_legacy,
                  {.message = "the tree has records and no record of a table: if they are of this "
                              "type, adopt them (Table::adopt), else name another table",
                   .operation = "open",
                   .tree = schema.name,
                   .layer = "table"});
    }
  }
  for (const std::string& name : stored_indexes(engine, table.catalogue, schema.name)) {
    bool compiled = false;
    for (const IndexSchema& index : schema.indexes) compiled = compiled || index.name == name;
    if (compiled) continue;
    throw Error(ErrorKind::schema_diverged,
                {.message = "the store has the index '" + name +
                            "', which this program does not name and would leave behind: name it, "
                            "or drop it first (varve::drop_index)",
                 .operation = "open",
                 .tree = schema.name,
                 .layer = "table"});
  }

  table.records = engine.open_tree(schema.name);
  WriteBatch batch;
  if (!text || evolved) {
    batch.put(table.catalogue, schema.name, table_text({schema.key, schema.codec, schema.record}));
  }
  for (std::size_t i = 0; i != schema.indexes.size(); ++i) {
    const IndexSchema& index = schema.indexes[i];
    table.indexes[i].tree = engine.open_tree(index.tree);
    const auto stored = read_index(engine, table.catalogue, index.tree);
    if (stored && stored->definition == index.definition) continue;
    if (stored) end_rollbacks(engine);
    const bool complete = !text && empty;
    const auto state = complete ? IndexState::readable : IndexState::building;
    batch.erase_range(table.indexes[i].tree, KeyRange::all());
    batch.put(table.catalogue, index.tree, index_text({index.definition, state, {}}));
  }
  if (!batch.empty()) {
    engine.write(batch, Durability::synced);
    count_state_change();
  }
  load_states(engine, table);
}

}  // namespace varve::detail::tables

namespace varve {

/// Removes an index from a store, its entries and its record: for one that programs no longer name.
/// No handle on a table type that names it may be in use. Errors: `invalid_argument` where the
/// store has no such index.
template <KvEngine E>
void drop_index(E& engine, BytesView table, BytesView index) {
  namespace tables = detail::tables;
  const std::string name = std::string(table) + "." + std::string(index);
  const tables::HeldCatalogue held(&engine, table);
  const auto catalogue = engine.find_tree(tables::catalogue_tree);
  if (!catalogue || !engine.contains(*catalogue, name)) {
    throw Error(ErrorKind::invalid_argument,
                {.message = "the store has no such index; recorded_tables lists those it has",
                 .operation = "drop_index",
                 .tree = name,
                 .layer = "table"});
  }
  WriteBatch batch;
  const auto tree = engine.find_tree(name);
  if (tree) batch.erase_range(*tree, KeyRange::all());
  batch.erase(*catalogue, name);
  engine.write(batch, Durability::synced);
  tables::count_state_change();
  if (tree) engine.drop_tree(*tree);
}

}  // namespace varve
