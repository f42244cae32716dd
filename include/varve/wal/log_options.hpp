// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace varve {

struct LogOptions {
  /// A segment that is longer is followed by another.
  std::uint64_t segment_bytes = std::uint64_t{64} << 20U;
  /// How many files of forgotten segments are kept, to be segments again.
  std::uint64_t spare_segments = 4;
  /// Where segments that are forgotten are copied to; nowhere where it is empty.
  std::string archive_directory{};
  /// Passes over what is damaged, and reports it.
  bool salvage = false;
};

/// What a reader met.
struct LogReport {
  std::uint64_t segments = 0;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;  ///< of the payloads
  std::uint64_t last_sequence = 0;
  std::uint64_t discarded_bytes = 0;  ///< of the end that was cut off
  bool torn_tail = false;             ///< whether the log ended in a write that was cut short
  /// Of salvaging: the sequences that are missing, first and last.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> dropped{};
};

}  // namespace varve
