// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/file_system.hpp>
#include <varve/concepts/write_batch.hpp>
#include <varve/layers/wal/entries.hpp>
#include <varve/wal/log_follower.hpp>
#include <varve/wal/log_options.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace varve::detail {

/// The acknowledged batches of a log that is being written, from one on. Must die before its
/// engine.
///
/// Threads  one at a time, beside the writers.
template <FileSystem FS>
class WalTail {
 public:
  WalTail(FS files, std::string directory, LogOptions options, std::uint64_t from,
          const std::atomic<std::uint64_t>& acknowledged)
      : files_(std::make_unique<FS>(std::move(files))),
        follower_(*files_, std::move(directory), std::move(options), from),
        acknowledged_(&acknowledged) {
    next();
  }

  [[nodiscard]] bool valid() const noexcept { return sequence_ != 0; }
  [[nodiscard]] std::uint64_t sequence() const noexcept { return sequence_; }
  [[nodiscard]] const WriteBatch& batch() const noexcept { return batch_; }

  /// Moves on; at the end, looks whether more has come.
  void next() {
    sequence_ = 0;
    while (const auto entry = follower_.next(acknowledged_->load(std::memory_order_acquire))) {
      BytesView payload = entry->payload;
      if (entry->kind == LogEntryKind::batch_and_drop) {
        static_cast<void>(dropped_trees(payload));
      } else if (entry->kind != LogEntryKind::batch) {
        continue;
      }
      batch_ = WriteBatch::from_bytes(payload);
      sequence_ = entry->sequence;
      return;
    }
  }

 private:
  std::unique_ptr<FS> files_;
  LogFollower<FS> follower_;
  const std::atomic<std::uint64_t>* acknowledged_;
  std::uint64_t sequence_ = 0;  ///< 0 where there is no batch
  WriteBatch batch_;
};

}  // namespace varve::detail
