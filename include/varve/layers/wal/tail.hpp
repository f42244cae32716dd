// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/file_system.hpp>
#include <varve/layers/wal/entries.hpp>
#include <varve/wal/log_options.hpp>
#include <varve/wal/log_reader.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

namespace varve::detail {

/// The acknowledged batches of a log that is being written, from one on. Reads about a MiB ahead.
/// Must die before its engine.
///
/// Threads  one at a time, beside the writers.
template <FileSystem FS>
class WalTail {
 public:
  WalTail(FS files, std::string directory, LogOptions options, std::uint64_t from,
          const std::atomic<std::uint64_t>& acknowledged)
      : files_(std::make_unique<FS>(std::move(files))),
        directory_(std::move(directory)),
        options_(std::move(options)),
        wanted_(from == 0 ? 1 : from),
        acknowledged_(&acknowledged) {
    fill();
  }

  [[nodiscard]] bool valid() const noexcept { return !batches_.empty(); }
  [[nodiscard]] std::uint64_t sequence() const noexcept { return batches_.front().first; }
  [[nodiscard]] const WriteBatch& batch() const noexcept { return batches_.front().second; }

  /// Moves on; at the end, looks whether more has come.
  void next() {
    if (!batches_.empty()) batches_.pop_front();
    if (batches_.empty()) fill();
  }

 private:
  static constexpr std::size_t ahead_bytes = std::size_t{1} << 20U;

  // A segment may be forgotten between being listed and being read: then it is looked for again.
  void fill() {
    for (int attempt = 0;; ++attempt) {
      try {
        while (batches_.empty() && wanted_ <= acknowledged_->load(std::memory_order_acquire)) {
          read_ahead();
        }
        return;
      } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_supported || attempt == 3) throw;
      }
    }
  }

  void read_ahead() {
    const std::uint64_t before = wanted_;
    LogReader<FS> live(*files_, directory_, options_, wanted_);
    if (live.first() <= wanted_) {
      read(live);
    } else if (!options_.archive_directory.empty()) {
      LogReader<FS> archived(*files_, options_.archive_directory, options_, wanted_);
      if (archived.first() <= wanted_) read(archived);
    }
    if (wanted_ != before) return;
    throw Error(ErrorKind::not_supported,
                {.message = "the log reaches back to " + std::to_string(live.first()) +
                            " only; take a copy of the store and go on from there, and give "
                            "WalOptions::archive_directory to keep more",
                 .operation = "tail",
                 .layer = "wal"});
  }

  void read(LogReader<FS>& reader) {
    const std::uint64_t last = acknowledged_->load(std::memory_order_acquire);
    std::size_t bytes = 0;
    while (wanted_ <= last && bytes < ahead_bytes && reader.next()) {
      const LogEntry& entry = reader.entry();
      if (entry.sequence < wanted_) continue;
      wanted_ = entry.sequence + 1;
      BytesView payload = entry.payload;
      if (entry.kind == LogEntryKind::batch_and_drop) {
        static_cast<void>(dropped_trees(payload));
      } else if (entry.kind != LogEntryKind::batch) {
        continue;
      }
      batches_.emplace_back(entry.sequence, WriteBatch::from_bytes(payload));
      bytes += payload.size();
    }
  }

  std::unique_ptr<FS> files_;
  std::string directory_;
  LogOptions options_;
  std::uint64_t wanted_;  ///< what is read next
  const std::atomic<std::uint64_t>* acknowledged_;
  std::deque<std::pair<std::uint64_t, WriteBatch>> batches_;
};

}  // namespace varve::detail
