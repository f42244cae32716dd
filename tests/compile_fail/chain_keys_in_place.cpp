// SPDX-License-Identifier: Apache-2.0
// expect-error: a step rewrites keys inside the tree that it reads: name another tree for the records to move to
#include "migrations/blocks.hpp"

using namespace varve;
using namespace varve_test::blocks;

inline std::pair<std::uint64_t, BlockV1> shift(const std::uint64_t& key, const BlockV1& block) {
  return {key + 1, block};
}
#ifdef CONTROL
using Target = RecordTree<"shifted", std::uint64_t>;
#else
using Target = BlockTree;
#endif
struct Shift : Step<1, 2> {
  static constexpr auto description = "keys begin with 1";
  static constexpr auto loss = lossy("nothing");
  using Actions = varve::Actions<Move<BlockTree, Target, BlockV1, BlockV1, &shift>>;
};
using Chain = MigrationChain<Shift>;
static_assert(Chain::latest != 0);
