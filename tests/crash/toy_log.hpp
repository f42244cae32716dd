// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/io/crc32c.hpp>
#include <varve/io/durable_file.hpp>
#include <varve/testing/minimal_engine.hpp>
#include <varve/testing/simulated_file_system.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve_test {

/// What can be wrong with a log. Each is a fault that stores were shipped with.
enum class ToyBug : std::uint8_t {
  none,
  no_sync,
  no_directory_sync,
  no_checksum,
  sync_retried,
  rename_without_sync,
  truncation_not_synced,
  ack_before_sync,
  sequence_reuse,
  torn_misreported,
};

/// A store that is as small as one can be: records in one file, read whole when it is opened, and
/// written anew at `flush`. The testing kit is proved on it and on its bugs.
///
/// A record is: CRC-32C of what follows, 4 bytes; length of the payload, 4; sequence, 8; payload: a
/// kind and a batch, or the name of a tree.
class ToyLog {
 public:
  using Disk = varve::testing::SimulatedFileSystem;
  using Bytes = varve::BytesView;

  explicit ToyLog(const Disk& disk, ToyBug bug = ToyBug::none) : disk_(disk), bug_(bug) {
    disk_.create_directory("db");
    disk_.sync_directory("");
    if (!disk_.exists(path)) {
      file_.emplace(disk_.open(path, varve::OpenMode::create));
      sync_directory();
    } else {
      file_.emplace(disk_.open(path, varve::OpenMode::write));
    }
    recover();
  }

  void write(const varve::WriteBatch& batch, varve::Durability durability) {
    log('w', batch.bytes(), durability, [&] { memory_.write(batch); });
  }

  varve::Tree open_tree(Bytes name) {
    if (const auto found = memory_.find_tree(name)) return *found;
    log('o', name, varve::Durability::synced, [&] { (void)memory_.open_tree(name); });
    return *memory_.find_tree(name);
  }

  void drop_tree(varve::Tree tree) {
    for (const varve::TreeInfo& info : memory_.trees()) {
      if (info.tree != tree) continue;
      log('d', info.name, varve::Durability::synced, [&] { memory_.drop_tree(tree); });
      return;
    }
    throw varve::Error(varve::ErrorKind::invalid_argument, {.message = "there is no such tree"});
  }

  /// Writes the log anew and puts the new one in its place.
  void flush() {
    check_poison();
    guarded([&] {
      const std::string aside = std::string(path) + ".new";
      if (disk_.exists(aside)) disk_.remove(aside);
      auto file = disk_.open(aside, varve::OpenMode::create);
      file.write_at(0, records_);
      if (bug_ != ToyBug::rename_without_sync) file.sync();
      disk_.rename(aside, path);
      sync_directory();
      file_.emplace(std::move(file));
    });
  }

  [[nodiscard]] std::vector<varve::TreeInfo> trees() const { return memory_.trees(); }
  [[nodiscard]] auto scan(varve::Tree tree, varve::KeyRange range) const {
    return memory_.scan(tree, range);
  }
  struct Recovery {
    bool torn_tail = false;
  };
  [[nodiscard]] Recovery recovery() const noexcept { return {torn_}; }
  [[nodiscard]] std::uint64_t last_sequence() const noexcept { return sequence_; }

 private:
  static constexpr const char* path = "db/log";
  static constexpr std::size_t head_bytes = 16;

  template <class Apply>
  void log(char kind, Bytes payload, varve::Durability durability, Apply apply) {
    check_poison();
    const std::string record = encode(sequence_ + 1, std::string(1, kind).append(payload));
    guarded([&] {
      if (durability == varve::Durability::buffered || bug_ == ToyBug::no_sync) {
        file_->write_at(records_.size(), record);
      } else if (bug_ == ToyBug::ack_before_sync) {
        file_->sync();
        file_->write_at(records_.size(), record);
      } else if (bug_ == ToyBug::truncation_not_synced && written_) {
        file_->write_through(records_.size(), record);
      } else {
        file_->write_at(records_.size(), record);
        sync();
      }
    });
    written_ = durability == varve::Durability::synced;
    records_ += record;
    ++sequence_;
    apply();
  }

  void sync() {
    try {
      file_->sync();
    } catch (const varve::Error&) {
      if (bug_ != ToyBug::sync_retried) throw;
      file_->sync();
    }
  }

  template <class Call>
  void guarded(Call call) {
    try {
      call();
    } catch (const varve::Error&) {
      poisoned_ = bug_ != ToyBug::sequence_reuse;
      throw;
    }
  }

  void check_poison() const {
    if (!poisoned_) return;
    throw varve::Error(varve::ErrorKind::poisoned, {.message = "an earlier write failed"});
  }

  void sync_directory() {
    if (bug_ != ToyBug::no_directory_sync) disk_.sync_directory("db");
  }

  static std::string encode(std::uint64_t sequence, Bytes payload) {
    std::string record(head_bytes, '\0');
    const auto size = static_cast<std::uint32_t>(payload.size());
    std::memcpy(record.data() + 4, &size, 4);
    std::memcpy(record.data() + 8, &sequence, 8);
    record.append(payload);
    const std::uint32_t sum = varve::crc32c(Bytes(record).substr(4));
    std::memcpy(record.data(), &sum, 4);
    return record;
  }

  /// Reads as far as there are records, cuts the rest off, and puts on disk what it answers from.
  void recover() {
    std::string bytes(static_cast<std::size_t>(file_->size()), '\0');
    bytes.resize(file_->read_at(0, bytes));
    while (const std::size_t size = next(bytes)) {
      apply(bytes[records_.size() + head_bytes],
            Bytes(bytes).substr(records_.size() + head_bytes + 1, size - head_bytes - 1));
      records_.append(bytes, records_.size(), size);
    }
    torn_ = records_.size() < bytes.size() || bug_ == ToyBug::torn_misreported;
    if (records_.size() < bytes.size()) file_->truncate(records_.size());
    if (bug_ == ToyBug::truncation_not_synced) {
      if (!records_.empty()) file_->write_through(0, records_);
      written_ = true;
    } else {
      if (!records_.empty()) file_->write_at(0, records_);
      if (bug_ != ToyBug::no_sync) file_->sync();
    }
    sync_directory();
  }

  /// The size of the record after those that were read; 0 where there is none.
  std::size_t next(Bytes bytes) {
    const Bytes rest = bytes.substr(records_.size());
    if (rest.size() <= head_bytes) return 0;
    std::uint32_t sum = 0;
    std::uint32_t size = 0;
    std::uint64_t sequence = 0;
    std::memcpy(&sum, rest.data(), 4);
    std::memcpy(&size, rest.data() + 4, 4);
    std::memcpy(&sequence, rest.data() + 8, 8);
    if (size == 0 || size > rest.size() - head_bytes) return 0;
    const bool sound = sum == varve::crc32c(rest.substr(4, head_bytes - 4 + size));
    if (!sound && bug_ != ToyBug::no_checksum) return 0;
    if (sequence != sequence_ + 1) return 0;
    sequence_ = sequence;
    return head_bytes + size;
  }

  void apply(char kind, Bytes payload) {
    if (kind == 'o') (void)memory_.open_tree(payload);
    if (kind == 'd') memory_.drop_tree(memory_.find_tree(payload).value());
    if (kind == 'w') memory_.write(varve::WriteBatch::from_bytes(payload));
  }

  Disk disk_;
  ToyBug bug_;
  std::optional<varve::testing::SimulatedFile> file_;
  varve::testing::MinimalEngine memory_;
  std::string records_;
  std::uint64_t sequence_ = 0;
  bool torn_ = false;
  bool written_ = false;
  bool poisoned_ = false;
};

}  // namespace varve_test
