// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <cstdint>

namespace varve {

/// What an entry of the log says. Stored: do not change these values.
enum class LogEntryKind : std::uint8_t {
  batch = 1,
  open_tree = 2,
  drop_tree = 3,
  batch_and_drop = 4,
};

/// One entry of a log. Sequences grow by exactly 1.
struct LogEntry {
  std::uint64_t sequence = 0;
  LogEntryKind kind{};
  BytesView payload;  ///< valid until the reader moves on
};

}  // namespace varve
