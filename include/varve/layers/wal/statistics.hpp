// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <atomic>
#include <cstdint>

namespace varve {

/// What `Wal` has done since it was opened, and what its log takes up now.
struct WalStatistics {
  std::uint64_t batches = 0;            ///< that were logged
  std::uint64_t groups = 0;             ///< of batches, each written as one
  std::uint64_t segments = 0;           ///< files of the log that were begun
  std::uint64_t recycled_segments = 0;  ///< those of them that had been files of the log before
  std::uint64_t log_bytes = 0;          ///< on disk, spare files and zeros included
  BytesView write_through;              ///< how a group comes to disk; docs/layers/wal.md

  template <class Visit>
  void visit_fields(Visit&& visit) const {
    visit("batches", batches);
    visit("groups", groups);
    visit("segments", segments);
    visit("recycled_segments", recycled_segments);
    visit("log_bytes", log_bytes);
    visit("write_through", write_through);
  }
};

namespace detail {

/// The same, counted by one thread and read by any.
class WalCounters {
 public:
  template <class Log>
  void logged(std::uint64_t batches, const Log& log) noexcept {
    batches_.fetch_add(batches, std::memory_order_relaxed);
    groups_.fetch_add(1, std::memory_order_relaxed);
    look_at(log);
  }

  template <class Log>
  void look_at(const Log& log) noexcept {
    segments_.store(log.segments(), std::memory_order_relaxed);
    recycled_segments_.store(log.recycled_segments(), std::memory_order_relaxed);
    log_bytes_.store(log.bytes(), std::memory_order_relaxed);
    write_through_.store(log.write_through_by(), std::memory_order_relaxed);
  }

  [[nodiscard]] WalStatistics get() const noexcept {
    return {.batches = batches_.load(std::memory_order_relaxed),
            .groups = groups_.load(std::memory_order_relaxed),
            .segments = segments_.load(std::memory_order_relaxed),
            .recycled_segments = recycled_segments_.load(std::memory_order_relaxed),
            .log_bytes = log_bytes_.load(std::memory_order_relaxed),
            .write_through = write_through_.load(std::memory_order_relaxed)};
  }

 private:
  std::atomic<std::uint64_t> batches_{0};
  std::atomic<std::uint64_t> groups_{0};
  std::atomic<std::uint64_t> segments_{0};
  std::atomic<std::uint64_t> recycled_segments_{0};
  std::atomic<std::uint64_t> log_bytes_{0};
  std::atomic<const char*> write_through_{""};
};

}  // namespace detail

}  // namespace varve
