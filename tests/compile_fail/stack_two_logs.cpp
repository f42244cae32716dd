// SPDX-License-Identifier: Apache-2.0
// expect-error: a stack has at most one write-ahead log: a second would log every batch twice
#include "toy_layers.hpp"

#include <varve/open.hpp>
#include <varve/testing/minimal_engine.hpp>

using namespace varve;
using namespace varve::toys;
using varve::testing::MinimalEngine;

#ifdef CONTROL
using Stack = Caches<Logs<MinimalEngine>>;
#else
using Stack = Logs<Caches<Logs<MinimalEngine>>>;
#endif

int main() {
  auto stack = open<Stack>();
  stack.flush();
}
