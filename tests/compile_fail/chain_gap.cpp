// SPDX-License-Identifier: Apache-2.0
// expect-error: a chain has a gap: no step leads from the version where one step ends to the version where the next one begins
#include "migrations/blocks.hpp"

using namespace varve;
using namespace varve_test::blocks;

#ifdef CONTROL
using Chain = MigrationChain<AddWork, DropWork, ByHash>;
#else
using Chain = MigrationChain<AddWork, ByHash>;
#endif
static_assert(Chain::latest != 0);
