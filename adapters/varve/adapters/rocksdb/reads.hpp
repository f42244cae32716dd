// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb/errors.hpp>
#include <varve/adapters/rocksdb/pinned.hpp>
#include <varve/adapters/rocksdb/slice_pool.hpp>
#include <varve/adapters/rocksdb/store.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/tree.hpp>

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/snapshot.h>

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace varve::detail::rocks {

/// The point reads, of the store as of a snapshot: they differ in the options and in how the tree
/// was found.
class Reads {
 public:
  static std::optional<RocksPinned> get(const Store& store, const rocksdb::ReadOptions& options,
                                        rocksdb::ColumnFamilyHandle* family, BytesView key) {
    RocksPinned pinned(SlicePool::take());
    std::optional<RocksPinned> value;
    if (read(store, options, family, key, *pinned.slice_, "get")) value.emplace(std::move(pinned));
    return value;
  }

  static bool contains(const Store& store, const rocksdb::ReadOptions& options,
                       rocksdb::ColumnFamilyHandle* family, BytesView key) {
    const RocksPinned value(SlicePool::take());
    return read(store, options, family, key, *value.slice_, "contains");
  }

  static void multi_get(const Store& store, const rocksdb::ReadOptions& options,
                        rocksdb::ColumnFamilyHandle* family, std::span<const BytesView> keys,
                        std::span<std::optional<RocksPinned>> values) {
    if (keys.size() != values.size()) {
      refuse(ErrorKind::invalid_argument,
             "multi_get takes as many values as keys; these are " + std::to_string(keys.size()) +
                 " keys and " + std::to_string(values.size()) + " values",
             "multi_get", family->GetName());
    }
    if (keys.size() <= chunk || options.snapshot != nullptr) {
      get_chunks(store, options, family, keys, values);
      return;
    }
    // Several calls read one state under a snapshot.
    rocksdb::ManagedSnapshot snapshot(&store.database());
    rocksdb::ReadOptions fixed = options;
    fixed.snapshot = snapshot.snapshot();
    get_chunks(store, fixed, family, keys, values);
  }

 private:
  static constexpr std::size_t chunk = 32;  ///< what RocksDB looks up together

  /// Whether the key is there.
  static bool read(const Store& store, const rocksdb::ReadOptions& options,
                   rocksdb::ColumnFamilyHandle* family, BytesView key,
                   rocksdb::PinnableSlice& value, const char* operation) {
    // With a timestamp, if of nobody: the other overload calls this one.
    const rocksdb::Status status =
        store.database().Get(options, family, slice(key), &value, nullptr);
    if (status.ok()) [[likely]]
      return true;
    if (!status.IsNotFound()) fail(status, operation, family->GetName());
    return false;
  }

  static void get_chunks(const Store& store, const rocksdb::ReadOptions& options,
                         rocksdb::ColumnFamilyHandle* family, std::span<const BytesView> keys,
                         std::span<std::optional<RocksPinned>> values) {
    bool sorted = true;
    for (std::size_t i = 1; sorted && i < keys.size(); ++i) sorted = keys[i - 1] <= keys[i];
    std::array<rocksdb::Slice, chunk> slices;
    std::array<rocksdb::PinnableSlice, chunk> found;
    std::array<rocksdb::Status, chunk> statuses;
    for (std::size_t start = 0; start < keys.size(); start += chunk) {
      const std::size_t left = keys.size() - start;
      const std::size_t count = left < chunk ? left : chunk;
      for (std::size_t i = 0; i < count; ++i) slices[i] = slice(keys[start + i]);
      store.database().MultiGet(options, family, count, slices.data(), found.data(),
                                statuses.data(), sorted);
      for (std::size_t i = 0; i < count; ++i) {
        std::optional<RocksPinned>& value = values[start + i];
        if (statuses[i].ok()) {
          value.emplace(RocksPinned(SlicePool::take()));
          *value->slice_ = std::move(found[i]);
        } else if (statuses[i].IsNotFound()) {
          value.reset();
        } else {
          fail(statuses[i], "multi_get", family->GetName());
        }
        found[i].Reset();
      }
    }
  }
};

}  // namespace varve::detail::rocks
