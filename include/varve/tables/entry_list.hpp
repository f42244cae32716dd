// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace varve::detail::tables {

/// The index entries of records, in one buffer.
class EntryList {
 public:
  struct Entry {
    std::uint32_t index = 0;  ///< which of the table's indexes
    std::size_t at = 0;       ///< where the key begins in the buffer; the value follows it
    std::size_t key_size = 0;
    std::size_t value_size = 0;
  };

  /// Starts an entry: append its key to `bytes()`, then `end_key()`, its value, then `end()`.
  void begin(std::uint32_t index) { entries_.push_back({index, bytes_.size(), 0, 0}); }
  void end_key() { entries_.back().key_size = bytes_.size() - entries_.back().at; }
  void end() {
    Entry& entry = entries_.back();
    entry.value_size = bytes_.size() - entry.at - entry.key_size;
  }

  [[nodiscard]] std::string& bytes() noexcept { return bytes_; }

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] const Entry& operator[](std::size_t i) const noexcept { return entries_[i]; }
  [[nodiscard]] BytesView key(std::size_t i) const noexcept {
    return BytesView(bytes_).substr(entries_[i].at, entries_[i].key_size);
  }
  [[nodiscard]] BytesView value(std::size_t i) const noexcept {
    return BytesView(bytes_).substr(entries_[i].at + entries_[i].key_size, entries_[i].value_size);
  }

  /// Brings the entries from `first` on in order of index and key, each of them once.
  void sort_from(std::size_t first) {
    if (size() - first < 2) return;
    const auto key_of = [&](const Entry& e) { return BytesView(bytes_).substr(e.at, e.key_size); };
    const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto before = [&](const Entry& a, const Entry& b) {
      return a.index != b.index ? a.index < b.index : key_of(a) < key_of(b);
    };
    if (!std::is_sorted(begin, entries_.end(), before)) {
      std::sort(begin, entries_.end(), before);
    }
    const auto same = [&](const Entry& a, const Entry& b) {
      return a.index == b.index && key_of(a) == key_of(b);
    };
    entries_.erase(std::unique(begin, entries_.end(), same), entries_.end());
  }

  [[nodiscard]] std::size_t byte_count() const noexcept { return bytes_.size(); }

  /// Back to so many entries in so many bytes.
  void cut(std::size_t entries, std::size_t bytes) noexcept {
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(entries), entries_.end());
    bytes_.erase(bytes);
  }

  void clear() noexcept {
    bytes_.clear();
    entries_.clear();
  }

 private:
  std::string bytes_;
  std::vector<Entry> entries_;
};

/// A negative number, zero or a positive one, as the first entry stands before the second, at it or
/// after it.
[[nodiscard]] inline int compare(const EntryList& a, std::size_t i, const EntryList& b,
                                 std::size_t j) noexcept {
  if (a[i].index != b[j].index) return a[i].index < b[j].index ? -1 : 1;
  return a.key(i).compare(b.key(j));
}

}  // namespace varve::detail::tables
