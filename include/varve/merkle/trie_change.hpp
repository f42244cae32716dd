// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/digest.hpp>

#include <optional>

namespace varve::merkle {

/// What becomes of one key of the trie: it gets the value of this digest, or, with none, it goes.
struct Change {
  Digest key{};
  std::optional<Digest> value{};
};

}  // namespace varve::merkle
