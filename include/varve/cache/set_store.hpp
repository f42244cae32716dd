// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/cache/duel.hpp>
#include <varve/cache/frequency_sketch.hpp>
#include <varve/cache/hash.hpp>
#include <varve/cache/sets.hpp>
#include <varve/cache/value.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace varve::detail::cache {

/// Small records in sets of up to 32, each set a block of memory with a sequence lock of its own.
///
/// A record starts in its set's window, first in, first out. When the set is full the oldest of the
/// window meets the one that CLOCK would take from the rest, and the sketch decides which of the
/// two goes: the one asked for less often. So what is read once passes through the window. Where
/// the popular keys change too fast for that, the duel of the sets says so, and CLOCK alone
/// decides.
///
/// Threads: any. A reader never waits: it copies, sees whether the set changed meanwhile, and after
/// a few tries in vain calls it a miss.
class SetStore {
 public:
  /// As many sets of about 32 records of `entry_bytes` as `capacity` has room for, with the sketch.
  SetStore(std::size_t capacity, std::size_t entry_bytes, std::uint64_t seed)
      : seed_(seed),
        sets_(capacity, entry_bytes),
        sketch_(sets_.count() * Sets::ways),
        duel_(sets_.count()) {}

  [[nodiscard]] bool takes(std::size_t key_size, std::size_t value_size) const noexcept {
    return sets_.count() != 0 && value_size < absent_size &&
           words_of(key_size, value_size) <= longest();
  }

  Found find(const Key& key, Value& out) noexcept {
    if (sets_.count() == 0) return Found::nothing;
    SetHead& set = sets_.head(key.hash);
    for (int tries = 0; tries != 8; ++tries) {
      const std::uint64_t version = set.version.load(std::memory_order_acquire);
      if ((version & 1U) != 0) continue;
      const Found found = look(set, key, out);
      if (set.version.load(std::memory_order_relaxed) == version) return found;
    }
    return Found::nothing;
  }

  /// Counts a request that was not answered.
  void missed(const Key& key) noexcept {
    sketch_.add(key.hash);
    duel_.missed(sets_.index(key.hash));
  }

  template <class Allowed>
  std::optional<std::size_t> fill(const Key& key, std::optional<BytesView> value,
                                  Allowed&& allowed) noexcept {
    const std::size_t size = value ? value->size() : 0;
    if (!takes(key.bytes.size(), size)) return std::nullopt;
    const std::size_t words = words_of(key.bytes.size(), size);
    SetHead& set = sets_.head(key.hash);
    const Sets::Lock lock(set);
    if (!allowed()) return std::nullopt;
    if (const auto there = way_of(set, key)) sets_.remove(set, *there);
    std::size_t evicted = 0;
    while (!sets_.has_room(set, words)) {
      evict(set, duel_.asks_the_sketch(sets_.index(key.hash)));
      ++evicted;
    }
    std::uint64_t record[Value::inline_words + 1];
    encode(record, words, key, value);
    const unsigned way = sets_.insert(set, record, words, tag_of(key.hash));
    set.window[set.window_size++] = static_cast<std::uint8_t>(way);
    if (set.window_size > Sets::window) set.leave_window(0);
    return evicted;
  }

  bool erase(const Key& key) noexcept {
    if (sets_.count() == 0) return false;
    SetHead& set = sets_.head(key.hash);
    const Sets::Lock lock(set);
    const auto way = way_of(set, key);
    if (way) sets_.remove(set, *way);
    return way.has_value();
  }

  void count(std::size_t& entries, std::size_t& bytes) noexcept {
    bytes += sets_.bytes() + sketch_.bytes();
    entries += sets_.entries();
  }

  /// Gives the memory of the sets back. Readers may still look and find nothing; nobody may fill.
  void retire() noexcept {
    sets_.retire();
    sketch_.retire();
  }

 private:
  // A record: identity; sizes of key and value, 16 bits each; key; value; zeros to a whole word.
  static constexpr std::uint64_t absent_size = 0xffff;
  static constexpr std::size_t head_bytes = 12;

  static std::size_t words_of(std::size_t key_size, std::size_t value_size) noexcept {
    return (head_bytes + key_size + value_size + 7) / 8;
  }
  [[nodiscard]] std::size_t longest() const noexcept {
    return std::min<std::size_t>(Value::inline_words + 1, sets_.data_words() / 4);
  }
  static std::uint16_t tag_of(std::uint64_t hash) noexcept {
    return static_cast<std::uint16_t>((hash >> 48U) | 1U);
  }

  static void encode(std::uint64_t* record, std::size_t words, const Key& key,
                     std::optional<BytesView> value) noexcept {
    record[words - 1] = 0;
    record[0] = key.identity;
    char* const bytes = reinterpret_cast<char*>(record);
    const auto key_size = static_cast<std::uint16_t>(key.bytes.size());
    const auto value_size = static_cast<std::uint16_t>(value ? value->size() : absent_size);
    std::memcpy(bytes + 8, &key_size, 2);
    std::memcpy(bytes + 10, &value_size, 2);
    std::memcpy(bytes + head_bytes, key.bytes.data(), key.bytes.size());
    if (value && !value->empty())
      std::memcpy(bytes + head_bytes + key.bytes.size(), value->data(), value->size());
  }

  /// What the set says of the key, true only if the set does not change meanwhile.
  Found look(SetHead& set, const Key& key, Value& out) noexcept {
    Found found = Found::nothing;
    set.each_with_tag(tag_of(key.hash), [&](unsigned way) {
      found = read(set, way, key, out);
      return found == Found::nothing;
    });
    return found;
  }

  Found read(SetHead& set, unsigned way, const Key& key, Value& out) noexcept {
    const std::size_t at = set.offsets[way].load(std::memory_order_acquire);
    const auto* const data = sets_.data(set);
    const std::size_t room = sets_.data_words();
    if (at + 2 > room || data[at].load(std::memory_order_acquire) != key.identity)
      return Found::nothing;
    const std::uint64_t second = data[at + 1].load(std::memory_order_acquire);
    const std::size_t key_size = second & 0xffffU;
    const std::size_t stored = (second >> 16U) & 0xffffU;
    const std::size_t value_size = stored == absent_size ? 0 : stored;
    const std::size_t words = words_of(key_size, value_size);
    if (key_size != key.bytes.size() || words > Value::inline_words + 1 || at + words > room)
      return Found::nothing;
    std::uint64_t* const copy = out.words();
    copy[0] = second;
    for (std::size_t i = 2; i < words; ++i)
      copy[i - 1] = data[at + i].load(std::memory_order_acquire);
    if (std::memcmp(out.bytes() + head_bytes - 8, key.bytes.data(), key_size) != 0)
      return Found::nothing;
    out.select(head_bytes - 8 + key_size, value_size);
    used(set, way, key.hash);
    return stored == absent_size ? Found::absence : Found::value;
  }

  void used(SetHead& set, unsigned way, std::uint64_t hash) noexcept {
    const std::uint8_t count = set.clock[way].load(std::memory_order_relaxed);
    if (count == Sets::clock_max) return;
    set.clock[way].store(static_cast<std::uint8_t>(count + 1), std::memory_order_relaxed);
    sketch_.add(hash);
  }

  std::optional<unsigned> way_of(SetHead& set, const Key& key) noexcept {
    Value copy;
    std::optional<unsigned> found;
    set.each_with_tag(tag_of(key.hash), [&](unsigned way) {
      if (read(set, way, key, copy) != Found::nothing) found = way;
      return !found;
    });
    return found;
  }

  unsigned frequency(SetHead& set, unsigned way) noexcept {
    std::uint64_t record[Value::inline_words + 1];
    sets_.copy_out(set, way, record, Value::inline_words + 1);
    const std::size_t key_size = record[1] & 0xffffU;
    const BytesView bytes(reinterpret_cast<const char*>(record) + head_bytes, key_size);
    return sketch_.estimate(hash_key(seed_, record[0] & 0xffff'ffffU, bytes));
  }

  void evict(SetHead& set, bool by_frequency) noexcept {
    const auto victim = set.clock_victim();
    if (set.window_size == 0 || (victim && set.window_size < Sets::window))
      return sets_.remove(set, *victim);
    const unsigned oldest = set.window[0];
    if (!victim || (by_frequency && frequency(set, oldest) <= frequency(set, *victim)))
      return sets_.remove(set, oldest);
    set.leave_window(0);
    sets_.remove(set, *victim);
  }

  std::uint64_t seed_;
  Sets sets_;
  FrequencySketch sketch_;
  Duel duel_;
};

}  // namespace varve::detail::cache
