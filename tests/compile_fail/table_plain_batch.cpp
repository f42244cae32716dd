// SPDX-License-Identifier: Apache-2.0
// expect-error: a table with indexes cannot be changed by a plain WriteBatch
// expect-error: put into a varve::TableBatch and write that
#include <varve/testing/minimal_engine.hpp>

#include "tables/records.hpp"

using namespace varve_test;

void change(varve::testing::MinimalEngine& store) {
  const Users::On users{store};
#ifdef CONTROL
  varve::TableBatch batch(store);
#else
  varve::WriteBatch batch;
#endif
  users.put(batch, {"ann", "a@x", 1});
}
