// SPDX-License-Identifier: Apache-2.0
// expect-error: a step leads from a version to the next one: Step<1, 2>, then Step<2, 3>
// expect-error: the steps of a chain are in the wrong order: a step stands behind one that leads further
#include "migrations/blocks.hpp"

using namespace varve;
using namespace varve_test::blocks;

// Neither a step that leads back nor one that comes twice can close a circle.
#ifdef CONTROL
struct Again : Step<4, 5> {
#else
struct Again : Step<4, 1> {
#endif
  static constexpr auto description = "begins anew";
};
#ifdef CONTROL
using Chain = MigrationChain<AddWork, DropWork, ByHash, Again>;
#else
using Chain = MigrationChain<AddWork, DropWork, AddWork>;
static_assert(Again::from == 4);
#endif
static_assert(Chain::latest != 0);
