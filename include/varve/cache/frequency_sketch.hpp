// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/cache/pages.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace varve::detail::cache {

/// Remembers about how often each key was asked for lately, in four counters of 4 bits that lie in
/// one cache line (a count-min sketch; TinyLFU, Einziger, Friedman and Manes 2017). All counters
/// are halved whenever ten times as many requests as entries were counted.
///
/// Threads: any; an increment that meets another may be lost.
class FrequencySketch {
 public:
  static constexpr std::size_t counters_per_entry = 7;

  explicit FrequencySketch(std::size_t entries)
      : lines_(std::max<std::size_t>(entries * counters_per_entry / 128, 1)),
        sample_(std::max<std::size_t>(entries * 10, 64)),
        pages_(lines_ * words_per_line * sizeof(std::uint64_t)) {}

  [[nodiscard]] static constexpr std::size_t bytes_for(std::size_t entries) noexcept {
    return entries * counters_per_entry / 2;
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return pages_.size(); }
  void retire() noexcept { pages_.give_back(); }

  void add(std::uint64_t hash) noexcept {
    bool added = false;
    for (unsigned row = 0; row != rows; ++row) {
      auto& word = word_of(hash, row);
      const unsigned shift = shift_of(hash, row);
      const std::uint64_t seen = word.load(std::memory_order_relaxed);
      if (((seen >> shift) & 15U) == 15U) continue;
      word.store(seen + (std::uint64_t{1} << shift), std::memory_order_relaxed);
      added = true;
    }
    if (added && added_.fetch_add(1, std::memory_order_relaxed) + 1 == sample_) halve();
  }

  [[nodiscard]] unsigned estimate(std::uint64_t hash) const noexcept {
    unsigned least = 15;
    for (unsigned row = 0; row != rows; ++row) {
      const std::uint64_t seen = word_of(hash, row).load(std::memory_order_relaxed);
      least = std::min(least, static_cast<unsigned>((seen >> shift_of(hash, row)) & 15U));
    }
    return least;
  }

 private:
  static constexpr unsigned rows = 4;
  static constexpr std::size_t words_per_line = 8;

  // A row has two words of the line; a bit of the hash chooses one, four more a counter in it.
  [[nodiscard]] std::atomic<std::uint64_t>& word_of(std::uint64_t hash,
                                                    unsigned row) const noexcept {
    const std::size_t line = ((hash >> 32U) * lines_) >> 32U;
    return words()[line * words_per_line + 2 * row + ((hash >> (row * 5U)) & 1U)];
  }
  static unsigned shift_of(std::uint64_t hash, unsigned row) noexcept {
    return static_cast<unsigned>((hash >> (row * 5U + 1)) & 15U) * 4;
  }

  [[nodiscard]] std::atomic<std::uint64_t>* words() const noexcept {
    return std::launder(reinterpret_cast<std::atomic<std::uint64_t>*>(pages_.data()));
  }

  void halve() noexcept {
    for (std::size_t i = 0; i != lines_ * words_per_line; ++i) {
      const std::uint64_t seen = words()[i].load(std::memory_order_relaxed);
      words()[i].store((seen >> 1U) & 0x7777'7777'7777'7777U, std::memory_order_relaxed);
    }
    added_.store(sample_ / 2, std::memory_order_relaxed);
  }

  std::size_t lines_;
  std::size_t sample_;
  Pages pages_;
  alignas(64) std::atomic<std::size_t> added_{0};  // not on a line that hits read
};

}  // namespace varve::detail::cache
