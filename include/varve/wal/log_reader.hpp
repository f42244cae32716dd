// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/file_system.hpp>
#include <varve/wal/closed_segment.hpp>
#include <varve/wal/log_entry.hpp>
#include <varve/wal/log_format.hpp>
#include <varve/wal/log_options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve {

/// Reads a log from its first entry to its last. A write at the end that was cut short is passed
/// over and reported; damage anywhere else is `corruption`, or, salvaging, passed over and reported
/// too. Every length is checked before it is used.
template <FileSystem FS>
class LogReader {
 public:
  /// Passes over segments that end before the entry `from`.
  LogReader(FS& files, std::string directory, const LogOptions& options, std::uint64_t from = 0)
      : files_(files), directory_(std::move(directory)), salvage_(options.salvage) {
    for (const std::uint64_t number : detail::segment_numbers(files.list(directory_))) {
      add_segment(number);
    }
    while (at_segment_ + 1 < segments_.size() && segments_[at_segment_ + 1].head.first <= from) {
      ++at_segment_;
    }
    report_.segments = segments_.size();
  }

  /// Whether there is another entry; moves to it.
  [[nodiscard]] bool next() {
    if (!std::exchange(started_, true)) check_headless();
    for (;;) {
      if (open_ && read_record()) return true;
      if (at_segment_ == segments_.size()) return false;
      load_segment();
    }
  }

  [[nodiscard]] const LogEntry& entry() const noexcept { return entry_; }
  [[nodiscard]] const LogReport& report() const noexcept { return report_; }

  /// Drawn when the log was made; 0 where there is none.
  [[nodiscard]] std::uint64_t log() const noexcept {
    return segments_.empty() ? 0 : segments_.back().head.log;
  }

  /// The segments that were read to their ends.
  [[nodiscard]] const std::vector<ClosedSegment>& closed() const noexcept { return closed_; }

  /// Of the last segment, once it is read: all up to where it ended.
  [[nodiscard]] BytesView last_segment() const noexcept { return BytesView(bytes_).substr(0, at_); }

  /// Files that were to be segments, and that a crash left without a head.
  [[nodiscard]] const std::vector<std::uint64_t>& headless() const noexcept { return headless_; }

  /// The sequence of the first entry that is there, or is to come; 0 where there is no segment.
  [[nodiscard]] std::uint64_t first() const noexcept {
    return segments_.empty() ? 0 : segments_.front().head.first;
  }

  /// The largest number of a file that is, or was to be, a segment.
  [[nodiscard]] std::uint64_t last_number() const noexcept { return last_number_; }

 private:
  struct Segment {
    std::uint64_t number;
    detail::SegmentHead head;
  };

  [[nodiscard]] std::string path(std::uint64_t number) const {
    return directory_ + "/" + detail::segment_name(number);
  }

  static constexpr std::uint64_t whole = std::numeric_limits<std::uint64_t>::max();

  /// As many of a segment's bytes as there are. A read that ends early is no end of the log.
  void read_front(std::uint64_t number, std::uint64_t most, std::string& bytes) const {
    const auto file = files_.open(path(number), OpenMode::read);
    bytes.resize(static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), most)));
    if (file.read_at(0, bytes) == bytes.size()) return;
    throw Error(ErrorKind::io, {.message = "'" + path(number) + "' gives fewer bytes than it has",
                                .operation = "open",
                                .layer = "wal"});
  }

  void add_segment(std::uint64_t number) {
    last_number_ = std::max(last_number_, number);
    std::string bytes;
    read_front(number, detail::segment_head_bytes, bytes);
    const auto head = detail::decode_segment_head(bytes);
    const bool good = head && head->number == number &&
                      (segments_.empty() || head->log == segments_.back().head.log);
    if (good) {
      segments_.push_back({number, *head});
    } else {
      headless_.push_back(number);
    }
  }

  /// A segment whose head was never synced is the last, and holds nothing.
  void check_headless() {
    for (const std::uint64_t number : headless_) {
      if (number != last_number_ || holds_something(number)) damaged(number, 0);
      report_.torn_tail = true;
    }
  }

  [[nodiscard]] bool holds_something(std::uint64_t number) {
    std::string bytes;
    read_front(number, whole, bytes);
    const std::size_t end = bytes.find_last_not_of('\0');
    return end != std::string::npos && end >= detail::segment_head_bytes;
  }

  void load_segment() {
    const Segment& segment = segments_[at_segment_++];
    if (expected_ != 0 && segment.head.follows != expected_) missing(segment);
    expected_ = segment.head.first;
    read_front(segment.number, whole, bytes_);
    at_ = detail::segment_head_bytes;
    open_ = true;
    if (report_.last_sequence == 0) report_.last_sequence = segment.head.first - 1;
  }

  bool read_record() {
    const Segment& segment = segments_[at_segment_ - 1];
    const bool last = at_segment_ == segments_.size();
    std::optional<detail::PlacedRecord> record;
    do {
      // What follows the entry before the next segment was cut off when that was made.
      if (!last && expected_ == segments_[at_segment_].head.follows) return close(segment);
      record = detail::find_record(bytes_, at_, segment.head, expected_);
      if (!record && at_end(segment, last)) return close(segment);
    } while (!record);
    const detail::RecordHead& head = record->head;
    entry_ = {head.sequence, head.kind, BytesView(bytes_).substr(record->payload(), head.size)};
    at_ = record->end();
    ++expected_;
    ++report_.entries;
    report_.bytes += head.size;
    report_.last_sequence = head.sequence;
    return true;
  }

  /// Behind the last byte between the two that is not 0; `from` where all are.
  [[nodiscard]] std::size_t last_not_zero(std::size_t from, std::size_t to) const {
    const BytesView between = BytesView(bytes_).substr(std::min(from, bytes_.size()));
    const std::size_t found = between.substr(0, to - from).find_last_not_of('\0');
    return found == BytesView::npos ? from : from + found + 1;
  }

  /// No entry follows here. True where that is the end; throws, or passes over it, where an entry
  /// further on says that this one was on disk, or another segment follows.
  bool at_end(const Segment& segment, bool last) {
    bool lost = !last;
    std::size_t torn = at_ + end_of_entry(segment, at_);
    for (std::size_t at = at_ + 1; at + detail::record_head_bytes <= bytes_.size(); ++at) {
      if (!detail::may_be_record_head(bytes_, at)) continue;
      const auto head = detail::decode_record_head(BytesView(bytes_).substr(at), segment.head);
      if (!head || head->sequence < expected_) continue;
      torn = std::max(torn, at + end_of_entry(segment, at));
      if (head->sequence == expected_ || (head->durable < expected_ && !lost)) continue;
      damaged(segment.number, at_);
      drop(expected_, head->sequence - 1);
      expected_ = head->sequence;
      at_ = at;
      return false;
    }
    if (lost) {
      damaged(segment.number, at_);
      return true;
    }
    // Of what the file was before nothing can be said but behind the zeros that follow a write.
    torn = std::max(torn, last_not_zero(at_, segment.head.recycled ? at_ + detail::record_head_bytes
                                                                   : bytes_.size()));
    if (torn != at_) report_.torn_tail = true;
    report_.discarded_bytes += torn - at_;
    return true;
  }

  /// How far the entry goes whose head is here, as far as the file does; 0 where there is none.
  [[nodiscard]] std::size_t end_of_entry(const Segment& segment, std::size_t at) const {
    if (!detail::may_be_record_head(bytes_, at)) return 0;
    const auto head = detail::decode_record_head(BytesView(bytes_).substr(at), segment.head);
    if (!head || head->sequence < expected_) return 0;
    return std::min<std::size_t>(detail::record_head_bytes + head->size, bytes_.size() - at);
  }

  bool close(const Segment& segment) {
    closed_.push_back({segment.number, expected_, bytes_.size()});
    open_ = false;
    return false;
  }

  void damaged(std::uint64_t number, std::size_t at) const {
    if (salvage_) return;
    throw Error(ErrorKind::corruption,
                {.message = "'" + path(number) + "' is damaged at byte " + std::to_string(at) +
                            ", before its end: restore the store from a backup, or open it once "
                            "with salvage, without what is damaged",
                 .operation = "open",
                 .layer = "wal"});
  }

  void missing(const Segment& segment) {
    damaged(segment.number, 0);
    if (segment.head.first > expected_) drop(expected_, segment.head.first - 1);
  }

  void drop(std::uint64_t first, std::uint64_t last) { report_.dropped.emplace_back(first, last); }

  FS& files_;
  std::string directory_;
  bool salvage_;
  std::vector<Segment> segments_;
  std::vector<std::uint64_t> headless_;
  std::vector<ClosedSegment> closed_;
  std::uint64_t last_number_ = 0;
  std::size_t at_segment_ = 0;
  bool started_ = false;
  bool open_ = false;
  std::string bytes_;
  std::size_t at_ = 0;
  std::uint64_t expected_ = 0;  ///< the sequence that comes next; 0 where nothing was read
  LogEntry entry_;
  LogReport report_;
};

}  // namespace varve
