// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/file_system.hpp>
#include <varve/io/durable_file.hpp>
#include <varve/wal/closed_segment.hpp>
#include <varve/wal/log_format.hpp>
#include <varve/wal/log_options.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace varve {

/// Copies of closed segments, each checked entry by entry before it is made and byte by byte
/// afterwards. docs/formats/wal.md.
///
/// Threads  one at a time.
template <FileSystem FS>
class LogArchive {
 public:
  /// Of the log in `log_directory`; none where `options` name no directory for it.
  LogArchive(FS& files, std::string log_directory, const LogOptions& options)
      : files_(files),
        log_directory_(std::move(log_directory)),
        directory_(options.archive_directory),
        salvage_(options.salvage) {
    if (!directory_.empty()) make_directory(files_, directory_);
  }

  /// Has a copy of the segment, on disk, when it returns. Throws `corruption`, and leaves the
  /// segment alone, where it lacks an entry or the copy is not what it is.
  void keep(const ClosedSegment& segment) {
    if (directory_.empty() || segment.number <= last_kept_) return;
    const std::string name = detail::segment_name(segment.number);
    const std::string bytes = read(log_directory_ + "/" + name);
    const std::string aside = directory_ + "/" + name + ".new";
    const BytesView used = BytesView(bytes).substr(0, end_of(bytes, segment));
    if (files_.exists(aside)) files_.remove(aside);
    {
      auto file = files_.open(aside, OpenMode::create);
      file.write_at(0, used);
      file.sync();
    }
    if (read(aside) != used) {
      refuse("the copy of '" + name + "' in '" + directory_ +
             "' is not what was written; look after the disk there");
    }
    files_.rename(aside, directory_ + "/" + name);
    files_.sync_directory(directory_);
    last_kept_ = segment.number;
  }

 private:
  [[nodiscard]] std::string read(const std::string& path) {
    const auto file = files_.open(path, OpenMode::read);
    std::string bytes(static_cast<std::size_t>(file.size()), '\0');
    bytes.resize(file.read_at(0, bytes));
    return bytes;
  }

  /// Where its last entry ends; of one that was salvaged, the end of the file.
  [[nodiscard]] std::size_t end_of(BytesView bytes, const ClosedSegment& segment) const {
    const auto head = detail::decode_segment_head(bytes);
    std::size_t at = detail::segment_head_bytes;
    std::uint64_t sequence = head ? head->first : segment.end;
    while (sequence != segment.end) {
      const auto record = detail::find_record(bytes, at, *head, sequence);
      if (!record) break;
      at = record->end();
      ++sequence;
    }
    if (head && sequence == segment.end) return at;
    if (salvage_) return bytes.size();
    refuse("'" + log_directory_ + "/" + detail::segment_name(segment.number) +
           "' lacks what was written to it from sequence " + std::to_string(sequence) +
           " on; it stays where it is. What it said is in the store: take a backup of that");
  }

  [[noreturn]] static void refuse(std::string message) {
    throw Error(ErrorKind::corruption,
                {.message = std::move(message), .operation = "archive", .layer = "wal"});
  }

  FS& files_;
  std::string log_directory_;
  std::string directory_;
  bool salvage_;
  std::uint64_t last_kept_ = 0;
};

}  // namespace varve
