// SPDX-License-Identifier: Apache-2.0
// expect-error: an option given to open belongs to no layer of the stack: each is the Options type of one of its parts
#include <varve/layers/counted.hpp>
#include <varve/layers/metered.hpp>
#include <varve/open.hpp>
#include <varve/testing/minimal_engine.hpp>

using namespace varve;

#ifdef CONTROL
using Stack = Metered<testing::MinimalEngine>;
#else
using Stack = Counted<testing::MinimalEngine>;
#endif

int main() {
  auto stack = open<Stack>(MeteredOptions{.sample_every = 1});
  stack.flush();
}
