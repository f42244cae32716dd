// SPDX-License-Identifier: Apache-2.0
// expect-error: a stack has at most one cache: a second would hold the same values again
#include "toy_layers.hpp"

#include <varve/open.hpp>
#include <varve/testing/minimal_engine.hpp>

using namespace varve;
using namespace varve::toys;
using varve::testing::MinimalEngine;

#ifdef CONTROL
using Stack = Caches<Observes<MinimalEngine>>;
#else
using Stack = Caches<Observes<Caches<MinimalEngine>>>;
#endif

int main() {
  auto stack = open<Stack>();
  stack.flush();
}
