// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/metered.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/testing/linearizability.hpp>
#include <varve/testing/record_history.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <cstdio>

using namespace varve;
using namespace varve_test;

namespace {

template <class Stack>
Stack open_in(const std::string& directory) {
  if constexpr (needs_directory<Stack>) {
    return varve::open<Stack>(directory);
  } else {
    return varve::open<Stack>();
  }
}

}  // namespace

TEMPLATE_TEST_CASE("concurrent histories are linearizable", "", MemoryAdapter, LmdbAdapter,
                   RocksAdapter, Metered<RocksAdapter>, Wal<MemoryAdapter>, Wal<LmdbAdapter>,
                   Wal<RocksAdapter>) {
  const TempDirectory temp;
  auto engine = open_in<TestType>(temp / "store");
  std::size_t calls = 0;
  for (int round = 0; round < 8; ++round) {
    const Tree tree = engine.open_tree("round" + std::to_string(round));
    const auto history = testing::record_history(engine, tree, {.synced_one_in = 64});
    calls += history.size();
    const auto verdict = testing::check_linearizable(history);
    INFO((verdict ? to_string(*verdict) : ""));
    REQUIRE_FALSE(verdict);
  }
  std::printf("figures: linearizability of %s: %zu calls of 4 threads, all in order\n",
              std::string(BytesView(TestType::name)).c_str(), calls);
}
