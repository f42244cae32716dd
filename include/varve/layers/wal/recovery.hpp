// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace varve {

/// What `Wal` found when it was opened, and what it did about it.
struct WalRecovery {
  std::uint64_t segments = 0;         ///< files of the log
  std::uint64_t entries = 0;          ///< found in them
  std::uint64_t replayed = 0;         ///< entries that the layer below lacked
  std::uint64_t bytes = 0;            ///< of the entries
  std::uint64_t discarded_bytes = 0;  ///< of a write that was cut short, never acknowledged
  std::uint64_t dropped_ranges = 0;   ///< of salvaging: damaged parts that were left out
  std::uint64_t image_sequence = 0;   ///< of the image that was loaded; 0 where there was none
  std::uint64_t last_sequence = 0;    ///< the last batch or tree operation that is there
  bool torn_tail = false;             ///< whether the log ended in a write that was cut short
  std::chrono::nanoseconds duration{};
};

/// For people, in a sentence or two.
[[nodiscard]] inline std::string to_string(const WalRecovery& recovery) {
  std::string words = std::to_string(recovery.entries) + " entries (" +
                      std::to_string(recovery.bytes) + " bytes) in " +
                      std::to_string(recovery.segments) + " segments of the log, " +
                      std::to_string(recovery.replayed) + " of them replayed, in " +
                      std::to_string(recovery.duration.count() / 1'000'000) + " ms; ";
  if (recovery.image_sequence != 0) {
    words += "an image up to " + std::to_string(recovery.image_sequence) + " was loaded before; ";
  }
  words += recovery.torn_tail
               ? "the last write was cut short and never acknowledged: its " +
                     std::to_string(recovery.discarded_bytes) + " bytes were discarded"
               : std::string("no write was cut short");
  if (recovery.dropped_ranges != 0) {
    words += "; salvaging left out " + std::to_string(recovery.dropped_ranges) + " damaged parts";
  }
  return words + ". The last sequence is " + std::to_string(recovery.last_sequence) + ".";
}

}  // namespace varve
