// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb/errors.hpp>
#include <varve/adapters/rocksdb/store.hpp>
#include <varve/concepts/key_range.hpp>

#include <rocksdb/db.h>
#include <rocksdb/metadata.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace varve::detail::rocks {

/// Estimates the keys of a range from what RocksDB keeps about its memory and its files; reads at
/// most index blocks.
class Counting {
 public:
  Counting(const Store& store, rocksdb::ColumnFamilyHandle* family, KeyRange range)
      : database_(store.database()), family_(family), bounds_(range) {}

  [[nodiscard]] std::uint64_t estimate() const {
    if (bounds_.empty()) return 0;
    return in_memory() + in_files();
  }

 private:
  [[nodiscard]] std::uint64_t property(const char* name) const {
    std::uint64_t value = 0;
    return database_.GetIntProperty(family_, name, &value) ? value : 0;
  }

  [[nodiscard]] std::uint64_t in_memory_before(BytesView key) const {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
    const rocksdb::Range range(rocksdb::Slice(), slice(key));
    database_.GetApproximateMemTableStats(family_, range, &count, &bytes);
    return count;
  }

  /// Entries of memory tables: a key counts once for each time that it was written.
  [[nodiscard]] std::uint64_t in_memory() const {
    const std::uint64_t all = property("rocksdb.num-entries-active-mem-table") +
                              property("rocksdb.num-entries-imm-mem-tables");
    const std::uint64_t gone = 2 * (property("rocksdb.num-deletes-active-mem-table") +
                                    property("rocksdb.num-deletes-imm-mem-tables"));
    if (all == 0) return 0;
    const std::uint64_t end = bounds_.bounded() ? in_memory_before(bounds_.last()) : all;
    const std::uint64_t begin = bounds_.first().empty() ? 0 : in_memory_before(bounds_.first());
    const std::uint64_t entries = end > begin ? end - begin : 0;
    return scaled(entries, all > gone ? all - gone : 0, all);
  }

  /// The part of the files' bytes that lies in the range, of the files' entries.
  [[nodiscard]] std::uint64_t in_files() const {
    rocksdb::ColumnFamilyMetaData files;
    database_.GetColumnFamilyMetaData(family_, &files);
    std::uint64_t entries = 0;
    std::uint64_t deletions = 0;
    std::uint64_t bytes = 0;
    std::string last;
    for (const auto& level : files.levels) {
      for (const auto& file : level.files) {
        entries += file.num_entries;
        deletions += file.num_deletions;
        bytes += file.size;
        if (last < file.largestkey) last = file.largestkey;
      }
    }
    if (bytes == 0 || entries <= 2 * deletions) return 0;
    const bool everything = bounds_.first().empty() && !bounds_.bounded();
    if (everything) return entries - 2 * deletions;
    last.push_back('\0');
    return scaled(entries - 2 * deletions, bytes_in_range(last), bytes);
  }

  [[nodiscard]] std::uint64_t bytes_in_range(const std::string& end) const {
    const bool ends_before = bounds_.bounded() && bounds_.last() < end;
    const BytesView last = ends_before ? bounds_.last() : BytesView(end);
    if (last <= bounds_.first()) return 0;
    const rocksdb::Range range(slice(bounds_.first()), slice(last));
    rocksdb::SizeApproximationOptions options;
    options.include_files = true;
    options.include_memtables = false;
    std::uint64_t bytes = 0;
    check(database_.GetApproximateSizes(options, family_, &range, 1, &bytes), "approximate_count",
          family_->GetName());
    return bytes;
  }

  [[nodiscard]] static std::uint64_t scaled(std::uint64_t number, std::uint64_t part,
                                            std::uint64_t whole) noexcept {
    if (part >= whole) return number;
    const double share = static_cast<double>(part) / static_cast<double>(whole);
    return static_cast<std::uint64_t>(static_cast<double>(number) * share + 0.5);
  }

  rocksdb::DB& database_;
  rocksdb::ColumnFamilyHandle* family_;
  KeyBounds bounds_;
};

}  // namespace varve::detail::rocks
