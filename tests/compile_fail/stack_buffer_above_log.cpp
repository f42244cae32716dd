// SPDX-License-Identifier: Apache-2.0
// expect-error: put the buffer below the log, as in Wal<Buffered<Engine>>
#include "toy_layers.hpp"

#include <varve/open.hpp>
#include <varve/testing/minimal_engine.hpp>

using namespace varve;
using namespace varve::toys;
using varve::testing::MinimalEngine;

#ifdef CONTROL
using Stack = Logs<Buffers<MinimalEngine>>;
#else
using Stack = Buffers<Logs<MinimalEngine>>;
#endif

int main() {
  auto stack = open<Stack>();
  stack.flush();
}
