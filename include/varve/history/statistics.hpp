// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/history/height.hpp>

#include <cstdint>

namespace varve {

/// What a `Versioned` keeps, and what it has done since it was opened.
struct VersionedStatistics {
  Height oldest;  ///< the lowest height that can be read
  Height latest;
  std::uint64_t heights = 0;  ///< that can be read
  std::uint64_t entries = 0;  ///< records of history that these heights need
  std::uint64_t bytes = 0;    ///< that those take up, before the engine compresses
  std::uint64_t waiting = 0;  ///< records of history that nobody needs and that are to be removed

  std::uint64_t commits = 0;             ///< heights that were committed
  std::uint64_t changed = 0;             ///< records that they changed
  std::uint64_t pruned = 0;              ///< records of history that were removed
  std::uint64_t rolled_back = 0;         ///< heights that were taken back
  std::uint64_t commit_nanoseconds = 0;  ///< spent in commits, the layer below included
  std::uint64_t prune_nanoseconds = 0;   ///< of those, spent to find what is to be removed
};

}  // namespace varve
