// SPDX-License-Identifier: Apache-2.0
// expect-error: a Migration has `static constexpr auto description`, one line for the operator
#include "migrations/blocks.hpp"

using namespace varve;
using namespace varve_test::blocks;

struct Silent : Step<1, 2> {
#ifdef CONTROL
  static constexpr auto description = "says so";
#endif
  using Actions = varve::Actions<CreateTree<"more">>;
};
using Chain = MigrationChain<Silent>;
static_assert(Chain::latest != 0);
