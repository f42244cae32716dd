// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/cache/pages.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <optional>
#include <thread>

namespace varve::detail::cache {

/// The head of a set of records. What readers look at is atomic, the rest belongs to who holds the
/// lock. All zeros is an empty set.
struct SetHead {
  static constexpr unsigned ways = 32;
  static constexpr unsigned lanes = 4;  // tags in a word

  std::atomic<std::uint64_t> version;  // odd while somebody changes the set
  std::uint16_t used;                  // words of data taken, gaps among them
  std::uint16_t live;                  // words of data in use
  std::uint8_t hand;
  std::uint8_t window_size;
  std::array<std::uint8_t, 10> window;  // ways, the oldest first
  std::array<std::atomic<std::uint8_t>, ways> clock;
  std::array<std::atomic<std::uint64_t>, ways / lanes> tags;  // 0 is a free way
  std::array<std::atomic<std::uint16_t>, ways> offsets;
  std::array<std::uint8_t, ways> words;

  /// Calls `visit(way)` for the ways that may have `tag`, until it answers false. Four tags are
  /// compared at once, in words, so that each is read atomically; a borrow may add a false one.
  template <class Visit>
  void each_with_tag(std::uint16_t tag, Visit&& visit) const {
    constexpr std::uint64_t ones = 0x0001'0001'0001'0001U;
    for (unsigned i = 0; i != ways / lanes; ++i) {
      const std::uint64_t apart = tags[i].load(std::memory_order_acquire) ^ (ones * tag);
      for (std::uint64_t same = (apart - ones) & ~apart & (ones << 15U); same != 0;
           same &= same - 1) {
        if (!visit(i * lanes + static_cast<unsigned>(std::countr_zero(same)) / 16)) return;
      }
    }
  }

  [[nodiscard]] std::uint16_t tag(unsigned way) const noexcept {
    const std::uint64_t word = tags[way / lanes].load(std::memory_order_relaxed);
    return static_cast<std::uint16_t>(word >> (way % lanes * 16));
  }
  void set_tag(unsigned way, std::uint16_t tag) noexcept {
    auto& word = tags[way / lanes];
    const unsigned shift = way % lanes * 16;
    const std::uint64_t others =
        word.load(std::memory_order_relaxed) & ~(std::uint64_t{0xffff} << shift);
    word.store(others | (std::uint64_t{tag} << shift), std::memory_order_release);
  }

  [[nodiscard]] bool in_window(unsigned way) const noexcept {
    return std::find(window.begin(), window.begin() + window_size, way) !=
           window.begin() + window_size;
  }
  void leave_window(unsigned place) noexcept {
    std::copy(window.begin() + place + 1, window.begin() + window_size, window.begin() + place);
    --window_size;
  }

  /// The record outside the window that CLOCK takes; none where all are in the window.
  std::optional<unsigned> clock_victim() noexcept {
    std::optional<unsigned> victim;
    for (unsigned step = 0; step != 8 * ways; ++step) {
      const unsigned way = hand;
      hand = static_cast<std::uint8_t>((hand + 1U) % ways);
      if (tag(way) == 0 || in_window(way)) continue;
      victim = way;
      const std::uint8_t count = clock[way].load(std::memory_order_relaxed);
      if (count == 0) break;
      clock[way].store(static_cast<std::uint8_t>(count - 1), std::memory_order_relaxed);
    }
    return victim;
  }
};

/// An array of sets in one mapping. A set is its head and `data_words` words of records, which lie
/// anywhere and are pushed together when a new one finds no gap.
class Sets {
 public:
  static constexpr unsigned ways = SetHead::ways;
  static constexpr unsigned window = 3;
  /// What the sketch of a set takes at most: its size is a power of two.
  static constexpr std::size_t sketch_bytes = std::size_t{ways} * 8;
  static constexpr std::uint8_t clock_max = 1;
  using Word = std::atomic<std::uint64_t>;

  /// Holds a set for one writer. Readers see by the version that they read in vain.
  class Lock {
   public:
    explicit Lock(SetHead& set) noexcept : set_(set) {
      for (unsigned spins = 0;; ++spins) {
        std::uint64_t version = set_.version.load(std::memory_order_relaxed);
        if ((version & 1U) == 0 &&
            set_.version.compare_exchange_weak(version, version + 1, std::memory_order_acq_rel))
          return;
        if (spins > 64) std::this_thread::yield();
      }
    }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() {
      set_.version.store(set_.version.load(std::memory_order_relaxed) + 1,
                         std::memory_order_release);
    }

   private:
    SetHead& set_;
  };

  Sets(std::size_t capacity, std::size_t entry_bytes)
      : data_words_(std::clamp<std::size_t>((entry_bytes + 19) / 8 * ways, 128, 4096)),
        count_(capacity / (set_bytes() + sketch_bytes)),
        pages_(count_ * set_bytes()) {}

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t data_words() const noexcept { return data_words_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return pages_.size(); }

  [[nodiscard]] std::size_t index(std::uint64_t hash) const noexcept {
    return ((hash & 0xffff'ffffU) * count_) >> 32U;
  }
  /// The set of a key. The mapping is zeros at first, which is what an empty head is.
  [[nodiscard]] SetHead& head(std::uint64_t hash) const noexcept { return at(index(hash)); }
  [[nodiscard]] Word* data(SetHead& set) const noexcept {
    return reinterpret_cast<Word*>(reinterpret_cast<char*>(&set) + sizeof(SetHead));
  }

  [[nodiscard]] bool has_room(const SetHead& set, std::size_t more) const noexcept {
    return set.live + more <= data_words_ && free_way(set) != ways;
  }

  unsigned insert(SetHead& set, const std::uint64_t* record, std::size_t size,
                  std::uint16_t tag) noexcept {
    const unsigned way = free_way(set);
    // The gap that the last owner of this way left is used where it fits.
    std::size_t at = set.offsets[way].load(std::memory_order_relaxed);
    if (set.words[way] != size) {
      if (set.used + size > data_words_) push_together(set);
      at = set.used;
      set.used = static_cast<std::uint16_t>(set.used + size);
    }
    for (std::size_t i = 0; i != size; ++i)
      data(set)[at + i].store(record[i], std::memory_order_release);
    set.offsets[way].store(static_cast<std::uint16_t>(at), std::memory_order_release);
    set.words[way] = static_cast<std::uint8_t>(size);
    set.live = static_cast<std::uint16_t>(set.live + size);
    set.clock[way].store(0, std::memory_order_relaxed);
    set.set_tag(way, tag);
    return way;
  }

  void remove(SetHead& set, unsigned way) noexcept {
    set.set_tag(way, 0);
    set.live = static_cast<std::uint16_t>(set.live - set.words[way]);
    for (unsigned place = 0; place != set.window_size; ++place) {
      if (set.window[place] == way) return set.leave_window(place);
    }
  }

  void copy_out(SetHead& set, unsigned way, std::uint64_t* record,
                std::size_t capacity) const noexcept {
    const std::size_t at = set.offsets[way].load(std::memory_order_relaxed);
    const std::size_t size = std::min<std::size_t>(set.words[way], capacity);
    for (std::size_t i = 0; i != size; ++i)
      record[i] = data(set)[at + i].load(std::memory_order_relaxed);
  }

  [[nodiscard]] std::size_t entries() const noexcept {
    std::size_t entries = 0;
    for (std::size_t i = 0; i != count_; ++i) {
      for (unsigned way = 0; way != ways; ++way) entries += at(i).tag(way) != 0 ? 1U : 0U;
    }
    return entries;
  }

  void retire() noexcept { pages_.give_back(); }

 private:
  [[nodiscard]] std::size_t set_bytes() const noexcept {
    return (sizeof(SetHead) + data_words_ * 8 + 63) / 64 * 64;
  }
  [[nodiscard]] SetHead& at(std::size_t index) const noexcept {
    return *std::launder(reinterpret_cast<SetHead*>(pages_.data() + index * set_bytes()));
  }

  [[nodiscard]] static unsigned free_way(const SetHead& set) noexcept {
    unsigned way = 0;
    while (way != ways && set.tag(way) != 0) ++way;
    return way;
  }

  /// Closes all gaps. Free ways lose theirs.
  void push_together(SetHead& set) noexcept {
    std::array<std::uint8_t, ways> order{};
    unsigned taken = 0;
    for (unsigned way = 0; way != ways; ++way) {
      if (set.tag(way) == 0)
        set.words[way] = 0;
      else
        order[taken++] = static_cast<std::uint8_t>(way);
    }
    std::sort(order.begin(), order.begin() + taken,
              [&](unsigned a, unsigned b) { return set.offsets[a] < set.offsets[b]; });
    std::size_t to = 0;
    for (unsigned i = 0; i != taken; ++i) {
      const unsigned way = order[i];
      const std::size_t from = set.offsets[way].load(std::memory_order_relaxed);
      for (std::size_t word = 0; from != to && word != set.words[way]; ++word)
        data(set)[to + word].store(data(set)[from + word].load(std::memory_order_relaxed),
                                   std::memory_order_release);
      set.offsets[way].store(static_cast<std::uint16_t>(to), std::memory_order_release);
      to += set.words[way];
    }
    set.used = static_cast<std::uint16_t>(to);
  }

  std::size_t data_words_;
  std::size_t count_;
  Pages pages_;
};

}  // namespace varve::detail::cache
