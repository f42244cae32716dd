// SPDX-License-Identifier: Apache-2.0
// expect-error: a layer stands directly on another of its kind: take one of them out
#include "toy_layers.hpp"

#include <varve/open.hpp>
#include <varve/testing/minimal_engine.hpp>

using namespace varve;
using namespace varve::toys;
using varve::testing::MinimalEngine;

#ifdef CONTROL
using Stack = Observes<Caches<Observes<MinimalEngine>>>;
#else
using Stack = Observes<Observes<MinimalEngine>>;
#endif

int main() {
  auto stack = open<Stack>();
  stack.flush();
}
