// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/catalogue.hpp>
#include <varve/adapters/lmdb/engine.hpp>
#include <varve/adapters/lmdb/error.hpp>
#include <varve/adapters/lmdb/write_transaction.hpp>
#include <varve/adapters/lmdb/writer.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/durability.hpp>
#include <varve/concepts/error.hpp>
#include <varve/concepts/limits.hpp>
#include <varve/concepts/tree.hpp>

#include <lmdb.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace varve::lmdb {

[[nodiscard]] inline Error tree_failure(int code, BytesView operation, const std::string& name) {
  return engine_error(code, operation, name,
                      code == MDB_NOTFOUND ? "the catalogue names a tree whose database is gone; "
                                             "restore a backup"
                                           : std::string());
}

[[nodiscard]] inline std::vector<CatalogueEntry> read_catalogue(MDB_env* environment) {
  MDB_txn* transaction = nullptr;
  check(mdb_txn_begin(environment, nullptr, MDB_RDONLY, &transaction), "open");
  const std::unique_ptr<MDB_txn, void (*)(MDB_txn*)> end(transaction, mdb_txn_abort);
  const auto catalogue = Catalogue::open(transaction, 0);
  return catalogue ? catalogue->entries() : std::vector<CatalogueEntry>();
}

/// Deletes the databases of trees that were dropped, where the name is not in use again. Nobody may
/// be reading.
inline void delete_dropped(MDB_env* environment, const std::vector<CatalogueEntry>& entries) {
  std::set<BytesView> alive;
  std::size_t dropped = 0;
  for (const CatalogueEntry& entry : entries) {
    if (entry.dropped) ++dropped;
    if (!entry.dropped) alive.insert(entry.name);
  }
  if (dropped == 0) return;
  WriteTransaction transaction(environment, Durability::synced);
  const auto catalogue = Catalogue::open(transaction.get(), MDB_CREATE);
  for (const CatalogueEntry& entry : entries) {
    if (!entry.dropped) continue;
    catalogue->erase(entry.number);
    if (alive.count(entry.name) != 0) continue;
    MDB_dbi database = no_database;
    const int code = mdb_dbi_open(transaction.get(), entry.name.c_str(), 0, &database);
    if (code == MDB_NOTFOUND) continue;
    if (code != MDB_SUCCESS) throw tree_failure(code, "open", entry.name);
    check(mdb_drop(transaction.get(), database, 1), "open");
  }
  check(transaction.commit(), "open");
  catalogue->close(environment);
}

/// Makes the trees of a store known when it is opened.
inline void load_trees(Engine& engine) {
  MDB_env* const environment = engine.environment.get();
  const std::vector<CatalogueEntry> entries = read_catalogue(environment);
  delete_dropped(environment, entries);
  MDB_txn* transaction = nullptr;
  check(mdb_txn_begin(environment, nullptr, MDB_RDONLY, &transaction), "open");
  std::unique_ptr<MDB_txn, void (*)(MDB_txn*)> abort(transaction, mdb_txn_abort);
  for (const CatalogueEntry& entry : entries) {
    if (entry.dropped) continue;
    MDB_dbi database = no_database;
    const int code = mdb_dbi_open(transaction, entry.name.c_str(), 0, &database);
    if (code != MDB_SUCCESS) throw tree_failure(code, "open", entry.name);
    engine.trees.add(engine.trees.prepare(entry.number, entry.name, database, 0));
  }
  // The handles stay open only where the transaction in which they were opened is committed.
  check(mdb_txn_commit(abort.release()), "open");
}

/// Makes a tree, in the writer's place.
inline Tree make_tree(Engine& engine, const std::string& name) {
  MDB_env* const environment = engine.environment.get();
  engine.readers.retire();
  WriteTransaction transaction(environment, Durability::synced);
  MDB_dbi database = no_database;
  int code = mdb_dbi_open(transaction.get(), name.c_str(), MDB_CREATE, &database);
  unsigned flags = 0;
  if (code == MDB_SUCCESS) code = mdb_dbi_flags(transaction.get(), database, &flags);
  if (code == MDB_SUCCESS && flags != 0) code = MDB_INCOMPATIBLE;
  if (code != MDB_SUCCESS) throw engine_error(code, "open_tree", name);

  const auto catalogue = Catalogue::open(transaction.get(), MDB_CREATE);
  const std::uint32_t number = catalogue->next_number();
  if (number > Tree::max_number) throw engine_error(MDB_DBS_FULL, "open_tree", name);
  catalogue->set_next_number(number + 1);
  catalogue->store_alive(number, name);

  const std::uint64_t born = transaction.number();
  auto prepared = engine.trees.prepare(number, name, database, born);
  code = transaction.commit();
  if (code != MDB_SUCCESS) throw failed_commit(engine, code, "open_tree");
  catalogue->close(environment);
  committed(engine, born, Durability::synced, 0);
  return engine.trees.add(std::move(prepared));
}

/// Frees the handles of trees that were dropped, if nobody reads.
inline bool free_handles(Engine& engine) {
  std::exception_ptr failure;
  const bool quiet = engine.readers.while_quiet(patience, [&] {
    try {
      delete_dropped(engine.environment.get(), read_catalogue(engine.environment.get()));
    } catch (...) {
      failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
  return quiet;
}

/// The tree of that name, made where it is not there. What another program has put into a database
/// of that name becomes the content of the tree.
inline Tree open_tree(Engine& engine, BytesView name) {
  engine.readers.fork_guard().check("open_tree", engine_name);
  check_tree_name(name, engine_name);
  if (const auto tree = engine.trees.find(name)) return *tree;
  const WriterPlace place(engine, "open_tree");
  if (const auto tree = engine.trees.find(name)) return *tree;
  engine.check_writable("open_tree");
  const std::string text(name);
  if (engine.trees.size() >= engine.options.max_trees) {
    throw engine_error(MDB_DBS_FULL, "open_tree", text);
  }
  for (bool tried = false;; tried = true) {
    try {
      return make_tree(engine, text);
    } catch (const Error& error) {
      const int code = error.details().engine_code;
      if (tried) throw;
      if (code == MDB_DBS_FULL && free_handles(engine)) continue;
      if (code == MDB_MAP_FULL && grow_map(engine, engine.environment.map_bytes() + 1, patience)) {
        continue;
      }
      throw;
    }
  }
}

}  // namespace varve::lmdb
