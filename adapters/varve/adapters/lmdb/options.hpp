// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace varve {

/// How an LMDB store is opened. The defaults suit nearly everyone.
struct LmdbOptions {
  /// The size of the memory map at the start, which bounds the size of the file. It costs address
  /// space only, and grows by itself when the file comes near it, unless values, scans or snapshots
  /// are held all the time. 0 takes 1 TiB or twice the file system, whichever is more, and less
  /// where the process may not have so much address space.
  std::uint64_t map_bytes = 0;

  /// How many trees may be there at once. Each costs 49 bytes in each reading transaction.
  std::uint32_t max_trees = 512;

  /// How many reading transactions may be there at once: about one a thread that reads, and one for
  /// each further scan, snapshot or state of held values. Each costs 64 bytes of the lock file.
  std::uint32_t max_readers = 1024;

  /// Whether the system reads ahead. Good for scans and for stores that fit in memory; turn it off
  /// for random reads of a store much larger than memory.
  bool read_ahead = true;

  template <class Visit>
  void visit_fields(Visit&& visit) const {
    visit("map_bytes", map_bytes);
    visit("max_trees", max_trees);
    visit("max_readers", max_readers);
    visit("read_ahead", read_ahead);
  }
};

}  // namespace varve
