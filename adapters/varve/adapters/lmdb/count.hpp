// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/cursor.hpp>
#include <varve/adapters/lmdb/error.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/key_range.hpp>

#include <lmdb.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace varve::lmdb {

/// Estimates the number of keys of a range, as one transaction sees it. LMDB counts whole trees
/// only, so a short range is counted, and of a long one the distance between neighbouring keys is
/// measured at some places, keys being taken for fractions of one.
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
    const std::uint64_t counted = walk(bounds_.first(), counted_exactly);
    if (counted < counted_exactly) return counted;
    return std::clamp(estimate(), counted, entries_);
  }

 private:
  static constexpr std::uint64_t counted_exactly = 4096;
  static constexpr std::uint64_t sample = 64;
  static constexpr int places = 32;

  /// The number of keys of the range at and after `first`, up to `most`; the keys at the two ends
  /// of the walk are kept.
  [[nodiscard]] std::uint64_t walk(BytesView first, std::uint64_t most) {
    MDB_val key{};
    MDB_val value{};
    std::uint64_t count = 0;
    int code = seek(cursor_.get(), first, key, value);
    for (; code == MDB_SUCCESS && count < most; ++count) {
      if (bounds_.passed_by(to_view(key))) return count;
      if (count == 0) from_ = to_view(key);
      to_ = to_view(key);
      code = mdb_cursor_get(cursor_.get(), &key, &value, MDB_NEXT);
    }
    if (code != MDB_NOTFOUND) check(code, "approximate_count");
    return count;
  }

  [[nodiscard]] std::uint64_t estimate() {
    const std::string first = from_;
    const std::string last = last_key();
    common_ = static_cast<std::size_t>(
        std::mismatch(first.begin(), first.end(), last.begin(), last.end()).first - first.begin());
    const double start = fraction(first);
    const double width = fraction(last) - start;
    if (width <= 0) return counted_exactly;
    double keys = 0;
    double at = start;
    for (int place = 1; place <= places; ++place) {
      const double end = start + width * place / places;
      const std::uint64_t count = walk(key_of(at, first), sample);
      const double spread = fraction(to_) - std::max(at, fraction(from_));
      if (count >= 2 && fraction(from_) < end && spread > 0) {
        keys += static_cast<double>(count - 1) * (end - std::max(at, fraction(from_))) / spread;
      }
      at = end;
    }
    return keys < static_cast<double>(entries_) ? static_cast<std::uint64_t>(keys) : entries_;
  }

  [[nodiscard]] std::string last_key() {
    MDB_val key{};
    MDB_val value{};
    if (bounds_.bounded()) {
      const int code = seek(cursor_.get(), bounds_.last(), key, value);
      if (code == MDB_SUCCESS) {
        check(mdb_cursor_get(cursor_.get(), &key, &value, MDB_PREV), "approximate_count");
        return std::string(to_view(key));
      }
      if (code != MDB_NOTFOUND) check(code, "approximate_count");
    }
    check(mdb_cursor_get(cursor_.get(), &key, &value, MDB_LAST), "approximate_count");
    return std::string(to_view(key));
  }

  /// The bytes after those that all keys of the range share, as a number from 0 to 1.
  [[nodiscard]] double fraction(BytesView key) const noexcept {
    double number = 0;
    double weight = 1;
    for (std::size_t i = common_; i < key.size() && i < common_ + 8; ++i) {
      weight /= 256;
      number += weight * static_cast<unsigned char>(key[i]);
    }
    return number;
  }

  [[nodiscard]] std::string key_of(double number, const std::string& first) const {
    std::string key = first.substr(0, common_);
    for (int i = 0; i < 6; ++i) {
      number *= 256;
      const auto byte = static_cast<unsigned char>(std::min(number, 255.0));
      key.push_back(static_cast<char>(byte));
      number -= byte;
    }
    return std::max(key, first);
  }

  const KeyBounds& bounds_;
  CursorHandle cursor_;
  std::uint64_t entries_ = 0;
  std::size_t common_ = 0;
  std::string from_;
  std::string to_;
};

}  // namespace varve::lmdb
