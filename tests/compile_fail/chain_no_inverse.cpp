// SPDX-License-Identifier: Apache-2.0
// expect-error: a lossless step has an inverse for each conversion and drops no tree
#include "migrations/blocks.hpp"

using namespace varve;
using namespace varve_test::blocks;

struct Forgets : Step<1, 2> {
  static constexpr auto description = "has no way back";
#ifdef CONTROL
  static constexpr auto loss = lossy("a word");
#endif
  using Actions = varve::Actions<Rewrite<BlockTree, BlockV2, BlockV1, &without_work>>;
};
using Chain = MigrationChain<Forgets>;
static_assert(Chain::latest != 0);
