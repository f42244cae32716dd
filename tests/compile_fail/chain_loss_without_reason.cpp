// SPDX-License-Identifier: Apache-2.0
// expect-error: a lossy step says what it loses
#include "migrations/blocks.hpp"

using namespace varve;
using namespace varve_test::blocks;

struct Forgets : Step<1, 2> {
  static constexpr auto description = "drops a tree";
#ifdef CONTROL
  static constexpr auto loss = lossy("the index: it can be built again");
#else
  static constexpr auto loss = lossy("");
#endif
  using Actions = varve::Actions<DropTree<"index">>;
};
using Chain = MigrationChain<Forgets>;
static_assert(Chain::latest != 0);
