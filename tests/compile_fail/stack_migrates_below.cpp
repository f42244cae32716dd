// SPDX-License-Identifier: Apache-2.0
// expect-error: put Migrated on top, with only layers above it that look on
#include "toy_layers.hpp"

#include <varve/open.hpp>
#include <varve/testing/minimal_engine.hpp>

using namespace varve;
using namespace varve::toys;
using varve::testing::MinimalEngine;

#ifdef CONTROL
using Stack = Migrates<Caches<MinimalEngine>>;
#else
using Stack = Caches<Migrates<MinimalEngine>>;
#endif

int main() {
  auto stack = open<Stack>();
  stack.flush();
}
