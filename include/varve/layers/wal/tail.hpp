// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/file_system.hpp>
#include <varve/layers/wal/entries.hpp>
#include <varve/layers/wal/options.hpp>
#include <varve/wal/log_tail.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace varve::detail {
LogOptions log_options(const WalOptions& options);
template <FileSystem FS>
class WalTail {
 public:
  WalTail(FS files, std::string d, WalOptions o, std::uint64_t from,
          const std::atomic<std::uint64_t>& limit)
      : files_(std::make_unique<FS>(files)),
        reader_(std::make_unique<LogReader<FS>>(*files_, d, log_options(o))),
        from_(from),
        limit_(&limit) {
    next();
  }
  bool valid() const noexcept { return valid_; }
  std::uint64_t sequence() const noexcept { return sequence_; }
  const WriteBatch& batch() const noexcept { return batch_; }
  void next() {
    valid_ = false;
    while (reader_->next()) {
      const LogEntry& e = reader_->entry();
      if (e.sequence < from_ || e.sequence > limit_->load()) continue;
      BytesView p = e.payload;
      if (e.kind == LogEntryKind::batch_and_drop)
        (void)dropped_trees(p);
      else if (e.kind != LogEntryKind::batch)
        continue;
      batch_ = WriteBatch::from_bytes(p);
      sequence_ = e.sequence;
      valid_ = true;
      return;
    }
  }

 private:
  std::unique_ptr<FS> files_;
  std::unique_ptr<LogReader<FS>> reader_;
  std::uint64_t from_;
  const std::atomic<std::uint64_t>* limit_;
  WriteBatch batch_;
  std::uint64_t sequence_ = 0;
  bool valid_ = false;
};
}  // namespace varve::detail
