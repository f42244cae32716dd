// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>

#include <rocksdb/options.h>

#include <cstddef>
#include <cstdint>
#include <functional>

namespace varve {

/// Whether writes go to RocksDB's own log.
///
/// Without it a `buffered` write is lost with the process unless `flush()` came after it; `flush()`
/// writes out the memory of all trees as one, and a `synced` write does that each time: for a layer
/// above that keeps a log of its own.
enum class OwnLog : std::uint8_t {
  automatic,  ///< on, but off below a layer that keeps a log
  off,
  on,             ///< refused below a layer that keeps a log: every batch would be logged twice
  beside_another  ///< on, and logged twice below a layer that keeps a log
};

[[nodiscard]] constexpr const char* to_string(OwnLog own_log) noexcept {
  switch (own_log) {
    case OwnLog::automatic: return "automatic";
    case OwnLog::off: return "off";
    case OwnLog::on: return "on";
    case OwnLog::beside_another: return "beside_another";
  }
  return "unknown";
}

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

  OwnLog own_log = OwnLog::automatic;

  /// The size at which the engine's log of messages (`LOG`) starts anew; two old ones are kept.
  std::size_t info_log_bytes = std::size_t{4} << 20U;

  /// Whether RocksDB counts its operations (`rocksdb::Statistics`); costs a few per cent.
  bool collect_statistics = false;

  /// Sees RocksDB's own options last, once for the whole store; every tree gets the second. The
  /// comparator, the log's recycling and `atomic_flush` without a log are not for change, and are
  /// refused or put back.
  std::function<void(rocksdb::DBOptions&, rocksdb::ColumnFamilyOptions&)> tune{};

  [[nodiscard]] bool logs() const noexcept { return own_log != OwnLog::off; }

  /// Called by `varve::open` where a layer above keeps a log.
  void stand_below_log() {
    if (own_log == OwnLog::automatic) own_log = OwnLog::off;
    if (own_log != OwnLog::on) return;
    throw Error(
        ErrorKind::invalid_argument,
        {.message = "a layer above keeps a log, so every batch would be logged twice; leave "
                    "RocksOptions::own_log automatic, or say OwnLog::beside_another to "
                    "have both",
         .operation = "open",
         .layer = "rocksdb"});
  }

  template <class Visit>
  void visit_fields(Visit&& visit) const {
    visit("block_cache_bytes", block_cache_bytes);
    visit("write_buffer_bytes", write_buffer_bytes);
    visit("background_jobs", background_jobs);
    visit("compress", compress);
    visit("own_log", to_string(own_log));
    visit("info_log_bytes", info_log_bytes);
    visit("collect_statistics", collect_statistics);
    visit("tuned", static_cast<bool>(tune));
  }
};

}  // namespace varve
