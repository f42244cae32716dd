// SPDX-License-Identifier: Apache-2.0
#include <varve/migrations/held_trees.hpp>

#include <varve/adapters/memory.hpp>

#include "catch.hpp"

#include <atomic>
#include <string>
#include <thread>

using namespace varve;

TEST_CASE("HeldTrees: names are read while trees are purged") {
  constexpr int made = 20;
  MemoryAdapter engine;
  Ledger<MemoryAdapter> ledger(engine);
  ledger.create();
  const auto name = [](int i) { return "tree" + std::to_string(i); };
  for (int i = 0; i != made; ++i) {
    static_cast<void>(engine.open_tree(name(i)));
    WriteBatch batch;
    ledger.put(batch, name(i), LedgerTree{.state = TreeState::held, .version = 2});
    engine.write(batch);
  }
  detail::HeldTrees held;
  held.load(engine);
  CHECK(held.contains(name(7)));
  std::atomic<bool> stop = false;
  std::atomic<bool> reading = false;
  std::thread reader([&] {
    while (!stop) {
      static_cast<void>(held.contains(name(7)));
      reading = true;
    }
  });
  while (!reading) std::this_thread::yield();
  for (int i = 0; i != made; ++i) held.purge(engine, name(i));
  stop = true;
  reader.join();
  CHECK_FALSE(held.contains(name(7)));
  CHECK(held.names().empty());
  CHECK(ledger.trees().empty());
}
