// SPDX-License-Identifier: Apache-2.0
// expect-error: a step moves records into a tree whose records have another layout
#include <varve/layers/migrated.hpp>
#include <varve/open.hpp>
#include <varve/testing/minimal_engine.hpp>

#include "migrations/blocks.hpp"

using namespace varve;
using namespace varve_test::blocks;

using Archive = RecordTree<"archive", std::uint64_t>;

BlockV2 longer(const BlockV1& block) {
  return {block.height, block.hash, 0};
}
#ifdef CONTROL
std::pair<std::uint64_t, BlockV2> archived(const std::uint64_t& key, const BlockV1& block) {
  return {key, longer(block)};
}
using Archived = BlockV2;
#else
std::pair<std::uint64_t, BlockV1> archived(const std::uint64_t& key, const BlockV1& block) {
  return {key, block};
}
using Archived = BlockV1;
#endif

struct Lengthen : Step<1, 2> {
  static constexpr auto description = "longer records in the archive";
  static constexpr auto loss = lossy("nothing");
  using Actions = varve::Actions<Rewrite<Archive, BlockV1, BlockV2, &longer>>;
};
struct Put : Step<2, 3> {
  static constexpr auto description = "all blocks are in the archive";
  static constexpr auto loss = lossy("nothing");
  using Actions = varve::Actions<Move<BlockTree, Archive, BlockV1, Archived, &archived>>;
};

void open_it() {
  static_cast<void>(open<Migrated<MigrationChain<Lengthen, Put>, testing::MinimalEngine>>("db"));
}
