// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/digest.hpp>

#include <cstdint>

namespace varve::merkle {

/// A whole trie in three words.
struct TrieSummary {
  Digest root{};
  std::uint64_t count = 0;  ///< of keys
  std::uint64_t pages = 0;

  friend bool operator==(const TrieSummary&, const TrieSummary&) = default;
};

}  // namespace varve::merkle
