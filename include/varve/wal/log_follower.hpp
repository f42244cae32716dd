// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/file_system.hpp>
#include <varve/wal/log_entry.hpp>
#include <varve/wal/log_format.hpp>
#include <varve/wal/log_options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve {

/// Reads a log while another thread writes it, each byte once. Goes from the log into its archive
/// and back as segments are forgotten.
///
/// Threads  one at a time, beside the writer.
template <FileSystem FS>
class LogFollower {
  using File = decltype(std::declval<FS&>().open(BytesView(), OpenMode::read));

 public:
  /// From the entry `from` on.
  LogFollower(FS& files, std::string directory, LogOptions options, std::uint64_t from)
      : files_(&files),
        directory_(std::move(directory)),
        options_(std::move(options)),
        wanted_(from == 0 ? 1 : from) {}

  /// The next entry, its payload valid until the next call; nothing behind `last`, up to where the
  /// writer has written. Throws `not_supported` where the log and its archive no longer reach back
  /// so far, which may happen while it is read.
  [[nodiscard]] std::optional<LogEntry> next(std::uint64_t last) {
    while (wanted_ <= last) {
      if (!file_) open_segment();
      if (const auto entry = read()) {
        const bool passed_over = entry->sequence < wanted_;
        expected_ = entry->sequence + 1;
        if (passed_over) continue;
        wanted_ = expected_;
        return entry;
      }
      file_.reset();
    }
    return std::nullopt;
  }

 private:
  struct Segment {
    std::string path;
    detail::SegmentHead head;
  };

  static constexpr std::size_t least_chunk = std::size_t{16} << 10U;
  static constexpr std::size_t most_chunk = std::size_t{1} << 20U;

  /// Goes to the segment that has the wanted entry; jumps to the next one where no entry was ever
  /// given the number.
  void open_segment() {
    const auto live = segments_in(directory_);
    if (go_to(live)) return;
    if (!options_.archive_directory.empty() && go_to(segments_in(options_.archive_directory))) {
      return;
    }
    throw Error(ErrorKind::not_supported,
                {.message = "the log no longer has the entry " + std::to_string(wanted_) +
                            (live.empty() ? std::string()
                                          : ", it reaches back to " +
                                                std::to_string(live.front().head.first)) +
                            "; take a copy of the store and go on from there, and give "
                            "WalOptions::archive_directory to keep more",
                 .operation = "tail",
                 .layer = "wal"});
  }

  [[nodiscard]] std::vector<Segment> segments_in(const std::string& directory) {
    std::vector<Segment> segments;
    for (const std::uint64_t number : detail::segment_numbers(files_->list(directory))) {
      const std::string path = directory + "/" + detail::segment_name(number);
      const auto head = head_of(path);
      if (head && head->number == number) segments.push_back({path, *head});
    }
    return segments;
  }

  /// Nothing where the segment is gone since it was listed.
  [[nodiscard]] std::optional<detail::SegmentHead> head_of(const std::string& path) {
    try {
      std::string bytes(detail::segment_head_bytes, '\0');
      const auto file = files_->open(path, OpenMode::read);
      bytes.resize(file.read_at(0, bytes));
      return detail::decode_segment_head(bytes);
    } catch (const Error&) {
      if (files_->exists(path)) throw;
      return std::nullopt;
    }
  }

  [[nodiscard]] bool go_to(const std::vector<Segment>& segments) {
    auto after = std::find_if(segments.begin(), segments.end(),
                              [&](const Segment& segment) { return segment.head.first > wanted_; });
    if (after == segments.begin()) return false;
    if (after != segments.end() && after->head.follows <= wanted_) {
      wanted_ = after->head.first;
      ++after;
    }
    const Segment& segment = *std::prev(after);
    if (segment.path == path_ && segment.head.segment == head_.segment) damaged();
    try {
      file_.emplace(files_->open(segment.path, OpenMode::read));
    } catch (const Error&) {
      if (files_->exists(segment.path)) throw;
      return false;
    }
    path_ = segment.path;
    head_ = segment.head;
    expected_ = head_.first;
    at_ = detail::segment_head_bytes;
    window_.clear();
    return true;
  }

  /// The entry that is expected, where it is in this segment: in what was read, or else in what was
  /// written since.
  [[nodiscard]] std::optional<LogEntry> read() {
    if (const auto entry = read_window()) return entry;
    const bool behind = at_ > base_ + window_.size() / 2;  // and not waiting for the writer
    chunk_ = behind ? std::min(2 * chunk_, most_chunk) : least_chunk;
    for (std::size_t bytes = chunk_;; bytes *= 2) {
      window_.resize(bytes);
      window_.resize(file_->read_at(at_ / io_block_bytes * io_block_bytes, window_));
      base_ = at_ / io_block_bytes * io_block_bytes;
      const auto entry = read_window();
      if (entry || window_.size() < bytes || !goes_on()) return entry;
    }
  }

  [[nodiscard]] std::optional<LogEntry> read_window() {
    if (at_ < base_ || at_ - base_ > window_.size()) return std::nullopt;
    const auto record = detail::find_record(window_, at_ - base_, head_, expected_);
    if (!record) return std::nullopt;
    at_ = base_ + record->end();
    return LogEntry{record->head.sequence, record->head.kind,
                    BytesView(window_).substr(record->payload(), record->head.size)};
  }

  /// Whether an entry begins in the window that does not end in it.
  [[nodiscard]] bool goes_on() const {
    const std::size_t here = at_ - base_;
    const std::size_t block = (here + io_block_bytes - 1) / io_block_bytes * io_block_bytes;
    for (const std::size_t at : {here, block}) {
      if (at > window_.size()) continue;
      const auto head = detail::decode_record_head(BytesView(window_).substr(at), head_);
      if (head && head->sequence == expected_ &&
          head->size > window_.size() - at - detail::record_head_bytes) {
        return true;
      }
    }
    return false;
  }

  [[noreturn]] void damaged() const {
    throw Error(ErrorKind::corruption,
                {.message = "'" + path_ + "' lacks the entry " + std::to_string(expected_) +
                            "; take a copy of the store and go on from there",
                 .operation = "tail",
                 .layer = "wal"});
  }

  FS* files_;
  std::string directory_;
  LogOptions options_;
  std::uint64_t wanted_;        ///< what is given next
  std::uint64_t expected_ = 0;  ///< what is read next
  std::optional<File> file_;    ///< of the segment that is read
  std::string path_;            ///< of that
  detail::SegmentHead head_;    ///< of that
  std::uint64_t at_ = 0;        ///< where in it the next entry stands
  std::uint64_t base_ = 0;      ///< where in it the window begins
  std::size_t chunk_ = least_chunk;
  std::string window_;
};

}  // namespace varve
