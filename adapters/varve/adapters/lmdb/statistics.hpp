// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace varve {

/// What an LMDB store tells of itself, at one moment.
struct LmdbStatistics {
  std::uint64_t map_bytes = 0;   ///< the memory map: the file can grow to this without growing it
  std::uint64_t used_bytes = 0;  ///< pages ever used, free ones included
  std::uint64_t file_bytes = 0;  ///< the size of data.mdb
  std::uint64_t page_bytes = 0;

  std::uint64_t last_transaction = 0;  ///< the number of the last committed transaction
  std::uint64_t commits = 0;           ///< transactions committed since the store was opened
  std::uint64_t batches = 0;           ///< batches in them; more than commits where they shared one
  std::uint64_t map_growths = 0;

  std::uint32_t trees = 0;
  std::uint32_t reader_slots = 0;  ///< reading transactions that exist, used or at rest
  std::uint32_t max_readers = 0;

  /// How many transactions have been committed since the oldest state that is still read, here or
  /// in another process; 0 where none older than the last is. What was overwritten since then keeps
  /// its pages, so a number that only grows means that somebody holds a value, a scan or a snapshot
  /// too long.
  std::uint64_t oldest_reader_lag = 0;
};

}  // namespace varve
