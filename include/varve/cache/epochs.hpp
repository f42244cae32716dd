// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace varve::detail::cache {

/// Counts, for buckets of keys, the writes that have begun and those that are under way. A value
/// read below may be kept only if no write of its bucket was under way when the reading began and
/// none has begun since: then the value is the one that the store holds.
///
/// A bucket is one number: begun writes in the high half, those under way in the low one.
class Epochs {
 public:
  /// `buckets` is a power of two.
  explicit Epochs(std::size_t buckets)
      : mask_(buckets - 1), buckets_(std::make_unique<std::atomic<std::uint64_t>[]>(buckets)) {}

  [[nodiscard]] std::uint64_t read(std::uint64_t hash) const noexcept {
    return bucket(hash).load(std::memory_order_acquire);
  }

  /// Whether a write was under way when `epoch` was read.
  [[nodiscard]] static bool busy(std::uint64_t epoch) noexcept { return (epoch & low_half) != 0; }
  /// How many writes had begun, modulo 2^32.
  [[nodiscard]] static std::uint32_t begun(std::uint64_t epoch) noexcept {
    return static_cast<std::uint32_t>(epoch >> 32U);
  }

  /// Answers the epoch that it begins.
  std::uint64_t begin(std::uint64_t hash) noexcept {
    constexpr std::uint64_t one = (std::uint64_t{1} << 32U) + 1;
    return bucket(hash).fetch_add(one, std::memory_order_acq_rel) + one;
  }
  void end(std::uint64_t hash) noexcept { bucket(hash).fetch_sub(1, std::memory_order_acq_rel); }

  [[nodiscard]] std::size_t bytes() const noexcept { return (mask_ + 1) * sizeof(std::uint64_t); }

 private:
  static constexpr std::uint64_t low_half = 0xffff'ffffU;

  [[nodiscard]] std::atomic<std::uint64_t>& bucket(std::uint64_t hash) const noexcept {
    return buckets_[hash & mask_];
  }

  std::uint64_t mask_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> buckets_;
};

}  // namespace varve::detail::cache
