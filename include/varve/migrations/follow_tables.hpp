// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/ordered.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/evolving.hpp>
#include <varve/tables/catalogue.hpp>
#include <varve/tables/opening.hpp>

#include <optional>
#include <string>

// What a store has recorded of tables (docs/formats/tables.md) follows their records. Each function
// adds to the batch that makes a change of the records known, where the tree is that of a table.
namespace varve::detail {

/// What is recorded of the table of this name; nothing where the tree is no table.
template <KvEngine E>
[[nodiscard]] std::optional<tables::StoredTable> stored_table(E& engine, BytesView name) {
  const auto catalogue = engine.find_tree(tables::catalogue_tree);
  if (!catalogue) return std::nullopt;
  const auto text = engine.get(*catalogue, name);
  if (!text) return std::nullopt;
  return tables::parse_table(name, text->view());
}

/// Its indexes are empty, and to be built.
template <KvEngine E>
void reset_indexes(E& engine, WriteBatch& batch, BytesView table) {
  const auto catalogue = engine.find_tree(tables::catalogue_tree);
  if (!catalogue) return;
  const std::string name(table);
  for (const std::string& index : tables::stored_indexes(engine, *catalogue, name)) {
    const std::string full = name + "." + index;
    const auto stored = tables::read_index(engine, *catalogue, full);
    if (const auto tree = engine.find_tree(full)) batch.erase_range(*tree, KeyRange::all());
    batch.put(*catalogue, full, tables::index_text({stored->definition, IndexState::building, {}}));
  }
}

/// One index goes, or all of them and the table.
template <KvEngine E>
void forget_index(E& engine, WriteBatch& batch, BytesView table, BytesView index) {
  const auto catalogue = engine.find_tree(tables::catalogue_tree);
  if (!catalogue) return;
  const std::string full = std::string(table).append(".").append(index);
  if (const auto tree = engine.find_tree(full)) batch.erase_range(*tree, KeyRange::all());
  batch.erase(*catalogue, full);
}

template <KvEngine E>
void forget_table(E& engine, WriteBatch& batch, BytesView table) {
  const auto catalogue = engine.find_tree(tables::catalogue_tree);
  if (!catalogue || !engine.contains(*catalogue, table)) return;
  for (const std::string& index : tables::stored_indexes(engine, *catalogue, std::string(table))) {
    forget_index(engine, batch, table, index);
  }
  batch.erase(*catalogue, table);
}

template <class Chain, class RecordTree>
[[nodiscard]] std::string table_text_of(const std::string& key) {
  using C = Evolving<Chain, RecordTree>;
  return tables::table_text({key, std::string(BytesView(C::name)),
                             std::string(C::template identity<typename C::Record>())});
}

/// The records of the tree have the newest layout of the chain, or are read as such.
template <class Chain, class RecordTree, KvEngine E>
void follow_rewrite(E& engine, WriteBatch& batch, bool keeps_indexes) {
  const auto stored = stored_table(engine, RecordTree::name);
  if (!stored) return;
  if constexpr (layouts_at_t<Chain, RecordTree::text, Chain::latest>::size != 0) {
    batch.put(*engine.find_tree(tables::catalogue_tree), RecordTree::name,
              table_text_of<Chain, RecordTree>(stored->key));
  }
  if (!keeps_indexes) reset_indexes(engine, batch, RecordTree::name);
}

/// The records of a table have moved, to one of the key type of `To`.
template <class Chain, class From, class To, KvEngine E>
void follow_move(E& engine, WriteBatch& batch) {
  if (!stored_table(engine, From::name)) return;
  if constexpr (layouts_at_t<Chain, To::text, Chain::latest>::size != 0) {
    batch.put(*engine.find_tree(tables::catalogue_tree), To::name,
              table_text_of<Chain, To>(std::string(Ordered::identity<typename To::Key>())));
  }
  reset_indexes(engine, batch, To::name);
}

/// The move is taken back. The program of that version, whose codec reads the records, records what
/// it is when it opens the table.
template <class From, class To, KvEngine E>
void follow_move_back(E& engine, WriteBatch& batch) {
  if (!stored_table(engine, To::name)) return;
  batch.put(*engine.find_tree(tables::catalogue_tree), From::name,
            tables::table_text({std::string(Ordered::identity<typename From::Key>()), "evolving",
                                "of a version before"}));
  forget_table(engine, batch, To::name);
}

}  // namespace varve::detail
