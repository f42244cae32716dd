// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace varve {

/// A segment of a log that is written to no more.
struct ClosedSegment {
  std::uint64_t number = 0;
  std::uint64_t end = 0;    ///< the sequence after its last entry
  std::uint64_t bytes = 0;  ///< of its file
};

}  // namespace varve
