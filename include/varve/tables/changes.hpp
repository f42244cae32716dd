// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/write_batch.hpp>
#include <varve/tables/core.hpp>
#include <varve/tables/entry_list.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail::tables {

/// An item that gets its number when the batch is written, under the lock of its queue: so numbers
/// have no gaps, and items are seen in their order.
struct Push {
  Tree queue;
  std::uint32_t lock = 0;
  /// Adds the item to a batch that has so many of the same queue before it.
  std::function<void(WriteBatch& batch, std::uint64_t before)> add;
};

/// Records that are to be put or erased, of any tables, with the index entries that they will have.
class Changes {
 public:
  struct Change {
    const TableCore* table = nullptr;
    std::size_t key_at = 0;
    std::size_t record_at = 0;
    std::size_t end = 0;
    std::size_t first_entry = 0;
    std::size_t last_entry = 0;
    bool erased = false;
  };

  /// Has the strong guarantee, whatever the functions of an index throw.
  template <class Schema>
  void put(const TableCore& table, const typename Schema::Record& record) {
    const Rollback rollback(*this);
    Change change{&table, bytes_.size(), 0, 0, entries_.size(), 0, false};
    Schema::Key::append(record, bytes_);
    change.record_at = bytes_.size();
    Schema::Codec::encode(record, bytes_);
    change.end = bytes_.size();
    const BytesView key = BytesView(bytes_).substr(change.key_at, change.record_at - change.key_at);
    Schema::append_entries(record, key, entries_);
    change.last_entry = entries_.size();
    changes_.push_back(change);
  }

  void erase(const TableCore& table, BytesView key) {
    const Rollback rollback(*this);
    Change change{&table, bytes_.size(), 0, 0, entries_.size(), entries_.size(), true};
    bytes_.append(key);
    change.record_at = change.end = bytes_.size();
    changes_.push_back(change);
  }

  /// Keeps the table until the changes are cleared.
  void keep(const std::shared_ptr<const TableCore>& table) {
    for (const auto& kept : kept_) {
      if (kept == table) return;
    }
    kept_.push_back(table);
  }

  [[nodiscard]] std::size_t size() const noexcept { return changes_.size(); }
  [[nodiscard]] const Change& operator[](std::size_t i) const noexcept { return changes_[i]; }
  [[nodiscard]] BytesView key(const Change& change) const noexcept {
    return BytesView(bytes_).substr(change.key_at, change.record_at - change.key_at);
  }
  [[nodiscard]] BytesView record(const Change& change) const noexcept {
    return BytesView(bytes_).substr(change.record_at, change.end - change.record_at);
  }
  [[nodiscard]] const EntryList& entries() const noexcept { return entries_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_.size() + entries_.byte_count(); }

  void clear() noexcept {
    bytes_.clear();
    entries_.clear();
    changes_.clear();
    kept_.clear();
  }

 private:
  /// Takes back what was begun and not finished.
  class Rollback {
   public:
    explicit Rollback(Changes& of) noexcept
        : of_(of),
          bytes_(of.bytes_.size()),
          entries_(of.entries_.size()),
          entry_bytes_(of.entries_.byte_count()),
          count_(of.changes_.size()) {}
    Rollback(const Rollback&) = delete;
    Rollback& operator=(const Rollback&) = delete;
    ~Rollback() {
      if (of_.changes_.size() != count_) return;
      of_.bytes_.resize(bytes_);
      of_.entries_.cut(entries_, entry_bytes_);
    }

   private:
    Changes& of_;
    std::size_t bytes_;
    std::size_t entries_;
    std::size_t entry_bytes_;
    std::size_t count_;
  };

  std::string bytes_;
  EntryList entries_;
  std::vector<Change> changes_;
  std::vector<std::shared_ptr<const TableCore>> kept_;
};

}  // namespace varve::detail::tables
