// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb/errors.hpp>
#include <varve/adapters/rocksdb/statistics.hpp>
#include <varve/adapters/rocksdb/store.hpp>
#include <varve/concepts/key_range.hpp>
#include <varve/concepts/tree.hpp>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/statistics.h>

#include <cstdint>
#include <mutex>

namespace varve::detail::rocks {

inline void compact(Store& store, Tree tree, KeyRange range) {
  store.check_writable("compact");
  rocksdb::ColumnFamilyHandle* const family = store.family(tree, "compact");
  const KeyBounds bounds(range);
  if (bounds.empty()) return;
  const rocksdb::Slice first = slice(bounds.first());
  const rocksdb::Slice last = slice(bounds.last());
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  store.check_change(
      store.database().CompactRange(options, family, first.empty() ? nullptr : &first,
                                    bounds.bounded() ? &last : nullptr),
      "compact", family->GetName());
}

[[nodiscard]] inline RocksStatistics statistics(const Store& store) {
  store.guard().check("statistics", engine_name);
  RocksStatistics result;
  rocksdb::DB& database = store.database();
  {
    const std::lock_guard lock(store.trees_mutex());
    for (const TreeState* state = store.trees().newest(); state != nullptr; state = state->older) {
      const auto add = [&](std::uint64_t& sum, const char* property) {
        std::uint64_t value = 0;
        if (database.GetIntProperty(state->handle, property, &value)) sum += value;
      };
      ++result.trees;
      add(result.memtable_bytes, "rocksdb.cur-size-all-mem-tables");
      add(result.table_reader_bytes, "rocksdb.estimate-table-readers-mem");
      add(result.table_file_bytes, "rocksdb.live-sst-files-size");
      add(result.pending_compaction_bytes, "rocksdb.estimate-pending-compaction-bytes");
      add(result.background_errors, "rocksdb.background-errors");
    }
  }
  const auto ask = [&](const char* property) {
    std::uint64_t value = 0;
    return database.GetIntProperty(property, &value) ? value : 0;
  };
  result.running_flushes = ask("rocksdb.num-running-flushes");
  result.running_compactions = ask("rocksdb.num-running-compactions");
  result.snapshots = ask("rocksdb.num-snapshots");
  result.delayed_write_rate = ask("rocksdb.actual-delayed-write-rate");
  result.writes_stopped = ask("rocksdb.is-write-stopped") != 0;
  const EngineOptions& options = store.engine_options();
  result.block_cache_bytes = options.block_cache->GetUsage();
  result.block_cache_pinned_bytes = options.block_cache->GetPinnedUsage();
  if (const rocksdb::Statistics* const counted = options.database.statistics.get()) {
    result.block_cache_hits = counted->getTickerCount(rocksdb::BLOCK_CACHE_HIT);
    result.block_cache_misses = counted->getTickerCount(rocksdb::BLOCK_CACHE_MISS);
    result.bloom_filter_useful = counted->getTickerCount(rocksdb::BLOOM_FILTER_USEFUL);
    result.write_stall_micros = counted->getTickerCount(rocksdb::STALL_MICROS);
  }
  return result;
}

}  // namespace varve::detail::rocks
