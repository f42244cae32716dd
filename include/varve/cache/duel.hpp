// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

namespace varve::detail::cache {

/// Finds out which of two ways to treat newcomers suits the requests of late. A few sets always
/// admit, a few always ask the sketch of frequencies; the rest do as those do that missed less (set
/// dueling; Qureshi, Jaleel, Patt, Steely and Emer, "Adaptive Insertion Policies", 2007). Which
/// way is wrong for long costs the difference between the two and no more.
///
/// Threads: any; a miss that meets another may go uncounted.
class Duel {
 public:
  explicit Duel(std::size_t sets) noexcept
      : spacing_(std::clamp<std::size_t>(sets / 2, 2, widest)) {}

  void missed(std::size_t set) noexcept {
    const std::size_t place = set % spacing_;
    if (place != 0 && place != spacing_ / 2) return;
    const int lead = lead_.load(std::memory_order_relaxed);
    lead_.store(std::clamp(place == 0 ? lead + 1 : lead - 1, -limit, limit),
                std::memory_order_relaxed);
  }

  /// Whether a newcomer to the set has to be asked for more often than what it would replace.
  [[nodiscard]] bool asks_the_sketch(std::size_t set) const noexcept {
    const std::size_t place = set % spacing_;
    if (place == 0) return false;
    if (place == spacing_ / 2) return true;
    return lead_.load(std::memory_order_relaxed) >= 0;
  }

 private:
  static constexpr std::size_t widest = 32;
  static constexpr int limit = 256;

  std::size_t spacing_;
  // Misses of those that admit less misses of those that ask; not on a line that hits read.
  alignas(64) std::atomic<int> lead_{0};
};

}  // namespace varve::detail::cache
