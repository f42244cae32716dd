// SPDX-License-Identifier: Apache-2.0
// expect-error: a cache, a buffer or a log stands above the layer of history, and would not see
#include "toy_layers.hpp"

#include <varve/open.hpp>
#include <varve/testing/minimal_engine.hpp>

using namespace varve;
using namespace varve::toys;
using varve::testing::MinimalEngine;

#ifdef CONTROL
using Stack = Versions<Caches<MinimalEngine>>;
#else
using Stack = Caches<Versions<MinimalEngine>>;
#endif

int main() {
  auto stack = open<Stack>();
  stack.flush();
}
