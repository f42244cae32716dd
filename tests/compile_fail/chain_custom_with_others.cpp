// SPDX-License-Identifier: Apache-2.0
// expect-error: code of one's own stands alone in its step: put the other actions into a step before it or behind it
#include "migrations/blocks.hpp"

#include <optional>
#include <string>

using namespace varve;
using namespace varve_test::blocks;

inline constexpr auto nothing = [](auto&, BytesView, WriteBatch&) -> std::optional<std::string> {
  return std::nullopt;
};

struct Both : Step<3, 4> {
  static constexpr auto description = "code, and a tree";
  static constexpr auto loss = lossy("a word");
#ifdef CONTROL
  using Actions = varve::Actions<Custom<"nothing", nothing>>;
#else
  using Actions = varve::Actions<CreateTree<"more">, Custom<"nothing", nothing>>;
#endif
};
using Chain = MigrationChain<ToThree, Both>;
static_assert(Chain::latest != 0);
