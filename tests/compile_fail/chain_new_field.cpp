// SPDX-License-Identifier: Apache-2.0
// expect-error: a field of the new record is accounted for by nothing: the old one has none of its name and type; say what it is, with<&New::field>(value)
#include <varve/migrations/carry.hpp>

#include "migrations/blocks.hpp"

using namespace varve;
using namespace varve_test::blocks;

BlockV2 convert(const BlockV1& block) {
#ifdef CONTROL
  return carry<BlockV2>(block, with<&BlockV2::work>(17));
#else
  return carry<BlockV2>(block);
#endif
}
