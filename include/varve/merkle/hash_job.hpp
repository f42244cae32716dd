// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace varve::merkle {

/// One leaf or node to be hashed among many: K and V, or the left and the right child, and where
/// the hash goes. Each is 32 bytes and lies anywhere, so that nothing is copied together first.
/// `out` may be `left` or `right` of the same job, and is neither of another.
struct HashJob {
  const std::byte* left;
  const std::byte* right;
  std::byte* out;
};

}  // namespace varve::merkle
