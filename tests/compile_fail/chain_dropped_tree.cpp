// SPDX-License-Identifier: Apache-2.0
// expect-error: a step uses a tree that an earlier step dropped: create it again first
#include "migrations/blocks.hpp"

using namespace varve;
using namespace varve_test::blocks;

struct Forgets : Step<1, 2> {
  static constexpr auto description = "drops the blocks";
  static constexpr auto loss = lossy("all blocks");
  using Actions = varve::Actions<DropTree<"blocks">>;
};
struct Uses : Step<2, 3> {
  static constexpr auto description = "reads blocks";
  static constexpr auto loss = lossy("a word");
#ifdef CONTROL
  using Tree = RecordTree<"others", std::uint64_t>;
#else
  using Tree = BlockTree;
#endif
  using Actions = varve::Actions<Rewrite<Tree, BlockV2, BlockV1, &without_work>>;
};
using Chain = MigrationChain<Forgets, Uses>;
static_assert(Chain::latest != 0);
