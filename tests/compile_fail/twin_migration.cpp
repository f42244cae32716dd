// SPDX-License-Identifier: Apache-2.0
// expect-error: a Migration leads from a version, 1 or above, to the next one
// expect-error: a Migration has `static constexpr auto description`, one line for the operator
// expect-error: a Migration has literal versions `from` and `to`
#include "concepts/archetypes.hpp"

using namespace varve;
using namespace varve::archetypes;

#ifdef CONTROL
static_assert(assert_migration<archetypes::Step>());
#else
static_assert(assert_migration<Leap>());
static_assert(assert_migration<Undescribed>());
static_assert(assert_migration<Unversioned>());
#endif
