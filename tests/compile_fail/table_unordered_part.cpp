// SPDX-License-Identifier: Apache-2.0
// expect-error: a part of a key or an index has no order that bytes could have
#include <varve/testing/minimal_engine.hpp>

#include "tables/records.hpp"

using namespace varve_test;

#ifdef CONTROL
using Wrong = varve::Table<"vertices", varve::Key<&Vertex::id>, Vertex, Plain,
                           varve::Index<"by_parents", varve::each<&Vertex::parents>>>;
#else
using Wrong = varve::Table<"vertices", varve::Key<&Vertex::id>, Vertex, Plain,
                           varve::Index<"by_parents", &Vertex::parents>>;
#endif

void change(varve::testing::MinimalEngine& store) {
  const Wrong::On vertices{store};
  vertices.put(Vertex{});
}
