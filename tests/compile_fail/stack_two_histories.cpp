// SPDX-License-Identifier: Apache-2.0
// expect-error: a stack has at most one layer of history: heights of heights make no sense
#include "toy_layers.hpp"

#include <varve/open.hpp>
#include <varve/testing/minimal_engine.hpp>

using namespace varve;
using namespace varve::toys;
using varve::testing::MinimalEngine;

#ifdef CONTROL
using Stack = Versions<Caches<MinimalEngine>>;
#else
using Stack = Versions<Caches<Versions<MinimalEngine>>>;
#endif

int main() {
  auto stack = open<Stack>();
  stack.flush();
}
