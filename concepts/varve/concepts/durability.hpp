// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace varve {

/// What a write promises when it returns.
enum class Durability : std::uint8_t {
  /// It survives power loss.
  synced,
  /// It survives the death of the process where the engine can promise that, and reaches the disk
  /// by
  /// the next `flush()` or synced write.
  buffered,
};

}  // namespace varve
