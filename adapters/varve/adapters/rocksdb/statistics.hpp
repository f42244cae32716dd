// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace varve {

/// What a RocksDB store is doing, as its own properties tell; sums over the trees where RocksDB
/// keeps a number for each. The last four are counted only with
/// `RocksOptions::collect_statistics`, and are 0 without.
struct RocksStatistics {
  std::uint64_t trees = 0;                     ///< column families, dropped ones that are held too
  std::uint64_t memtable_bytes = 0;            ///< writes that are not yet in table files
  std::uint64_t block_cache_bytes = 0;         ///< in use
  std::uint64_t block_cache_pinned_bytes = 0;  ///< held by readers
  std::uint64_t table_reader_bytes = 0;        ///< indexes and filters outside the cache
  std::uint64_t table_file_bytes = 0;          ///< live table files
  std::uint64_t pending_compaction_bytes = 0;  ///< an estimate of what compaction has to rewrite
  std::uint64_t running_flushes = 0;
  std::uint64_t running_compactions = 0;
  std::uint64_t snapshots = 0;
  std::uint64_t background_errors = 0;
  std::uint64_t delayed_write_rate = 0;  ///< bytes a second where writers are slowed down, or 0
  bool writes_stopped = false;
  std::uint64_t block_cache_hits = 0;
  std::uint64_t block_cache_misses = 0;
  std::uint64_t bloom_filter_useful = 0;  ///< table files not read thanks to a filter
  std::uint64_t write_stall_micros = 0;

  template <class Visit>
  void visit_fields(Visit&& visit) const {
    visit("trees", trees);
    visit("memtable_bytes", memtable_bytes);
    visit("block_cache_bytes", block_cache_bytes);
    visit("block_cache_pinned_bytes", block_cache_pinned_bytes);
    visit("table_reader_bytes", table_reader_bytes);
    visit("table_file_bytes", table_file_bytes);
    visit("pending_compaction_bytes", pending_compaction_bytes);
    visit("running_flushes", running_flushes);
    visit("running_compactions", running_compactions);
    visit("snapshots", snapshots);
    visit("background_errors", background_errors);
    visit("delayed_write_rate", delayed_write_rate);
    visit("writes_stopped", writes_stopped);
    visit("block_cache_hits", block_cache_hits);
    visit("block_cache_misses", block_cache_misses);
    visit("bloom_filter_useful", bloom_filter_useful);
    visit("write_stall_micros", write_stall_micros);
  }
};

}  // namespace varve
