// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace varve {

/// Where a time falls in a log-linear histogram: eight buckets for each power of two, so that a
/// bucket's edges lie at most 12.5% apart (the scheme of HdrHistogram).
struct LatencyBuckets {
  static constexpr unsigned fine_bits = 3;
  static constexpr std::uint64_t fine = std::uint64_t{1} << fine_bits;
  static constexpr unsigned widest = 44;  ///< times of 2^44 units and above share the last bucket
  static constexpr std::size_t size = (widest - fine_bits + 1) * fine;

  [[nodiscard]] static constexpr std::size_t of(std::uint64_t time) noexcept {
    if (time < fine) return static_cast<std::size_t>(time);
    const auto magnitude = static_cast<unsigned>(std::bit_width(time)) - 1 - fine_bits;
    const std::size_t bucket = (magnitude + 1) * fine + ((time >> magnitude) - fine);
    return bucket < size ? bucket : size - 1;
  }

  /// The least time of a bucket.
  [[nodiscard]] static constexpr std::uint64_t floor(std::size_t bucket) noexcept {
    if (bucket < fine) return bucket;
    const std::size_t magnitude = bucket / fine - 1;
    return (fine + bucket % fine) << magnitude;
  }
};

/// A distribution of times. A plain value: copied, merged and asked at leisure.
class LatencyHistogram {
 public:
  LatencyHistogram() = default;

  /// `unit_nanoseconds` is the length of the unit in which the buckets count.
  explicit LatencyHistogram(double unit_nanoseconds) noexcept : unit_(unit_nanoseconds) {}

  void add(std::size_t bucket, std::uint64_t times) noexcept {
    counts_[bucket] += times;
    count_ += times;
  }

  /// The number of times measured.
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

  /// The time, in nanoseconds, under which the share `q` (0 to 1) of those measured lie: exact to
  /// 12.5%; 0 where nothing was measured.
  [[nodiscard]] double quantile(double q) const noexcept {
    const auto rank = static_cast<std::uint64_t>(q * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < LatencyBuckets::size; ++bucket) {
      seen += counts_[bucket];
      if (seen > rank || (seen == count_ && counts_[bucket] != 0)) return middle(bucket);
    }
    return 0;
  }

  /// The mean in nanoseconds, from the middles of the buckets.
  [[nodiscard]] double mean() const noexcept {
    double sum = 0;
    for (std::size_t bucket = 0; bucket < LatencyBuckets::size; ++bucket) {
      sum += static_cast<double>(counts_[bucket]) * middle(bucket);
    }
    return count_ == 0 ? 0 : sum / static_cast<double>(count_);
  }

 private:
  [[nodiscard]] double middle(std::size_t bucket) const noexcept {
    const std::size_t next = bucket + 1 < LatencyBuckets::size ? bucket + 1 : bucket;
    const auto edges =
        static_cast<double>(LatencyBuckets::floor(bucket) + LatencyBuckets::floor(next));
    return unit_ * edges / 2;
  }

  double unit_ = 1;
  std::uint64_t count_ = 0;
  std::array<std::uint64_t, LatencyBuckets::size> counts_{};
};

}  // namespace varve
