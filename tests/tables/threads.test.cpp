// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>

#include "tables/model.hpp"
#include "temp_directory.hpp"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace varve_test;

namespace {

/// Threads with handles of their own put, erase and batch the same few records, while others read
/// and two build an index anew again and again. Whenever it is readable, it is right.
template <class Store>
void race(Store& store, int rounds) {
  { const ModelledTables<Store> made(store); }
  std::atomic<int> writing{3};
  std::atomic<std::uint64_t> wrong{0};
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 1; seed != 4; ++seed) {
    threads.emplace_back([&store, &writing, rounds, seed] {
      Random random(seed);
      const Vertices::On vertices{store};
      const Users::On users{store};
      for (int i = 0; i != rounds; ++i) {
        try {
          switch (below(random, 4)) {
            case 0: vertices.put(random_vertex(random), varve::Durability::buffered); break;
            case 1: users.put(random_user(random), varve::Durability::buffered); break;
            case 2: vertices.erase(hash_of(below(random, 16))); break;
            default: {
              varve::TableBatch batch(store);
              for (int n = 0; n != 5; ++n) {
                vertices.put(batch, random_vertex(random));
                users.put(batch, random_user(random));
              }
              batch.write(varve::Durability::buffered);
            }
          }
        } catch (const varve::UniqueViolation&) {
          continue;
        }
      }
      --writing;
    });
  }
  threads.emplace_back([&] {
    const Vertices::On vertices{store};
    while (writing != 0) {
      vertices.template rebuild<"by_height">();
      if (!vertices.verify_indexes().good()) ++wrong;
    }
  });
  threads.emplace_back([&] {
    const Vertices::On vertices{store};
    const Users::On users{store};
    while (writing != 0) {
      if (!users.verify_indexes().good()) ++wrong;
      if (vertices.build_step(2)) continue;
      if (!vertices.verify_indexes().good()) ++wrong;
    }
  });
  threads.emplace_back([&] {
    const Vertices::On vertices{store};
    const Users::On users{store};
    while (writing != 0) {
      // Record and entry are of one state, so that they agree.
      for (const Vertex& v : vertices.template by<"by_time">().equal(2)) {
        if (v.timestamp != 2) ++wrong;
      }
      std::string last;
      for (const User& user : users.template by<"by_email">()) {
        if (user.email <= last) ++wrong;
        last = user.email;
      }
    }
  });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);

  const Vertices::On vertices{store};
  const Users::On users{store};
  vertices.build_indexes();
  CHECK(vertices.verify_indexes().good());
  CHECK(vertices.verify_indexes().skipped.empty());
  CHECK(users.verify_indexes().good());
  CHECK(users.template by<"by_email">().count() == users.count());
}

}  // namespace

TEST_CASE("Table: any number of writers of the same records leave every index right") {
  varve::MemoryAdapter store;
  race(store, 3000);
}

TEST_CASE("Table: the same under a write-ahead log") {
  const TempDirectory directory;
  auto store = varve::open<varve::Wal<varve::MemoryAdapter>>(directory.path());
  race(store, 200);
}

TEST_CASE("Table: the same over LMDB") {
  const TempDirectory directory;
  varve::LmdbAdapter store(directory / "lmdb");
  race(store, 200);
}
