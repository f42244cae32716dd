// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/file_system.hpp>
#include <varve/wal/log_format.hpp>
#include <varve/wal/log_options.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail {

/// Files that were segments of a log and are kept to be segments again: an entry that is written
/// into such a file makes it no longer and needs no zeros first. docs/formats/wal.md.
///
/// Threads  one at a time.
template <FileSystem FS>
class LogSpares {
 public:
  /// Finds those that are there; the directory is synced, so that none is a segment after a crash.
  LogSpares(FS& files, std::string directory, const LogOptions& options)
      : files_(files),
        directory_(std::move(directory)),
        most_(options.spare_segments),
        most_bytes_(2 * options.segment_bytes + zeros_ahead_bytes) {
    std::vector<std::string> found;
    for (std::string& name : files_.list(directory_)) {
      if (name.ends_with(spare_ending)) found.push_back(directory_ + "/" + std::move(name));
    }
    if (found.empty()) return;
    files_.sync_directory(directory_);
    for (std::string& path : found) {
      const std::uint64_t bytes = files_.open(path, OpenMode::read).size();
      if (fits(bytes)) {
        spares_.push_back({std::move(path), bytes});
      } else {
        files_.remove(path);
      }
    }
  }

  /// Keeps the file of a segment, and answers whether it does; to be used once `settle` was called.
  [[nodiscard]] bool keep(std::uint64_t number, std::uint64_t bytes) {
    if (!fits(bytes)) return false;
    const std::string segment = directory_ + "/" + segment_name(number);
    Spare spare{segment + std::string(spare_ending), bytes};
    files_.rename(segment, spare.path);
    unsettled_ = std::move(spare);
    return true;
  }

  /// The directory was synced after `keep`: no crash makes a segment again of what was kept.
  void settle() {
    if (unsettled_) spares_.push_back(*std::exchange(unsettled_, std::nullopt));
  }

  /// The path of one, which is no longer kept.
  [[nodiscard]] std::optional<std::string> take() {
    if (spares_.empty()) return std::nullopt;
    std::string path = std::move(spares_.front().path);
    spares_.pop_front();
    return path;
  }

  [[nodiscard]] std::uint64_t bytes() const noexcept {
    std::uint64_t sum = unsettled_ ? unsettled_->bytes : 0;
    for (const Spare& spare : spares_) sum += spare.bytes;
    return sum;
  }

 private:
  struct Spare {
    std::string path;
    std::uint64_t bytes;
  };

  static constexpr BytesView spare_ending = ".spare";

  [[nodiscard]] bool fits(std::uint64_t bytes) const noexcept {
    return spares_.size() < most_ && bytes <= most_bytes_ && bytes >= io_block_bytes;
  }

  FS& files_;
  std::string directory_;
  std::uint64_t most_;
  std::uint64_t most_bytes_;  ///< one that a large batch made long is not kept
  std::deque<Spare> spares_;
  std::optional<Spare> unsettled_;
};

}  // namespace varve::detail
