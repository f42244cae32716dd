// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace varve {

/// How far a run has come.
struct MigrationProgress {
  BytesView tree{};  ///< that is being worked on; valid during the call
  bool verifying = false;
  bool finished = false;    ///< the last call of a run: the store is at its new version
  bool compacting = false;  ///< the store is at its new version; space is given back
  std::uint64_t done = 0;   ///< records, over all processes that had a part in the run
  std::uint64_t total = 0;  ///< records expected; 0 where nobody knows
  double records_per_second = 0;
  double seconds_left = 0;  ///< by the rate so far
};

/// How a run behaves.
struct RunOptions {
  std::size_t batch_bytes = std::size_t{4} << 20U;  ///< of one atomic batch; it bounds the memory
  std::size_t batch_records = 50'000;
  /// Threads that read and convert ahead of the one that writes, and verify
  /// with it: with more than one, conversions are called from several threads
  /// at once. The store becomes the same with any number; 0 leaves all to the
  /// thread that opens it.
  std::size_t workers = 1;
  /// Records that a conversion may refuse: they are put aside in the ledger,
  /// with the reason. One more stops the run, which can go on later.
  std::uint64_t refused_at_most = 0;
  /// At most so many records a second; 0 for as many as can be.
  double records_per_second = 0;
  /// Called after each batch. What it throws pauses the run: it goes on when
  /// the store is opened again.
  std::function<void(const MigrationProgress&)> progress{};
};

}  // namespace varve
