// SPDX-License-Identifier: Apache-2.0
// expect-error: no way leads back to this version
#include <varve/layers/migrated.hpp>
#include <varve/migrations/downgrade.hpp>
#include <varve/testing/minimal_engine.hpp>

#include "migrations/blocks.hpp"

using namespace varve;
using namespace varve_test::blocks;

#ifdef CONTROL
constexpr std::uint32_t version = 3;
#else
constexpr std::uint32_t version = 2;
#endif

void go_back() {
  downgrade<Migrated<ToFour, testing::MinimalEngine>, version>("db");
}
