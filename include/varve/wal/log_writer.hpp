// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/durability.hpp>
#include <varve/concepts/error.hpp>
#include <varve/concepts/file_system.hpp>
#include <varve/io/random_bytes.hpp>
#include <varve/wal/closed_segment.hpp>
#include <varve/wal/log_archive.hpp>
#include <varve/wal/log_entry.hpp>
#include <varve/wal/log_format.hpp>
#include <varve/wal/log_options.hpp>
#include <varve/wal/log_reader.hpp>
#include <varve/wal/log_spares.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve {

/// Writes a log. After a failure it writes nothing more and throws `poisoned`: what failed may or
/// may not be on disk, which the next reader finds out.
///
/// Threads  one at a time.
template <FileSystem FS>
class LogWriter {
  using File = decltype(std::declval<FS&>().open(BytesView(), OpenMode::read));

 public:
  /// Goes on where `reader` found the end: what it read is brought to disk first, and a new segment
  /// keeps what it cut off from ever being read. The first entry is `next`, which is not less than
  /// the one after the last that was read.
  LogWriter(FS& files, std::string directory, LogOptions options, const LogReader<FS>& reader,
            std::uint64_t next)
      : files_(files),
        directory_(std::move(directory)),
        options_(std::move(options)),
        archive_(files_, directory_, options_),
        spares_(files_, directory_, options_),
        closed_(reader.closed().begin(), reader.closed().end()) {
    for (const std::uint64_t number : reader.headless()) {
      files_.remove(path(number));
      files_.sync_directory(directory_);
    }
    const std::uint64_t follows = closed_.empty() ? 0 : closed_.back().end;
    if (!closed_.empty()) {
      // Where a sync failed once, what can be read need not be on disk, and a sync alone passes it
      // over.
      auto last = files_.open(path(closed_.back().number), OpenMode::write);
      last.write_at(0, reader.last_segment());
      last.sync();
      files_.sync_directory(directory_);
    }
    head_.log = reader.log() != 0 ? reader.log() : random_bits() | 1U;
    head_.number = reader.last_number();
    written_ = durable_ = next - 1;
    start_segment(follows, next);
  }

  /// Adds an entry to the group. No I/O.
  void append(LogEntryKind kind, std::uint64_t sequence, BytesView payload) {
    check_alive();
    if (payload.size() > std::numeric_limits<std::uint32_t>::max()) {
      throw Error(
          ErrorKind::invalid_argument,
          {.message = "an entry of the log is below 4 GiB", .operation = "write", .layer = "wal"});
    }
    detail::append_record(group_, head_,
                          {.sequence = sequence,
                           .durable = durable_,
                           .size = static_cast<std::uint32_t>(payload.size()),
                           .kind = kind},
                          payload);
    appended_ = sequence;
  }

  /// Writes the group: `synced`, on disk when it returns, and all before it; `buffered`, handed to
  /// the system.
  void write(Durability durability) {
    check_alive();
    if (group_.empty()) {
      if (durability == Durability::synced) sync();
      return;
    }
    attempt([&] {
      const std::size_t size = group_.size();
      // Behind it begins what the file was before.
      if (head_.recycled) group_.append(detail::record_head_bytes, '\0');
      if (offset_ + group_.size() > filled_) fill();
      const bool clean = durable_ == written_;
      if (durability == Durability::synced && clean) {
        file_->write_through(offset_, group_);
      } else {
        file_->write_at(offset_, group_);
        if (durability == Durability::synced) file_->sync();
      }
      offset_ += size;
      group_.clear();
      written_ = appended_;
      if (durability == Durability::synced) durable_ = written_;
      if (offset_ >= options_.segment_bytes) next_segment();
    });
  }

  /// Returns when everything that was written is on disk.
  void sync() {
    check_alive();
    if (durable_ == written_) return;
    attempt([&] {
      file_->sync();
      durable_ = written_;
    });
  }

  [[nodiscard]] std::uint64_t written_sequence() const noexcept { return written_; }
  [[nodiscard]] std::uint64_t durable_sequence() const noexcept { return durable_; }

  /// The segments whose entries are all at or before `sequence`.
  [[nodiscard]] std::vector<ClosedSegment> closed(std::uint64_t sequence) const {
    std::vector<ClosedSegment> found;
    for (const ClosedSegment& segment : closed_) {
      if (segment.end <= sequence + 1) found.push_back(segment);
    }
    return found;
  }

  /// Lets go of those: archives what is not in the archive, and keeps their files to be used again,
  /// or removes them. One at a time, so that no crash leaves a hole.
  void forget(std::uint64_t sequence) {
    check_alive();
    for (;;) {
      if (forgot_) {
        files_.sync_directory(directory_);
        spares_.settle();
        forgot_ = false;
      }
      if (closed_.empty() || closed_.front().end > sequence + 1) return;
      const ClosedSegment& segment = closed_.front();
      archive_.keep(segment);
      if (!spares_.keep(segment.number, segment.bytes)) files_.remove(path(segment.number));
      closed_.pop_front();
      forgot_ = true;
    }
  }

  /// Where what is forgotten goes. For one thread, but beside one that writes.
  [[nodiscard]] LogArchive<FS>& archive() noexcept { return archive_; }

  /// Segments that were begun, and those of them in files that had been segments before.
  [[nodiscard]] std::uint64_t segments() const noexcept { return segments_; }
  [[nodiscard]] std::uint64_t recycled_segments() const noexcept { return recycled_segments_; }

  /// How the file system writes through to the disk, as far as it tells.
  [[nodiscard]] const char* write_through_by() const noexcept {
    if constexpr (requires { file_->write_through_by(); }) {
      return file_->write_through_by();
    } else {
      return "as the file system does";
    }
  }

  /// On disk now.
  [[nodiscard]] std::uint64_t bytes() const noexcept {
    std::uint64_t sum = filled_ + spares_.bytes();
    for (const ClosedSegment& segment : closed_) sum += segment.bytes;
    return sum;
  }

 private:
  [[nodiscard]] std::string path(std::uint64_t number) const {
    return directory_ + "/" + detail::segment_name(number);
  }

  void next_segment() {
    if (durable_ != written_) {
      file_->sync();
      durable_ = written_;
    }
    closed_.push_back({head_.number, written_ + 1, filled_});
    start_segment(written_ + 1, written_ + 1);
  }

  void start_segment(std::uint64_t follows, std::uint64_t first) {
    head_.segment = random_bits();
    ++head_.number;
    head_.follows = follows;
    head_.first = first;
    const auto spare = spares_.take();
    head_.recycled = spare.has_value();
    if (spare) {
      // It has its head before it has its name, so that it is never a segment with another's head.
      file_.emplace(files_.open(*spare, OpenMode::write));
      file_->write_through(0, head_with_end());
      files_.rename(*spare, path(head_.number));
      filled_ = file_->size();
    } else {
      file_.emplace(files_.open(path(head_.number), OpenMode::create));
      file_->write_through(0, detail::encode(head_));
      filled_ = detail::segment_head_bytes;
    }
    files_.sync_directory(directory_);
    offset_ = detail::segment_head_bytes;
    ++segments_;
    recycled_segments_ += head_.recycled ? 1U : 0U;
  }

  [[nodiscard]] std::string head_with_end() const {
    return detail::encode(head_) + std::string(detail::record_head_bytes, '\0');
  }

  /// Writes zeros where entries will stand, twice as far each time: a write that makes no file
  /// longer is on disk in half the time.
  void fill() {
    const std::uint64_t step =
        std::clamp<std::uint64_t>(filled_, 2 * io_block_bytes, detail::zeros_ahead_bytes);
    const std::uint64_t end = (offset_ + group_.size() + step) / io_block_bytes * io_block_bytes;
    // In small pieces: a write into a page of the system's takes the longer the larger that is.
    const std::string zeros(std::size_t{16} << 10U, '\0');
    for (std::uint64_t at = filled_; at < end;) {
      const std::uint64_t size = std::min<std::uint64_t>(zeros.size(), end - at);
      file_->write_at(at, BytesView(zeros).substr(0, static_cast<std::size_t>(size)));
      at += size;
    }
    file_->sync();
    durable_ = written_;
    filled_ = end;
  }

  template <class Act>
  void attempt(Act act) {
    try {
      act();
    } catch (...) {
      alive_ = false;
      throw;
    }
  }

  void check_alive() const {
    if (alive_) return;
    throw Error(ErrorKind::poisoned,
                {.message = "an earlier write to the log failed, so nothing more is written; open "
                            "the store again, which finds out what is there",
                 .operation = "write",
                 .layer = "wal"});
  }

  FS& files_;
  std::string directory_;
  LogOptions options_;
  detail::SegmentHead head_;
  std::optional<File> file_;
  LogArchive<FS> archive_;
  detail::LogSpares<FS> spares_;
  std::deque<ClosedSegment> closed_;
  bool forgot_ = false;  ///< a segment that went is not synced away yet
  std::string group_;
  std::uint64_t appended_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t durable_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t filled_ = 0;  ///< up to here the file has bytes, zeros behind `offset_`
  std::uint64_t segments_ = 0;
  std::uint64_t recycled_segments_ = 0;
  bool alive_ = true;
};

}  // namespace varve
