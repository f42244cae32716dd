// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb/errors.hpp>
#include <varve/adapters/rocksdb/options.hpp>
#include <varve/adapters/rocksdb/version.hpp>

#include <rocksdb/comparator.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/statistics.h>
#include <rocksdb/table.h>

#include <cstddef>
#include <initializer_list>
#include <memory>

namespace varve::detail::rocks {

/// What RocksDB is opened with.
struct EngineOptions {
  rocksdb::DBOptions database;
  rocksdb::ColumnFamilyOptions family;
  std::shared_ptr<rocksdb::Cache> block_cache;
};

[[nodiscard]] inline rocksdb::CompressionType fastest_compression() {
  for (const auto wanted : {rocksdb::kLZ4Compression, rocksdb::kSnappyCompression}) {
    for (const auto supported : rocksdb::GetSupportedCompressions()) {
      if (supported == wanted) return wanted;
    }
  }
  return rocksdb::kNoCompression;
}

[[nodiscard]] inline rocksdb::DBOptions database_options(const RocksOptions& options) {
  rocksdb::DBOptions database;
  database.create_if_missing = true;
  database.max_background_jobs = options.background_jobs;
  database.db_write_buffer_size = 4 * options.write_buffer_bytes;
  database.atomic_flush = !options.logs();
  database.bytes_per_sync = std::size_t{1} << 20U;
  database.max_log_file_size = options.info_log_bytes;
  database.keep_log_file_num = 3;
  database.stats_dump_period_sec = 0;
  database.stats_persist_period_sec = 0;
  if (options.collect_statistics) database.statistics = rocksdb::CreateDBStatistics();
  // A record that a crash cut off at the end of a log was never acknowledged; any other damage is
  // an error. The default mode would drop what follows the damage without a word. A recycled log
  // ends in old records, which cannot be told from damage.
  database.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  database.recycle_log_file_num = 0;
  return database;
}

[[nodiscard]] inline EngineOptions make_engine_options(const RocksOptions& options) {
  EngineOptions made;
  made.database = database_options(options);

  rocksdb::BlockBasedTableOptions table;
  made.block_cache = make_block_cache(options.block_cache_bytes, table.block_size);
  table.block_cache = made.block_cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.optimize_filters_for_memory = true;
  made.family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  made.family.write_buffer_size = options.write_buffer_bytes;
  made.family.level_compaction_dynamic_level_bytes = true;
  made.family.compression = options.compress ? fastest_compression() : rocksdb::kNoCompression;

  if (options.tune) options.tune(made.database, made.family);
  if (!options.logs()) made.database.atomic_flush = true;
  if (made.family.comparator != rocksdb::BytewiseComparator()) {
    refuse(ErrorKind::invalid_argument,
           "keys are ordered as unsigned bytes; tune must leave the comparator alone", "open");
  }
  return made;
}

}  // namespace varve::detail::rocks
