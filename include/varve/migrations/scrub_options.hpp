// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>

namespace varve {

/// How far the rewriting of old records has come.
struct ScrubProgress {
  std::uint64_t records = 0;    ///< looked at, over all processes that had a part in it
  std::uint64_t rewritten = 0;  ///< of them
  std::uint64_t refused = 0;    ///< put aside
  std::uint64_t looked_at = 0;  ///< by this slice alone, to rewrite them or once more
  bool verifying = false;       ///< all are rewritten, and looked at once more
  bool complete = false;        ///< nothing is left
};

/// How old records are rewritten while the store is in use.
struct ScrubOptions {
  /// Old records of one slice: writers wait while a slice is written.
  std::size_t slice_records = 512;
  std::size_t slice_bytes = std::size_t{256} << 10U;
  /// At most so many records are looked at in a second; 0 for as many as can be.
  double records_per_second = 0;
  /// Records that a conversion may refuse, of all that the scrub has put aside since it was begun:
  /// they go to the ledger, with the reason, and their entries from the indexes of their table. One
  /// more is an error.
  std::uint64_t refused_at_most = 0;
  /// Called after each slice. What it throws stops the scrub, which goes on when it is called
  /// again.
  std::function<void(const ScrubProgress&)> progress{};
};

}  // namespace varve
