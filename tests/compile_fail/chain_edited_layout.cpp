// SPDX-License-Identifier: Apache-2.0
// expect-error: the layout of a record that was shipped is not the one that was frozen: undo the change and add a version, or freeze what is compiled if it was never shipped
#include "migrations/blocks.hpp"

using namespace varve;
using namespace varve_test::blocks;

struct ShippedBlock {
  std::uint64_t height = 0;
  std::string hash{};
#ifndef CONTROL
  bool edited = false;
#endif
};
using Shipped = Frozen<ShippedBlock, 0x0983099b3c493e6a>;

struct Lengthen : Step<1, 2> {
  static constexpr auto description = "from a layout that was shipped";
  static constexpr auto loss = lossy("nothing");
  using Tree = BlockTree;
  using In = Shipped;
  using Out = BlockV2;
  static Out convert(const In& block) { return {block.height, block.hash, 0}; }
};
using Chain = MigrationChain<Lengthen>;
static_assert(Chain::latest == 2);
