// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/testing/minimal_engine.hpp>

#include "tables/model.hpp"
#include "temp_directory.hpp"

#include <memory>
#include <optional>
#include <string>

using namespace varve_test;

namespace {

/// Random changes, with snapshots that are looked at later, and reopenings.
template <class Stack>
void run_model(std::uint64_t seed, int changes) {
  INFO("seed " << seed);
  Random random(seed);
  const TempDirectory directory;
  const auto open = [&] {
    if constexpr (varve::needs_directory<Stack>) {
      return std::make_unique<Stack>(varve::open<Stack>(directory.path()));
    } else {
      return std::make_unique<Stack>();
    }
  };
  auto store = open();
  std::optional<ModelledTables<Stack>> tables(std::in_place, *store);
  TableModel model;
  for (int i = 0; i != changes; ++i) {
    if constexpr (varve::SnapshotEngine<Stack>) {
      if (below(random, 16) == 0) {
        const auto snapshot = store->snapshot();
        const TableModel then = model;
        for (int more = 0; more != 5; ++more) tables->change(random, model);
        check_tables(tables->vertices.at(snapshot), tables->users.at(snapshot),
                     tables->edges.at(snapshot), then);
      }
    }
    if (varve::needs_directory<Stack> && below(random, 64) == 0) {
      tables.reset();
      store.reset();
      store = open();
      tables.emplace(*store);
      tables->check(model);
    }
    tables->change(random, model);
    if (i % 8 == 0) tables->check(model);
  }
  tables->check(model);
}

}  // namespace

TEST_CASE("Table: is what std containers say, over memory") {
  for (std::uint64_t seed = 1; seed != 9; ++seed) run_model<varve::MemoryAdapter>(seed, 200);
}

TEST_CASE("Table: is what std containers say, over an engine without snapshots") {
  run_model<varve::testing::MinimalEngine>(1, 200);
}

TEST_CASE("Table: is what std containers say, over LMDB") {
  run_model<varve::LmdbAdapter>(1, 150);
}

TEST_CASE("Table: is what std containers say, over RocksDB") {
  run_model<varve::RocksAdapter>(1, 150);
}

TEST_CASE("Table: is what std containers say, over a cache, a log and memory") {
  run_model<varve::Cached<varve::Wal<varve::MemoryAdapter>>>(1, 150);
}
