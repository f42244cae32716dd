// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace varve {

/// When the log is brought to disk. docs/layers/wal.md says what each promises.
enum class WalSync : std::uint8_t {
  always,    ///< by each `synced` write, before it returns
  interval,  ///< by a thread, `sync_interval_ms` after the first write that is not on disk
  on_flush,  ///< by `flush`, and when a segment of the log is full
};

[[nodiscard]] constexpr const char* to_string(WalSync sync) noexcept {
  switch (sync) {
    case WalSync::always: return "always";
    case WalSync::interval: return "interval";
    case WalSync::on_flush: return "on_flush";
  }
  return "unknown";
}

struct WalOptions {
  WalSync sync = WalSync::always;

  /// Of `WalSync::interval`, in milliseconds.
  std::uint64_t sync_interval_ms = 100;

  /// How many bytes of entries are logged before what they did is brought to disk below and the log
  /// starts anew. The log stays within about twice this and two segments, besides the spare
  /// ones.
  std::uint64_t checkpoint_bytes = std::uint64_t{256} << 20U;

  /// The size of a file of the log.
  std::uint64_t segment_bytes = std::uint64_t{64} << 20U;

  /// How many files of the log that are no longer needed are kept to be used again: writing into
  /// them is faster than into new ones.
  std::uint64_t spare_segments = 4;

  /// Where copies of files of the log go that are no longer needed; nowhere where it is empty. On
  /// another disk, if you like.
  std::string archive_directory{};

  /// Opens a store whose log is damaged, without what cannot be read; `recovery()` says what that
  /// is. For once, by hand.
  bool salvage = false;

  template <class Visit>
  void visit_fields(Visit&& visit) const {
    visit("sync", to_string(sync));
    visit("sync_interval_ms", sync_interval_ms);
    visit("checkpoint_bytes", checkpoint_bytes);
    visit("segment_bytes", segment_bytes);
    visit("spare_segments", spare_segments);
    visit("archive_directory", archive_directory);
    visit("salvage", salvage);
  }
};

}  // namespace varve
