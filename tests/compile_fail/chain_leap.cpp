// SPDX-License-Identifier: Apache-2.0
// expect-error: a step leads from a version to the next one: Step<1, 2>, then Step<2, 3>
#include "migrations/blocks.hpp"

using namespace varve;
using namespace varve_test::blocks;

#ifdef CONTROL
struct Leap : Step<1, 2> {};
#else
struct Leap : Step<1, 3> {};
#endif
static_assert(Leap::from == 1);
