// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>

#include "kill/kill_test.hpp"

using namespace varve_test;

TEST_CASE("LmdbAdapter: what it promised is there after kill -9") {
  survives_kills<varve::LmdbAdapter>("LmdbAdapter", 600);
}

TEST_CASE("LmdbAdapter: what it promised is there after kill -9, often", "[.long]") {
  survives_kills<varve::LmdbAdapter>("LmdbAdapter", 12'000);
}
