// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/cache/duel.hpp>
#include <varve/cache/frequency_sketch.hpp>
#include <varve/cache/hash.hpp>
#include <varve/cache/sets.hpp>
#include <varve/cache/value.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

namespace varve::detail::cache {

/// Small records in sets of up to 32, each set with a sequence lock of its own.
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
        sets_(capacity, head_bytes + entry_bytes, FrequencySketch::bytes_for(Sets::ways)),
        sketch_(sets_.count() * Sets::ways),
        duel_(sets_.count()) {}

  [[nodiscard]] bool takes(std::size_t key_size, std::size_t value_size) const noexcept {
    return sets_.count() != 0 && key_size + value_size <= longest_payload &&
           units_of(key_size, value_size) <= sets_.units() / 4;
  }

  Found find(const Key& key, Value& out) noexcept {
    if (sets_.count() == 0) return Found::nothing;
    const std::size_t index = sets_.index(key.hash);
    SetHead& set = sets_.head(index);
    for (int tries = 0; tries != 8; ++tries) {
      const std::uint64_t version = set.version.load(std::memory_order_acquire);
      if ((version & 1U) != 0) continue;
      const Found found = look(set, sets_.data(index), key, out);
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
    const std::size_t units = units_of(key.bytes.size(), size);
    const std::size_t index = sets_.index(key.hash);
    SetHead& set = sets_.head(index);
    const Sets::Lock lock(set);
    if (!allowed()) return std::nullopt;
    if (const auto there = way_of(index, key)) remove(index, *there);
    std::size_t evicted = 0;
    for (; !sets_.has_room(set, units); ++evicted) evict(index);
    char record[Sets::longest_units * Sets::unit_bytes];
    encode(record, units, key, value);
    const unsigned way = sets_.insert(index, record, units, tag_of(key.hash),
                                      [&](std::size_t at) { return units_at(index, at); });
    set.window[set.window_size++] = static_cast<std::uint8_t>(way);
    if (set.window_size > Sets::window) set.leave_window(0);
    return evicted;
  }

  bool erase(const Key& key) noexcept {
    if (sets_.count() == 0) return false;
    const std::size_t index = sets_.index(key.hash);
    const Sets::Lock lock(sets_.head(index));
    const auto way = way_of(index, key);
    if (way) remove(index, *way);
    return way.has_value();
  }

  void clear() noexcept { sets_.clear(); }

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
  // A record: its head, the key, the value, zeros to a whole unit. The head is one word: from the
  // lowest bit, 32 of the tree's number, 16 of its generation, 8 each of the sizes of key and
  // value.
  static constexpr std::size_t head_bytes = 8;
  static constexpr std::size_t head_units = head_bytes / Sets::unit_bytes;
  static constexpr std::uint64_t absent_size = 0xff;
  static constexpr std::size_t longest_payload = Value::inline_bytes - Sets::unit_bytes;
  static_assert(longest_payload < absent_size &&
                head_bytes + longest_payload <= Sets::longest_units * Sets::unit_bytes);

  static std::uint64_t head_of(const Key& key, std::uint64_t value_size) noexcept {
    return (key.identity & 0xffff'ffff'ffffU) | (std::uint64_t{key.bytes.size()} << 48U) |
           (value_size << 56U);
  }
  static std::size_t key_size(std::uint64_t head) noexcept { return (head >> 48U) & 0xffU; }
  static std::size_t value_size(std::uint64_t head) noexcept {
    return head >> 56U == absent_size ? 0 : head >> 56U;
  }

  static std::size_t units_of(std::size_t key_size, std::size_t value_size) noexcept {
    return Sets::units_of(head_bytes + key_size + value_size);
  }
  // Neither 0, which is a free way, nor 1, for which a borrow in `matches` would take a free way:
  // the record that went from there is still to be read.
  static std::uint8_t tag_of(std::uint64_t hash) noexcept {
    const auto tag = static_cast<std::uint8_t>(hash >> 56U);
    return static_cast<std::uint8_t>(tag < 2 ? tag + 2 : tag);
  }

  static void encode(char* record, std::size_t units, const Key& key,
                     std::optional<BytesView> value) noexcept {
    std::memset(record + (units - 1) * Sets::unit_bytes, 0, Sets::unit_bytes);
    const std::uint64_t head = head_of(key, value ? value->size() : absent_size);
    std::memcpy(record, &head, head_bytes);
    std::memcpy(record + head_bytes, key.bytes.data(), key.bytes.size());
    if (value && !value->empty())
      std::memcpy(record + head_bytes + key.bytes.size(), value->data(), value->size());
  }

  /// Whether the bytes of a record from unit `at` on are those of `key`.
  [[gnu::always_inline]] static bool has_key(const Sets::Word* data, std::size_t at,
                                             BytesView key) noexcept {
    std::size_t left = key.size();
    const char* bytes = key.data();
    for (; left >= 8; left -= 8, bytes += 8, at += 2) {
      if (Sets::word_at(data, at) != load_word(bytes)) return false;
    }
    if (left == 0) return true;
    std::uint64_t rest = 0;
    if (key.size() >= 8) {
      rest = load_word(bytes + left - 8) >> (64 - 8 * left);
    } else {
      for (std::size_t i = left; i-- != 0;)
        rest = rest << 8U | static_cast<unsigned char>(bytes[i]);
    }
    return ((Sets::word_at(data, at) ^ rest) << (64 - 8 * left)) == 0;
  }

  /// What the set says of the key, true only if the set does not change meanwhile.
  [[gnu::always_inline]] Found look(SetHead& set, const Sets::Word* data, const Key& key,
                                    Value& out) noexcept {
    const std::uint8_t tag = tag_of(key.hash);
    for (unsigned i = 0; i != SetHead::tag_words; ++i) {
      for (std::uint64_t left = set.matches(i, tag); left != 0; left &= left - 1) {
        const unsigned way = SetHead::first_way(i, left);
        const Found found = read(set, data, way, key, out);
        if (found == Found::nothing) continue;
        asked(set, way, key.hash);
        return found;
      }
    }
    return Found::nothing;
  }

  [[gnu::always_inline]] Found read(const SetHead& set, const Sets::Word* data, unsigned way,
                                    const Key& key, Value& out) const noexcept {
    const std::size_t place = set.places[way].load(std::memory_order_acquire);
    if (place == 0 || place > sets_.units()) return Found::nothing;
    const std::size_t at = place - 1;
    const std::uint64_t head = Sets::word_at(data, at);
    if ((head ^ head_of(key, 0)) << 8U != 0) return Found::nothing;
    const std::size_t size = value_size(head);
    const std::size_t end = at + units_of(key.bytes.size(), size);
    if (key.bytes.size() + size > longest_payload || end > sets_.units() ||
        !has_key(data, at + head_units, key.bytes))
      return Found::nothing;
    const std::size_t first = at + head_units + key.bytes.size() / Sets::unit_bytes;
    out.copy(data + first / 2, (end + 1) / 2 - first / 2);
    out.select(first % 2 * Sets::unit_bytes + key.bytes.size() % Sets::unit_bytes, size);
    return head >> 56U == absent_size ? Found::absence : Found::value;
  }

  void asked(SetHead& set, unsigned way, std::uint64_t hash) noexcept {
    if ((set.asked.load(std::memory_order_relaxed) & SetHead::bit(way)) != 0) return;
    set.asked.fetch_or(SetHead::bit(way), std::memory_order_relaxed);
    sketch_.add(hash);
  }

  // What follows is for who holds the lock.

  [[nodiscard]] std::size_t units_at(std::size_t index, std::size_t at) const noexcept {
    const std::uint64_t head = Sets::word_at(sets_.data(index), at);
    return units_of(key_size(head), value_size(head));
  }

  [[nodiscard]] std::optional<unsigned> way_of(std::size_t index, const Key& key) noexcept {
    const SetHead& set = sets_.head(index);
    const Sets::Word* const data = sets_.data(index);
    const std::uint8_t tag = tag_of(key.hash);
    for (unsigned i = 0; i != SetHead::tag_words; ++i) {
      for (std::uint64_t left = set.matches(i, tag); left != 0; left &= left - 1) {
        const unsigned way = SetHead::first_way(i, left);
        if ((set.taken & SetHead::bit(way)) == 0) continue;
        const std::size_t at = set.places[way].load(std::memory_order_relaxed) - 1U;
        if ((Sets::word_at(data, at) ^ head_of(key, 0)) << 8U == 0 &&
            has_key(data, at + head_units, key.bytes))
          return way;
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] unsigned frequency(std::size_t index, unsigned way) noexcept {
    const std::size_t at = sets_.head(index).places[way].load(std::memory_order_relaxed) - 1U;
    Sets::Bytes record;
    Sets::load(sets_.data(index), at, units_at(index, at), record);
    const std::uint64_t head = Sets::word_at(sets_.data(index), at);
    const BytesView bytes(record.begin() + head_bytes, key_size(head));
    return sketch_.estimate(hash_key(seed_, head & 0xffff'ffffU, bytes));
  }

  void remove(std::size_t index, unsigned way) noexcept {
    SetHead& set = sets_.head(index);
    const std::size_t at = set.places[way].load(std::memory_order_relaxed) - 1U;
    Sets::remove(set, way, units_at(index, at));
  }

  void evict(std::size_t index) noexcept {
    SetHead& set = sets_.head(index);
    const auto victim = set.clock_victim();
    if (set.window_size == 0 || (victim && set.window_size < Sets::window))
      return remove(index, *victim);
    const unsigned oldest = set.window[0];
    if (!victim ||
        (duel_.asks_the_sketch(index) && frequency(index, oldest) <= frequency(index, *victim)))
      return remove(index, oldest);
    set.leave_window(0);
    remove(index, *victim);
  }

  std::uint64_t seed_;
  Sets sets_;
  FrequencySketch sketch_;
  Duel duel_;
};

}  // namespace varve::detail::cache
