// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/rocksdb.hpp>

#include "kill/kill_test.hpp"

using namespace varve_test;

namespace {

// Small, so that table files are written, and compacted, within the life of a store.
const varve::RocksOptions options{.write_buffer_bytes = std::size_t{64} << 10U};

}  // namespace

TEST_CASE("RocksAdapter: what it promised is there after kill -9") {
  survives_kills<varve::RocksAdapter>("RocksAdapter", 600, options);
}

TEST_CASE("RocksAdapter: what it promised is there after kill -9, often", "[.long]") {
  survives_kills<varve::RocksAdapter>("RocksAdapter", 12'000, options);
}
