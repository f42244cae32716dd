// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/testing/simulated_file_system.hpp>

#include "tables/model.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>

using namespace varve_test;
using varve::testing::DiskOperation;
using varve::testing::SimulatedFileSystem;

namespace {

using Store = varve::Wal<varve::MemoryAdapter, SimulatedFileSystem>;

Store open_store(const SimulatedFileSystem& disk) {
  return varve::open<Store>("db", varve::WalOptions{}, disk);
}

/// What a store holds, read through its tables.
template <class Tables>
TableModel read_all(const Tables& tables) {
  TableModel model;
  for (const Vertex& v : tables.vertices.all()) model.vertices[v.id] = v;
  for (const User& user : tables.users.all()) model.users[user.name] = user;
  for (const EdgeRecord& edge : tables.edges.all()) model.edges[{edge.from, edge.to}] = edge;
  return model;
}

using Wider =
    varve::Table<"users", varve::Key<&User::name>, User, Plain,
                 varve::Unique<"by_email", &User::email>, varve::Index<"by_age", &User::age>,
                 varve::Index<"by_age_and_email", &User::age, &User::email>>;

}  // namespace

TEST_CASE("Table: a crash in the middle leaves records and indexes as before or as after") {
  std::size_t crashes = 0;
  std::size_t after_count = 0;
  for (std::uint64_t seed = 1; seed != 4; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    SimulatedFileSystem disk;
    Store store = open_store(disk);
    ModelledTables<Store> tables(store);
    TableModel model;
    std::vector<SimulatedFileSystem> left;
    bool watching = true;
    disk.watch([&](DiskOperation) {
      if (!watching) return;
      left.push_back(disk.after_crash(varve::testing::crash_shape(left.size(), random())));
      left.push_back(disk.after_crash(varve::testing::crash_shape(left.size() + 7, random())));
    });
    for (int i = 0; i != 40; ++i) {
      const TableModel before = model;
      left.clear();
      tables.change(random, model);
      watching = false;
      for (const SimulatedFileSystem& found : left) {
        ++crashes;
        Store recovered = open_store(found);
        const ModelledTables<Store> then(recovered);
        const TableModel held = read_all(then);
        CHECK((held == before || held == model));
        if (held == model && !(held == before)) ++after_count;
        then.check(held);
      }
      watching = true;
    }
  }
  std::printf("figures: tables: %zu crashes, %zu kept the write that was under way\n", crashes,
              after_count);
  CHECK(crashes > 100);
  CHECK(after_count > 10);
}

TEST_CASE("Table: an index whose building was cut off by a crash is built on") {
  SimulatedFileSystem disk;
  Store store = open_store(disk);
  {
    const Users::On users{store};
    for (std::uint32_t i = 0; i != 40; ++i) {
      users.put({"user" + std::to_string(i), "e" + std::to_string(i), i % 5});
    }
  }
  std::vector<SimulatedFileSystem> left;
  disk.watch([&](DiskOperation) {
    left.push_back(disk.after_crash(varve::testing::crash_shape(left.size(), left.size())));
  });
  const Wider::On wider{store};
  while (wider.build_step(7)) {
  }
  disk.watch({});
  std::size_t part_built = 0;
  for (const SimulatedFileSystem& found : left) {
    Store recovered = open_store(found);
    const Wider::On users{recovered};
    const varve::Tree entries = *recovered.find_tree("users.by_age_and_email");
    if (users.index_state<"by_age_and_email">() == varve::IndexState::building &&
        recovered.scan(entries, varve::KeyRange::all()).valid()) {
      ++part_built;
    }
    users.put({"user3", "changed", 9});
    users.erase("user4");
    users.put({"user400", "new", 9});
    users.build_indexes();
    CHECK(users.by<"by_age_and_email">().count() == 40);
    CHECK(users.by<"by_age_and_email">().equal(9U, "changed").first()->name == "user3");
    CHECK(users.verify_indexes().good());
    CHECK(users.verify_indexes().skipped.empty());
  }
  CHECK(left.size() > 5);
  CHECK(part_built > 0);
}
