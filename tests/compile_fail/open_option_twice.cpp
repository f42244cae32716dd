// SPDX-License-Identifier: Apache-2.0
// expect-error: an option is given to open twice: join the two
#include <varve/layers/metered.hpp>
#include <varve/open.hpp>
#include <varve/testing/minimal_engine.hpp>

using namespace varve;

int main() {
#ifdef CONTROL
  auto stack = open<Metered<testing::MinimalEngine>>(MeteredOptions{.sample_every = 1});
#else
  auto stack = open<Metered<testing::MinimalEngine>>(MeteredOptions{}, MeteredOptions{});
#endif
  stack.flush();
}
