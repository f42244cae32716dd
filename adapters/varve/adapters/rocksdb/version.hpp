// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/version.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

// What differs between RocksDB 7.8 and 11, and nothing else.
#define VARVE_ROCKSDB_VERSION (ROCKSDB_MAJOR * 100 + ROCKSDB_MINOR)

static_assert(VARVE_ROCKSDB_VERSION >= 708, "varve needs RocksDB 7.8 or later");

namespace varve::detail::rocks {

/// `DB::Open` into an owner. The form with a plain pointer ended with 11.0; that with an owner came
/// with 9.11.
inline rocksdb::Status open_database(const rocksdb::DBOptions& options,
                                     const std::string& directory,
                                     const std::vector<rocksdb::ColumnFamilyDescriptor>& families,
                                     std::vector<rocksdb::ColumnFamilyHandle*>& handles,
                                     std::unique_ptr<rocksdb::DB>& database) {
#if VARVE_ROCKSDB_VERSION >= 911
  return rocksdb::DB::Open(options, directory, families, &handles, &database);
#else
  rocksdb::DB* opened = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(options, directory, families, &handles, &opened);
  database.reset(opened);
  return status;
#endif
}

/// A `HyperClockCache`. Since 10.7 it finds the size of its table by itself.
inline std::shared_ptr<rocksdb::Cache> make_block_cache(std::size_t bytes, std::size_t block_size) {
#if VARVE_ROCKSDB_VERSION >= 1007
  static_cast<void>(block_size);
  return rocksdb::HyperClockCacheOptions(bytes, 0).MakeSharedCache();
#else
  return rocksdb::HyperClockCacheOptions(bytes, block_size).MakeSharedCache();
#endif
}

}  // namespace varve::detail::rocks
