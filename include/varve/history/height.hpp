// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>

namespace varve {

/// The number of a committed state: of a block, a version, a point in time. Numbers grow and need
/// not be contiguous.
struct Height {
  std::uint64_t value = 0;

  friend constexpr bool operator==(Height, Height) noexcept = default;
  friend constexpr auto operator<=>(Height, Height) noexcept = default;
};

}  // namespace varve
