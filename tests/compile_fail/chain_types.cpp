// SPDX-License-Identifier: Apache-2.0
// expect-error: the types of two steps do not line up: one reads records of another type than the step before it wrote to that tree
#include "migrations/blocks.hpp"

using namespace varve;
using namespace varve_test::blocks;

struct Again : Step<2, 3> {
  static constexpr auto description = "reads what is not there";
#ifdef CONTROL
  using Actions =
      varve::Actions<Rewrite<BlockTree, BlockV2, BlockV1, &AddWork::invert, &AddWork::convert>>;
#else
  using Actions =
      varve::Actions<Rewrite<BlockTree, BlockV1, BlockV2, &AddWork::convert, &AddWork::invert>>;
#endif
};
using Chain = MigrationChain<AddWork, Again>;
static_assert(Chain::latest != 0);
