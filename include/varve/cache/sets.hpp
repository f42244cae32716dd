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

/// The head of a set of records: the first cache line tells whether a key may be there, the second
/// where. What readers look at is atomic, the rest belongs to who holds the lock. All zeros is an
/// empty set.
struct alignas(64) SetHead {
  static constexpr unsigned ways = 32;
  static constexpr unsigned lanes = 8;  // tags in a word

  std::atomic<std::uint64_t> version;                         // odd while somebody changes the set
  std::array<std::atomic<std::uint64_t>, ways / lanes> tags;  // 0 is a free way
  std::atomic<std::uint32_t> asked;                           // ways, a bit each, CLOCK's
  std::uint32_t taken;                                        // ways, a bit each
  std::uint16_t used;                                         // units of data taken, with gaps
  std::uint16_t live;                                         // units of data in use
  std::uint8_t hand;
  std::uint8_t window_size;
  std::array<std::uint8_t, 4> window;  // ways, the oldest first

  std::array<std::atomic<std::uint16_t>, ways> places;  // unit + 1; 0 where there is no record

  static constexpr unsigned tag_words = ways / lanes;

  /// Of the ways of word `i` those that may have `tag`: the highest bits of their lanes. Eight tags
  /// are compared at once, in a word that is read atomically; a borrow may add a false one, whose
  /// tag differs from `tag` in the lowest bit.
  [[nodiscard]] std::uint64_t matches(unsigned i, std::uint8_t tag) const noexcept {
    constexpr std::uint64_t ones = 0x0101'0101'0101'0101U;
    const std::uint64_t apart = tags[i].load(std::memory_order_acquire) ^ (ones * tag);
    return (apart - ones) & ~apart & (ones << 7U);
  }
  [[nodiscard]] static unsigned first_way(unsigned i, std::uint64_t matches) noexcept {
    return i * lanes + static_cast<unsigned>(std::countr_zero(matches)) / lanes;
  }

  void set_tag(unsigned way, std::uint8_t tag) noexcept {
    auto& word = tags[way / lanes];
    const unsigned shift = way % lanes * 8;
    const std::uint64_t others =
        word.load(std::memory_order_relaxed) & ~(std::uint64_t{0xff} << shift);
    word.store(others | (std::uint64_t{tag} << shift), std::memory_order_release);
  }

  [[nodiscard]] static std::uint32_t bit(unsigned way) noexcept { return std::uint32_t{1} << way; }

  [[nodiscard]] bool full() const noexcept { return taken == ~std::uint32_t{0}; }

  void leave_window(unsigned place) noexcept {
    std::copy(window.begin() + place + 1, window.begin() + window_size, window.begin() + place);
    --window_size;
  }

  /// The record outside the window that CLOCK takes; none where all are in the window.
  std::optional<unsigned> clock_victim() noexcept {
    std::uint32_t outside = taken;
    for (unsigned place = 0; place != window_size; ++place) outside &= ~bit(window[place]);
    if (outside == 0) return std::nullopt;
    std::uint32_t idle = outside & ~asked.load(std::memory_order_relaxed);
    if (idle == 0) {
      asked.fetch_and(~outside, std::memory_order_relaxed);
      idle = outside;
    }
    const auto steps = static_cast<unsigned>(std::countr_zero(std::rotr(idle, hand)));
    const std::uint32_t passed = std::rotl(bit(steps) - 1, hand) & outside;
    if (passed != 0) asked.fetch_and(~passed, std::memory_order_relaxed);
    const unsigned way = (hand + steps) % ways;
    hand = static_cast<std::uint8_t>((way + 1) % ways);
    return way;
  }
};

static_assert(sizeof(SetHead) == 128);

/// Sets in one mapping: all heads, then their records. Records are whole units of 4 bytes, which
/// lie anywhere in the words of their set and are pushed together when a new one finds no gap.
class Sets {
 public:
  static constexpr unsigned ways = SetHead::ways;
  static constexpr unsigned window = 3;
  static constexpr std::size_t unit_bytes = 4;
  static constexpr std::size_t longest_units = 64;
  using Word = std::atomic<std::uint64_t>;
  static_assert(std::endian::native == std::endian::little, "units are halves of words");

  /// A record, or a part of it, on its way: whole words, in which it begins at `offset`.
  struct Bytes {
    [[nodiscard]] char* begin() noexcept { return reinterpret_cast<char*>(words) + offset; }

    std::uint64_t words[longest_units / 2 + 1];
    std::size_t offset = 0;
  };

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

  /// As many sets of 32 records of `record_bytes` as `capacity` has room for, where each takes
  /// `beside` more elsewhere.
  Sets(std::size_t capacity, std::size_t record_bytes, std::size_t beside)
      : units_(std::clamp<std::size_t>(units_of(record_bytes) * ways, 128, 8192)),
        count_(capacity / (sizeof(SetHead) + units_ * unit_bytes + beside)),
        pages_(count_ == 0 ? 0 : count_ * (sizeof(SetHead) + units_ * unit_bytes) + sizeof(Word)) {}

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t units() const noexcept { return units_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return pages_.size(); }

  static constexpr std::size_t units_of(std::size_t bytes) noexcept {
    return (bytes + unit_bytes - 1) / unit_bytes;
  }

  [[nodiscard]] std::size_t index(std::uint64_t hash) const noexcept {
    return ((hash & 0xffff'ffffU) * count_) >> 32U;
  }
  /// The mapping is zeros at first, which is what an empty head is.
  [[nodiscard]] SetHead& head(std::size_t index) const noexcept {
    return *std::launder(reinterpret_cast<SetHead*>(pages_.data()) + index);
  }
  [[nodiscard]] Word* data(std::size_t index) const noexcept {
    char* const first = pages_.data() + count_ * sizeof(SetHead);
    return std::launder(reinterpret_cast<Word*>(first + index * units_ * unit_bytes));
  }

  [[nodiscard]] bool has_room(const SetHead& set, std::size_t units) const noexcept {
    return set.live + units <= units_ && !set.full();
  }

  /// The 8 bytes from unit `at` on. Looks at the word behind them too.
  [[nodiscard]] static std::uint64_t word_at(const Word* data, std::size_t at) noexcept {
    const std::uint64_t low = data[at / 2].load(std::memory_order_acquire);
    const std::uint64_t high = data[at / 2 + 1].load(std::memory_order_acquire);
    return at % 2 == 0 ? low : low >> 32U | high << 32U;
  }

  /// Reads `units` from unit `at` on.
  static void load(const Word* data, std::size_t at, std::size_t units, Bytes& out) noexcept {
    out.offset = at % 2 * unit_bytes;
    const std::size_t first = at / 2;
    const std::size_t count = (at + units + 1) / 2 - first;
    for (std::size_t i = 0; i != count; ++i)
      out.words[i] = data[first + i].load(std::memory_order_acquire);
  }

  /// Writes `units` from unit `at` on, and leaves its neighbours as they are. For who holds the
  /// lock.
  static void store(Word* data, std::size_t at, std::size_t units, const char* record) noexcept {
    Bytes bytes;
    const std::size_t first = at / 2;
    const std::size_t count = (at + units + 1) / 2 - first;
    bytes.offset = at % 2 * unit_bytes;
    bytes.words[0] = data[first].load(std::memory_order_relaxed);
    bytes.words[count - 1] = data[first + count - 1].load(std::memory_order_relaxed);
    std::memcpy(bytes.begin(), record, units * unit_bytes);
    for (std::size_t i = 0; i != count; ++i)
      data[first + i].store(bytes.words[i], std::memory_order_release);
  }

  /// Where there is room. `size_at(unit)` tells the units of the record that begins there.
  template <class SizeAt>
  unsigned insert(std::size_t index, const char* record, std::size_t units, std::uint8_t tag,
                  SizeAt&& size_at) noexcept {
    SetHead& set = head(index);
    const auto way = static_cast<unsigned>(std::countr_one(set.taken));
    // The gap that the last owner of this way left is used where it fits.
    const std::size_t gap = set.places[way].load(std::memory_order_relaxed);
    std::size_t at = gap - 1;
    if (gap == 0 || size_at(at) != units) {
      if (set.used + units > units_) push_together(index, size_at);
      at = set.used;
      set.used = static_cast<std::uint16_t>(set.used + units);
    }
    store(data(index), at, units, record);
    set.places[way].store(static_cast<std::uint16_t>(at + 1), std::memory_order_release);
    set.live = static_cast<std::uint16_t>(set.live + units);
    set.taken |= SetHead::bit(way);
    if ((set.asked.load(std::memory_order_relaxed) & SetHead::bit(way)) != 0)
      set.asked.fetch_and(~SetHead::bit(way), std::memory_order_relaxed);
    set.set_tag(way, tag);
    return way;
  }

  static void remove(SetHead& set, unsigned way, std::size_t units) noexcept {
    set.set_tag(way, 0);
    set.taken &= ~SetHead::bit(way);
    set.live = static_cast<std::uint16_t>(set.live - units);
    for (unsigned place = 0; place != set.window_size; ++place) {
      if (set.window[place] == way) return set.leave_window(place);
    }
  }

  /// Lets go of all records.
  void clear() noexcept {
    for (std::size_t i = 0; i != count_; ++i) {
      SetHead& set = head(i);
      const Lock lock(set);
      for (auto& tags : set.tags) tags.store(0, std::memory_order_release);
      for (auto& place : set.places) place.store(0, std::memory_order_release);
      set.taken = 0;
      set.used = set.live = 0;
      set.window_size = 0;
    }
  }

  [[nodiscard]] std::size_t entries() const noexcept {
    std::size_t entries = 0;
    for (std::size_t i = 0; i != count_; ++i) {
      for (const auto& tags : head(i).tags) {
        for (std::uint64_t left = tags.load(std::memory_order_relaxed); left != 0; left >>= 8U)
          entries += (left & 0xffU) != 0 ? 1U : 0U;
      }
    }
    return entries;
  }

  void retire() noexcept { pages_.give_back(); }

 private:
  /// Closes all gaps. Free ways lose theirs.
  template <class SizeAt>
  void push_together(std::size_t index, SizeAt&& size_at) noexcept {
    SetHead& set = head(index);
    const auto place = [&](unsigned way) {
      return set.places[way].load(std::memory_order_relaxed);
    };
    std::array<std::uint8_t, ways> order{};
    unsigned taken = 0;
    for (unsigned way = 0; way != ways; ++way) {
      if ((set.taken & SetHead::bit(way)) == 0)
        set.places[way].store(0, std::memory_order_relaxed);
      else
        order[taken++] = static_cast<std::uint8_t>(way);
    }
    std::sort(order.begin(), order.begin() + taken,
              [&](unsigned a, unsigned b) { return place(a) < place(b); });
    std::size_t to = 0;
    for (unsigned i = 0; i != taken; ++i) {
      const std::size_t from = place(order[i]) - 1U;
      const std::size_t units = size_at(from);
      if (from != to) {
        Bytes record;
        load(data(index), from, units, record);
        store(data(index), to, units, record.begin());
        set.places[order[i]].store(static_cast<std::uint16_t>(to + 1), std::memory_order_release);
      }
      to += units;
    }
    set.used = static_cast<std::uint16_t>(to);
  }

  std::size_t units_;
  std::size_t count_;
  Pages pages_;
};

}  // namespace varve::detail::cache
