// SPDX-License-Identifier: Apache-2.0
// expect-error: the steps of a chain are in the wrong order: a step stands behind one that leads further
#include "migrations/blocks.hpp"

using namespace varve;
using namespace varve_test::blocks;

#ifdef CONTROL
using Chain = MigrationChain<AddWork, DropWork>;
#else
using Chain = MigrationChain<DropWork, AddWork>;
#endif
static_assert(Chain::latest != 0);
