// SPDX-License-Identifier: Apache-2.0
// expect-error: a field of the old record goes nowhere: the new one has none of its name; say so, without<&Old::field>
#include <varve/migrations/carry.hpp>

#include "migrations/blocks.hpp"

using namespace varve;
using namespace varve_test::blocks;

BlockV1 convert(const BlockV2& block) {
#ifdef CONTROL
  return carry<BlockV1>(block, without<&BlockV2::work>);
#else
  return carry<BlockV1>(block);
#endif
}
