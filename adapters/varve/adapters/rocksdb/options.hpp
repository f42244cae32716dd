// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rocksdb/options.h>

#include <cstddef>
#include <functional>

namespace varve {

/// How a RocksDB store is opened.
struct RocksOptions {
  /// The cache of blocks read from table files; all trees share it.
  std::size_t block_cache_bytes = std::size_t{256} << 20U;

  /// The memory in which a tree collects writes before they become a table file. A tree may hold
  /// two of these, and all trees together about four.
  std::size_t write_buffer_bytes = std::size_t{64} << 20U;

  /// Threads that flush and compact.
  int background_jobs = 2;

  /// Whether table files are compressed: with LZ4, or Snappy, or not at all, by what this build of
  /// RocksDB has.
  bool compress = true;

  /// Whether writes go to RocksDB's own log. Without it a `buffered` write is lost with the process
  /// unless `flush()` came after it, `flush()` writes out the memory of all trees as one, and a
  /// `synced` write does that each time: for a layer above that keeps a log of its own.
  bool write_ahead_log = true;

  /// The size at which the engine's log of messages (`LOG`) starts anew; two old ones are kept.
  std::size_t info_log_bytes = std::size_t{4} << 20U;

  /// Whether RocksDB counts its operations (`rocksdb::Statistics`); costs a few per cent.
  bool collect_statistics = false;

  /// Sees RocksDB's own options last, once for the whole store; every tree gets the second. The
  /// comparator, the log's recycling and `atomic_flush` without a log are not for change, and are
  /// refused or put back.
  std::function<void(rocksdb::DBOptions&, rocksdb::ColumnFamilyOptions&)> tune{};

  template <class Visit>
  void visit_fields(Visit&& visit) const {
    visit("block_cache_bytes", block_cache_bytes);
    visit("write_buffer_bytes", write_buffer_bytes);
    visit("background_jobs", background_jobs);
    visit("compress", compress);
    visit("write_ahead_log", write_ahead_log);
    visit("info_log_bytes", info_log_bytes);
    visit("collect_statistics", collect_statistics);
    visit("tuned", static_cast<bool>(tune));
  }
};

}  // namespace varve
