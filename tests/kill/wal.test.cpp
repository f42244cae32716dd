// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/wal.hpp>

#include "kill/kill_test.hpp"

using namespace varve;
using namespace varve_test;

namespace {

// Small, so that segments are changed and the log is trimmed within the life of a store.
const WalOptions small{.checkpoint_bytes = 200'000, .segment_bytes = 60'000};

void survive_kills(std::size_t times) {
  survives_kills<Wal<MemoryAdapter>>("Wal<MemoryAdapter>", 240 * times, small);
  survives_kills<Wal<LmdbAdapter>>("Wal<LmdbAdapter>", 240 * times, small);
  survives_kills<Wal<RocksAdapter>>("Wal<RocksAdapter>", 240 * times, small);
}

}  // namespace

TEST_CASE("Wal: what it promised is there after kill -9") {
  survive_kills(1);
}

TEST_CASE("Wal: what it promised is there after kill -9, often", "[.long]") {
  survive_kills(20);
}
