// SPDX-License-Identifier: Apache-2.0
// expect-error: the layout of a record that was shipped is not the one that was frozen: undo the change and add a version, or freeze what is compiled if it was never shipped
#include "migrations/blocks.hpp"

using namespace varve;
using namespace varve_test::blocks;

#ifdef CONTROL
using Shipped = Frozen<BlockV1, Packed::fingerprint<BlockV1>().value>;
#else
using Shipped = Frozen<BlockV1, 0x1234U>;
#endif
static_assert(sizeof(Shipped) != 0);
