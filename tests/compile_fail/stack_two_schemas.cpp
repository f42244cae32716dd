// SPDX-License-Identifier: Apache-2.0
// expect-error: a stack has at most one schema: join the two chains
#include "toy_layers.hpp"

#include <varve/open.hpp>
#include <varve/testing/minimal_engine.hpp>

using namespace varve;
using namespace varve::toys;
using varve::testing::MinimalEngine;

#ifdef CONTROL
using Stack = Observes<Migrates<MinimalEngine>>;
#else
using Stack = Migrates<Observes<Migrates<MinimalEngine>>>;
#endif

int main() {
  auto stack = open<Stack>();
  stack.flush();
}
