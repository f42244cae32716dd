// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/cache/hash.hpp>
#include <varve/concepts/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::merkle {

/// Pages in their stored form, in one flat table. What was not used since the hand of the clock
/// last came by is the first to go.
///
/// Threads  one at a time.
class PageCache {
 public:
  explicit PageCache(std::size_t capacity_bytes) noexcept : capacity_bytes_(capacity_bytes) {}

  /// Valid until the next `put` or `erase`; none where the page is not kept.
  [[nodiscard]] std::optional<BytesView> find(BytesView key) noexcept {
    if (slots_.empty()) return std::nullopt;
    Slot& slot = slots_[place_of(key, hash_of(key))];
    if (slot.stored.empty()) return std::nullopt;
    slot.used = true;
    return BytesView(slot.stored).substr(key.size());
  }

  /// The page will be asked for soon: its place comes near, and then its bytes.
  void prefetch(BytesView key) const noexcept {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash_of(key) & mask()]);
  }
  void prefetch_nearer(BytesView key) const noexcept {
    if (slots_.empty()) return;
    const BytesView stored = slots_[hash_of(key) & mask()].stored;
    for (std::size_t at = 0; at < stored.size(); at += line) __builtin_prefetch(stored.data() + at);
  }

  void put(BytesView key, BytesView page) {
    if (cost(key.size() + page.size()) > capacity_bytes_) return erase(key);
    if ((count_ + 1) * 4 > slots_.size() * 3) grow();
    const std::uint64_t hash = hash_of(key);
    Slot& slot = slots_[place_of(key, hash)];
    slot.stored.reserve(key.size() + page.size());  // nothing fails behind this
    if (slot.stored.empty()) {
      slot.hash = hash;
      slot.used = false;
      ++count_;
    } else {
      bytes_ -= cost(slot.stored.size());
    }
    slot.stored.assign(key).append(page);
    bytes_ += cost(slot.stored.size());
    while (bytes_ > capacity_bytes_) drop_one();
  }

  void erase(BytesView key) noexcept {
    if (slots_.empty()) return;
    const std::size_t place = place_of(key, hash_of(key));
    if (!slots_[place].stored.empty()) remove(place);
  }

  void clear() noexcept {
    slots_ = {};
    count_ = bytes_ = hand_ = 0;
  }

  /// What the pages take up, with their share of the table.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  static constexpr std::size_t line = 64;

  struct alignas(line) Slot {
    std::uint64_t hash = 0;
    std::string stored{};  ///< the key, then the page; empty where the slot is free
    bool used = false;
  };

  static std::size_t cost(std::size_t stored) noexcept { return 2 * sizeof(Slot) + stored; }
  static std::uint64_t hash_of(BytesView key) noexcept {
    return varve::detail::cache::hash_key(0, 0, key);
  }

  [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }

  /// Where the page of this key lies, or would.
  [[nodiscard]] std::size_t place_of(BytesView key, std::uint64_t hash) const noexcept {
    std::size_t place = hash & mask();
    for (;; place = (place + 1) & mask()) {
      const Slot& slot = slots_[place];
      if (slot.stored.empty()) return place;
      // No stored key is the beginning of another: the first byte tells how long it is.
      if (slot.hash == hash && BytesView(slot.stored).starts_with(key)) return place;
    }
  }

  void grow() {
    std::vector<Slot> larger(slots_.empty() ? 64 : slots_.size() * 2);
    slots_.swap(larger);
    for (Slot& slot : larger) {
      if (slot.stored.empty()) continue;
      std::size_t place = slot.hash & mask();
      while (!slots_[place].stored.empty()) place = (place + 1) & mask();
      slots_[place] = std::move(slot);
    }
    hand_ = 0;
  }

  void drop_one() noexcept {
    for (;; hand_ = (hand_ + 1) & mask()) {
      Slot& slot = slots_[hand_];
      if (slot.stored.empty()) continue;
      if (!std::exchange(slot.used, false)) return remove(hand_);
    }
  }

  /// What would no longer be found behind the free place moves into it.
  void remove(std::size_t place) noexcept {
    bytes_ -= cost(slots_[place].stored.size());
    --count_;
    for (std::size_t next = (place + 1) & mask(); !slots_[next].stored.empty();
         next = (next + 1) & mask()) {
      const std::size_t from_home = (next - slots_[next].hash) & mask();
      if (from_home < ((next - place) & mask())) continue;
      slots_[place] = std::move(slots_[next]);
      place = next;
    }
    slots_[place] = {};
  }

  std::size_t capacity_bytes_;
  std::vector<Slot> slots_;  ///< a power of two of them, a quarter free
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  std::size_t hand_ = 0;
};

}  // namespace varve::merkle
