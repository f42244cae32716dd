// SPDX-License-Identifier: Apache-2.0
// expect-error: this table is read only, since what it is on cannot be written: a snapshot, a past height or a const store
#include <varve/testing/full_engine.hpp>

#include "tables/records.hpp"

using namespace varve_test;

void change(varve::testing::FullEngine& store) {
  const Users::On users{store};
  const auto snapshot = store.snapshot();
#ifdef CONTROL
  users.put({"ann", "a@x", 1});
#else
  users.at(snapshot).put({"ann", "a@x", 1});
#endif
}
