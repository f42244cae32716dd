// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/mman.h>

#include <varve/cache/hash.hpp>
#include <varve/cache/pages.hpp>
#include <varve/concepts/bytes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace varve::merkle {

/// Pages in their stored form, one behind another in a ring of bounded memory. The page that was
/// put longest ago is the first to go: those that change often, at the top, stay.
///
/// Threads one at a time.
class PageCache {
 public:
  explicit PageCache(std::size_t capacity_bytes) noexcept
      : lines_(capacity_bytes / 8 * 7 / line), most_pages_(capacity_bytes / 8 / page_share) {}

  [[nodiscard]] static std::uint64_t hash_of(BytesView key) noexcept {
    return varve::detail::cache::hash_key(0, 0, key);
  }

  /// Valid until the next `put` or `erase`; none where the page is not kept.
  [[nodiscard]] std::optional<BytesView> find(BytesView key, std::uint64_t hash) const noexcept {
    if (slots_.empty()) return std::nullopt;
    const Slot& slot = slots_[place_of(key, hash)];
    if (slot.free()) return std::nullopt;
    return BytesView(at(slot.line) + sizeof(Head), head_at(slot.line).size);
  }

  /// The page of this hash will be asked for soon: its place comes near, and then its bytes.
  [[gnu::always_inline]] void prefetch(std::uint64_t hash) const noexcept {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & mask()]);
  }
  [[gnu::always_inline]] void prefetch_nearer(std::uint64_t hash) const noexcept {
    if (slots_.empty()) return;
    std::size_t place = hash & mask();
    while (!slots_[place].free() && slots_[place].tag != tag_of(hash)) place = (place + 1) & mask();
    const Slot& slot = slots_[place];
    for (std::size_t i = 0; i != slot.lines; ++i) __builtin_prefetch(at(slot.line) + i * line);
  }

  /// Keeps the page, where its key and itself are no longer than those of any page.
  void put(BytesView key, BytesView page) {
    const std::size_t lines = (sizeof(Head) + page.size() + line - 1) / line;
    if (key.size() > longest_key || lines > most_lines || lines_ < 2 * most_lines) {
      return erase(key);
    }
    const std::uint64_t hash = hash_of(key);
    if (!slots_.empty()) {
      const std::size_t place = place_of(key, hash);
      const Slot& slot = slots_[place];
      if (!slot.free() && slot.lines == lines && !soon_to_go(slot.line)) {
        return write(slot.line, key, page, lines);
      }
      if (!slot.free()) remove(place);
    }
    if ((count_ + 1) * 4 > slots_.size() * 3) grow();
    while (count_ >= most_pages_) drop_oldest();
    const auto start = static_cast<std::uint32_t>(take(lines));
    write(start, key, page, lines);
    slots_[place_of(key, hash)] = {tag_of(hash), start, static_cast<std::uint8_t>(lines)};
    ++count_;
    page_lines_ += lines;
  }

  void erase(BytesView key) noexcept {
    if (slots_.empty()) return;
    const std::size_t place = place_of(key, hash_of(key));
    if (!slots_[place].free()) remove(place);
  }

  void clear() noexcept {
    slots_ = std::vector<Slot>();
    ring_.reset();
    count_ = page_lines_ = head_ = tail_ = 0;
  }

  /// What the pages take up, with their share of the table.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return page_lines_ * line + count_ * page_share;
  }

 private:
  static constexpr std::size_t line = 64;
  static constexpr std::size_t longest_key = 33;
  static constexpr std::size_t most_lines = 17;

  /// What stands before a page. Without a key, there is none.
  struct Head {
    std::uint16_t lines;
    std::uint16_t size;
    std::uint8_t key_size;
    std::array<char, longest_key> key;
  };
  static_assert(sizeof(Head) <= 40 && std::is_trivially_copyable_v<Head>);

  struct Slot {
    std::uint32_t tag = 0;  ///< the lower half of the hash
    std::uint32_t line = 0;
    std::uint8_t lines = 0;  ///< 0 where the slot is free

    [[nodiscard]] bool free() const noexcept { return lines == 0; }
  };

  /// At most three of four slots are taken, and at least three of eight.
  static constexpr std::size_t page_share = sizeof(Slot) * 8 / 3;

  static std::uint32_t tag_of(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(hash);
  }
  [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }
  [[nodiscard]] char* at(std::size_t start) const noexcept { return ring_->data() + start * line; }

  [[nodiscard]] Head head_at(std::size_t start) const noexcept {
    Head head;
    std::memcpy(&head, at(start), sizeof(head));
    return head;
  }
  [[nodiscard]] bool has(const Slot& slot, BytesView key) const noexcept {
    const char* const head = at(slot.line);
    return static_cast<std::uint8_t>(head[offsetof(Head, key_size)]) == key.size() &&
           std::memcmp(head + offsetof(Head, key), key.data(), key.size()) == 0;
  }

  /// Where the page of this key is named, or would be.
  [[nodiscard]] std::size_t place_of(BytesView key, std::uint64_t hash) const noexcept {
    std::size_t place = hash & mask();
    for (;; place = (place + 1) & mask()) {
      const Slot& slot = slots_[place];
      if (slot.free() || (slot.tag == tag_of(hash) && has(slot, key))) return place;
    }
  }

  void write(std::size_t start, BytesView key, BytesView page, std::size_t lines) noexcept {
    Head head{static_cast<std::uint16_t>(lines),
              static_cast<std::uint16_t>(page.size()),
              static_cast<std::uint8_t>(key.size()),
              {}};
    std::copy(key.begin(), key.end(), head.key.begin());
    std::memcpy(at(start), &head, sizeof(head));
    std::copy(page.begin(), page.end(), at(start) + sizeof(head));
  }

  /// Whether what lies here is in the quarter of the ring that will be written over next.
  [[nodiscard]] bool soon_to_go(std::size_t start) const noexcept {
    if (head_ - tail_ < lines_ / 4 * 3) return false;
    return (start + lines_ - tail_ % lines_) % lines_ < lines_ / 4;
  }

  /// Room for so many lines, in one piece.
  std::size_t take(std::size_t lines) {
    if (!ring_) {
      ring_ = std::make_unique<varve::detail::cache::Pages>(lines_ * line);
      static_cast<void>(::madvise(ring_->data(), ring_->size(), MADV_HUGEPAGE));
    }
    const std::size_t left = lines_ - head_ % lines_;
    if (left < lines) {
      while (head_ - tail_ + left > lines_) drop_oldest();
      const Head none{static_cast<std::uint16_t>(left), 0, 0, {}};
      std::memcpy(at(head_ % lines_), &none, sizeof(none));
      head_ += left;
    }
    while (head_ - tail_ + lines > lines_) drop_oldest();
    return std::exchange(head_, head_ + lines) % lines_;
  }

  void drop_oldest() noexcept {
    const std::size_t start = tail_ % lines_;
    const Head head = head_at(start);
    tail_ += head.lines;
    if (head.key_size == 0) return;
    const BytesView key(head.key.data(), head.key_size);
    const std::size_t place = place_of(key, hash_of(key));
    if (!slots_[place].free() && slots_[place].line == start) remove(place);
  }

  /// The lower bits of the hash say where the search for a slot begins; the tag has them.
  void grow() {
    std::vector<Slot> larger(slots_.empty() ? 64 : slots_.size() * 2);
    slots_.swap(larger);
    for (const Slot& slot : larger) {
      if (slot.free()) continue;
      std::size_t place = slot.tag & mask();
      while (!slots_[place].free()) place = (place + 1) & mask();
      slots_[place] = slot;
    }
  }

  /// What would no longer be found behind the free place moves into it.
  void remove(std::size_t place) noexcept {
    page_lines_ -= slots_[place].lines;
    --count_;
    for (std::size_t next = (place + 1) & mask(); !slots_[next].free();
         next = (next + 1) & mask()) {
      const std::size_t from_home = (next - slots_[next].tag) & mask();
      if (from_home < ((next - place) & mask())) continue;
      slots_[place] = slots_[next];
      place = next;
    }
    slots_[place] = {};
  }

  std::size_t lines_;  ///< of the ring
  std::size_t most_pages_;
  std::unique_ptr<varve::detail::cache::Pages> ring_;
  std::vector<Slot> slots_;  ///< a power of two of them
  std::size_t count_ = 0;
  std::size_t page_lines_ = 0;
  std::uint64_t head_ = 0;  ///< lines that were ever taken
  std::uint64_t tail_ = 0;  ///< lines that were ever given back
};

}  // namespace varve::merkle
