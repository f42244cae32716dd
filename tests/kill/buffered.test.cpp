// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/buffered.hpp>
#include <varve/layers/wal.hpp>

#include "kill/kill_test.hpp"

using namespace varve;
using namespace varve_test;

namespace {

const WalOptions small{.checkpoint_bytes = 200'000, .segment_bytes = 60'000};

void survive_kills(std::size_t times) {
  survives_kills<Wal<Buffered<LmdbAdapter>>>("Wal<Buffered<LmdbAdapter>>", 240 * times, small);
  survives_kills<Buffered<LmdbAdapter>>("Buffered<LmdbAdapter>", 80 * times);
}

}  // namespace

TEST_CASE("Buffered: what it promised is there after kill -9") {
  survive_kills(1);
}

TEST_CASE("Buffered: what it promised is there after kill -9, often", "[.long]") {
  survive_kills(20);
}
