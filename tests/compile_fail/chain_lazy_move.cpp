// SPDX-License-Identifier: Apache-2.0
// expect-error: a lazy step converts records where they are: one that moves them, has to do with an index or runs code of its own is eager
#include "migrations/blocks.hpp"

using namespace varve;
using namespace varve_test::blocks;

struct Lazily : ByHash {
#ifndef CONTROL
  static constexpr auto pace = lazy;
#endif
};
using Chain = MigrationChain<ToThree, Lazily>;
static_assert(Chain::latest != 0);
