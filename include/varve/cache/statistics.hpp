// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace varve {

/// What a cache has done since it was opened, and what it holds now.
struct CacheStatistics {
  std::uint64_t hits = 0;    ///< reads that the cache answered, those of absence too
  std::uint64_t misses = 0;  ///< reads that went below
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;  ///< all memory that the cache has taken, overhead and all
  std::uint64_t fills = 0;
  std::uint64_t evictions = 0;
  std::uint64_t rejected_fills = 0;  ///< a write came between, or the value is too large
  std::uint64_t invalidations = 0;   ///< entries that a write removed, and whole trees

  [[nodiscard]] double hit_rate() const noexcept {
    const std::uint64_t reads = hits + misses;
    return reads == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(reads);
  }
};

namespace detail::cache {

/// A counter that one thread writes and any reads.
class Tally {
 public:
  void add(std::uint64_t more) noexcept {
    count_.store(count_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t get() const noexcept {
    return count_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> count_{0};
};

/// One thread's share of the statistics.
struct Tallies {
  void fold_into(Tallies& total) const {
    total.hits.add(hits.get());
    total.misses.add(misses.get());
    total.fills.add(fills.get());
    total.evictions.add(evictions.get());
    total.rejected_fills.add(rejected_fills.get());
    total.invalidations.add(invalidations.get());
  }

  Tally hits;
  Tally misses;
  Tally fills;
  Tally evictions;
  Tally rejected_fills;
  Tally invalidations;
};

}  // namespace detail::cache

}  // namespace varve
