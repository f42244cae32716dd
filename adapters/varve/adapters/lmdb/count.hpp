// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/cursor.hpp>
#include <varve/adapters/lmdb/error.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/key_range.hpp>

#include <lmdb.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace varve::lmdb {

/// Estimates the number of keys of a range, as one transaction sees it. LMDB counts whole trees
/// only; a short range is counted, and of a long one the share of the tree is estimated from where
/// its two ends lie among the bytes that keys have at their places.
class RangeEstimate {
 public:
  RangeEstimate(MDB_txn* transaction, MDB_dbi database, const KeyBounds& bounds) : bounds_(bounds) {
    MDB_stat stat{};
    check(mdb_stat(transaction, database, &stat), "approximate_count");
    entries_ = stat.ms_entries;
    MDB_cursor* cursor = nullptr;
    check(mdb_cursor_open(transaction, database, &cursor), "approximate_count");
    cursor_.reset(cursor);
  }

  [[nodiscard]] std::uint64_t result() {
    if (bounds_.empty() || entries_ == 0) return 0;
    if (bounds_.first().empty() && !bounds_.bounded()) return entries_;
    const std::uint64_t counted = count_short();
    if (counted < counted_exactly) return counted;
    const double last = bounds_.bounded() ? rank(bounds_.last()) : 1;
    const double share = last - rank(bounds_.first());
    if (share <= 0) return counted;
    const auto estimate = static_cast<std::uint64_t>(share * static_cast<double>(entries_));
    if (estimate > entries_) return entries_;
    return estimate < counted ? counted : estimate;
  }

 private:
  static constexpr std::uint64_t counted_exactly = 4096;
  static constexpr double finest_share = 1e-4;

  [[nodiscard]] bool move(BytesView to) {
    const int code = seek(cursor_.get(), to, key_, value_);
    if (code != MDB_SUCCESS && code != MDB_NOTFOUND) check(code, "approximate_count");
    return code == MDB_SUCCESS;
  }

  [[nodiscard]] std::uint64_t count_short() {
    std::uint64_t count = 0;
    bool there = move(bounds_.first());
    for (; there && count < counted_exactly && !bounds_.passed_by(to_view(key_)); ++count) {
      const int code = mdb_cursor_get(cursor_.get(), &key_, &value_, MDB_NEXT);
      if (code != MDB_NOTFOUND) check(code, "approximate_count");
      there = code == MDB_SUCCESS;
    }
    return count;
  }

  /// The share of the keys that are less than `key`, from 0 to 1: byte by byte, by the number of
  /// smaller bytes that keys have there, each of which is taken to begin as many keys.
  [[nodiscard]] double rank(BytesView key) {
    double less = 0;
    double share = 1;
    for (std::size_t place = 0; place < key.size() && share > finest_share; ++place) {
      const BytesView prefix = key.substr(0, place);
      const auto byte = static_cast<unsigned char>(key[place]);
      int smaller = 0;
      int all = 0;
      bool met = false;
      std::string at(prefix);
      for (bool there = move(at); there && to_view(key_).substr(0, place) == prefix;
           there = move(at)) {
        ++all;
        at.resize(place);
        if (key_.mv_size == place) {  // The prefix is itself a key.
          ++smaller;
          at.push_back('\0');
          continue;
        }
        const auto found = static_cast<unsigned char>(to_view(key_)[place]);
        if (found < byte) ++smaller;
        if (found == byte) met = true;
        if (found == 0xff) break;
        at.push_back(static_cast<char>(found + 1U));
      }
      if (all == 0) return less;
      less += share * smaller / all;
      if (!met) return less;
      share /= all;
    }
    return less;
  }

  const KeyBounds& bounds_;
  CursorHandle cursor_;
  std::uint64_t entries_ = 0;
  MDB_val key_{};
  MDB_val value_{};
};

}  // namespace varve::lmdb
