// SPDX-License-Identifier: Apache-2.0
// expect-error: the table has no index of this name
#include <varve/testing/minimal_engine.hpp>

#include "tables/records.hpp"

using namespace varve_test;

std::uint64_t count(varve::testing::MinimalEngine& store) {
  const Users::On users{store};
#ifdef CONTROL
  return users.by<"by_email">().count();
#else
  return users.by<"by_mail">().count();
#endif
}
