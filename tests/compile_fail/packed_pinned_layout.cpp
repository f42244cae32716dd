// SPDX-License-Identifier: Apache-2.0
// expect-error: the stored layout of the type changed: raise its version; the right-hand side is the literal to pin for the new one
// expect-error: 0x85c1b2bc00b85608
#include <varve/codecs/packed.hpp>

struct Account {
  std::string owner;
  std::int64_t balance;
#ifndef CONTROL
  bool closed;
#endif
};

static_assert(varve::pinned_layout<Account, 0xaa6d375e9121b7f2>);
