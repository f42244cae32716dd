// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/buffer/arena.hpp>
#include <varve/concepts/write_batch.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <utility>

namespace varve::detail {

/// What was done to one key. Lies in the arena of its table: tower, key and value follow it.
struct TableRecord {
  using Link = std::atomic<TableRecord*>;

  std::uint64_t sequence = 0;
  Tree tree{};
  std::uint32_t key_size = 0;
  std::uint32_t value_size = 0;
  std::uint16_t height = 0;
  bool put = false;

  [[nodiscard]] Link* tower() noexcept { return reinterpret_cast<Link*>(this + 1); }
  [[nodiscard]] const Link* tower() const noexcept {
    return reinterpret_cast<const Link*>(this + 1);
  }
  [[nodiscard]] const TableRecord* after(std::size_t level) const noexcept {
    return tower()[level].load(std::memory_order_acquire);
  }
  [[nodiscard]] const char* bytes() const noexcept {
    return reinterpret_cast<const char*>(tower() + height);
  }
  [[nodiscard]] BytesView key() const noexcept { return {bytes(), key_size}; }
  [[nodiscard]] BytesView value() const noexcept { return {bytes() + key_size, value_size}; }

  /// Whether it comes before `(tree, key, sequence)`: newer records of a key come first.
  [[nodiscard]] bool before(Tree in, BytesView at, std::uint64_t from) const noexcept {
    if (tree != in) return tree < in;
    const int order = key().compare(at);
    return order != 0 ? order < 0 : sequence > from;
  }
};

/// A range of keys that was erased.
struct TableRangeErase {
  const TableRangeErase* older = nullptr;
  std::uint64_t sequence = 0;
  Tree tree{};
  BytesView first{};
  BytesView last{};
  bool bounded = false;

  [[nodiscard]] bool covers(BytesView key) const noexcept {
    return key >= first && (!bounded || key < last);
  }
};

/// A memory table: every version of every key that was written to it, in a skip list ordered by
/// tree, key and descending sequence, and the ranges that were erased beside it. Nothing is ever
/// taken out. W. Pugh, "Skip lists: a probabilistic alternative to balanced trees", 1990.
///
/// Threads  one writer at a time, any number of readers beside it, without a lock. A reader says up
///          to which sequence it sees.
class MemoryTable {
 public:
  static constexpr std::size_t max_height = 12;

  explicit MemoryTable(std::shared_ptr<BufferArena::Counter> memory) : arena_(std::move(memory)) {
    arena_.reserve(record_bytes(max_height, 0));
    head_ = make_record(max_height, {}, {});
  }
  MemoryTable(const MemoryTable&) = delete;
  MemoryTable& operator=(const MemoryTable&) = delete;

  // For the writer

  /// Adds the operations of a batch, numbered from `sequence` on. All or, where it throws, none.
  void add(const WriteBatch& batch, std::uint64_t sequence) {
    std::size_t needed = 0;
    for (const WriteOp op : batch) needed += room_for(op);
    arena_.reserve(needed);
    for (const WriteOp op : batch) {
      add(op, sequence);
      last_sequence_ = sequence++;
    }
    batch_bytes_ += batch.bytes().size();
  }

  /// Of the batches that were added: what is handed down is no more.
  [[nodiscard]] std::size_t batch_bytes() const noexcept { return batch_bytes_; }
  [[nodiscard]] bool empty() const noexcept { return last_sequence_ == 0; }
  [[nodiscard]] std::uint64_t last_sequence() const noexcept { return last_sequence_; }
  [[nodiscard]] std::size_t range_erases() const noexcept { return range_count_; }

  /// What all its batches come to, as one: each key once, in order. For nobody writes to it.
  [[nodiscard]] WriteBatch contents() const {
    WriteBatch batch;
    batch.reserve(batch_bytes_);
    for (const TableRangeErase* range = newest_range(); range != nullptr; range = range->older) {
      batch.erase_range(range->tree, range->bounded ? KeyRange::between(range->first, range->last)
                                                    : KeyRange::from(range->first));
    }
    const TableRecord* previous = nullptr;
    for (const TableRecord* at = head_->after(0); at != nullptr; at = at->after(0)) {
      const bool newest =
          previous == nullptr || previous->tree != at->tree || previous->key() != at->key();
      previous = at;
      if (!newest || erased_at(at->tree, at->key(), everything) > at->sequence) continue;
      if (at->put) {
        batch.put(at->tree, at->key(), at->value());
      } else {
        batch.erase(at->tree, at->key());
      }
    }
    return batch;
  }

  // For readers

  static constexpr std::uint64_t everything = std::numeric_limits<std::uint64_t>::max();

  /// The first record at or after `(tree, key, sequence)`, of this tree or a later one, or null.
  [[nodiscard]] const TableRecord* seek(Tree tree, BytesView key,
                                        std::uint64_t sequence) const noexcept {
    const TableRecord* at =
        last_where([&](const TableRecord& record) { return record.before(tree, key, sequence); });
    // What was added behind it meanwhile is too new to be asked for.
    do {
      at = at->after(0);
    } while (at != nullptr && at->before(tree, key, sequence));
    return at;
  }

  /// What was last done to `key` as far as `sequence`, ranges left aside, or null.
  [[nodiscard]] const TableRecord* find(Tree tree, BytesView key,
                                        std::uint64_t sequence) const noexcept {
    const TableRecord* const found = seek(tree, key, sequence);
    return found != nullptr && found->tree == tree && found->key() == key ? found : nullptr;
  }

  /// The last record of `tree` before `key`, or null.
  [[nodiscard]] const TableRecord* last_before(Tree tree, BytesView key) const noexcept {
    return within(tree, last_where([&](const TableRecord& record) {
                    return record.before(tree, key, everything);
                  }));
  }

  /// The last record of `tree`, or null.
  [[nodiscard]] const TableRecord* last_of(Tree tree) const noexcept {
    return within(tree, last_where([&](const TableRecord& record) { return record.tree <= tree; }));
  }

  /// When `key` was last erased by a range, as far as `sequence`; 0 for never.
  [[nodiscard]] std::uint64_t erased_at(Tree tree, BytesView key,
                                        std::uint64_t sequence) const noexcept {
    for (const TableRangeErase* range = newest_range(); range != nullptr; range = range->older) {
      if (range->sequence <= sequence && range->tree == tree && range->covers(key)) {
        return range->sequence;
      }
    }
    return 0;
  }

  [[nodiscard]] const TableRangeErase* newest_range() const noexcept {
    return newest_range_.load(std::memory_order_acquire);
  }

  /// About how many records of `tree` lie in `bounds`, found without meeting them all.
  [[nodiscard]] std::uint64_t estimate(Tree tree, const KeyBounds& bounds) const noexcept {
    constexpr std::uint64_t enough = 64;
    for (std::size_t level : {std::size_t{3}, std::size_t{0}}) {
      std::uint64_t met = 0;
      const TableRecord* at = last_where(
          [&](const TableRecord& record) {
            return record.before(tree, bounds.first(), everything);
          },
          level);
      while ((at = at->after(level)) != nullptr && at->tree == tree &&
             !bounds.passed_by(at->key())) {
        ++met;
      }
      if (met >= enough || level == 0) return met << (2 * level);
    }
    return 0;
  }

 private:
  static constexpr std::size_t record_bytes(std::size_t height, std::size_t payload) noexcept {
    return BufferArena::rounded(sizeof(TableRecord) + height * sizeof(TableRecord::Link) + payload);
  }

  [[nodiscard]] static std::size_t room_for(const WriteOp& op) noexcept {
    const std::size_t payload = op.key.size() + op.value.size();
    if (op.kind == WriteOpKind::put || op.kind == WriteOpKind::erase) {
      return record_bytes(max_height, payload);
    }
    return BufferArena::rounded(sizeof(TableRangeErase)) + BufferArena::rounded(payload);
  }

  /// The last record, or the head, of which `before` is true at `level`, going down to it.
  template <class Before>
  [[nodiscard]] const TableRecord* last_where(Before before, std::size_t level = 0) const noexcept {
    const TableRecord* at = head_;
    for (std::size_t down = height_.load(std::memory_order_relaxed); down-- > level;) {
      while (const TableRecord* following = at->after(down)) {
        if (!before(*following)) break;
        at = following;
      }
    }
    return at;
  }

  [[nodiscard]] const TableRecord* within(Tree tree, const TableRecord* record) const noexcept {
    return record != head_ && record->tree == tree ? record : nullptr;
  }

  void add(const WriteOp& op, std::uint64_t sequence) noexcept {
    if (op.kind == WriteOpKind::put || op.kind == WriteOpKind::erase) {
      add_record(op, sequence);
    } else {
      add_range(op, sequence);
    }
  }

  void add_record(const WriteOp& op, std::uint64_t sequence) noexcept {
    TableRecord* const record = make_record(random_height(), op.key, op.value);
    record->sequence = sequence;
    record->tree = op.tree;
    record->put = op.kind == WriteOpKind::put;
    std::array<TableRecord*, max_height> before{};
    TableRecord* at = head_;
    for (std::size_t level = max_height; level-- > 0;) {
      while (TableRecord* following = at->tower()[level].load(std::memory_order_relaxed)) {
        if (!following->before(op.tree, op.key, sequence)) break;
        at = following;
      }
      before[level] = at;
    }
    if (record->height > height_.load(std::memory_order_relaxed)) {
      height_.store(record->height, std::memory_order_relaxed);
    }
    for (std::size_t level = 0; level != record->height; ++level) {
      TableRecord::Link& link = before[level]->tower()[level];
      record->tower()[level].store(link.load(std::memory_order_relaxed), std::memory_order_relaxed);
      link.store(record, std::memory_order_release);
    }
  }

  void add_range(const WriteOp& op, std::uint64_t sequence) noexcept {
    auto* const range =
        new (arena_.take(BufferArena::rounded(sizeof(TableRangeErase)))) TableRangeErase;
    const std::size_t payload = op.key.size() + op.value.size();
    auto* const bytes = reinterpret_cast<char*>(arena_.take(BufferArena::rounded(payload)));
    op.key.copy(bytes, op.key.size());
    op.value.copy(bytes + op.key.size(), op.value.size());
    range->older = newest_range_.load(std::memory_order_relaxed);
    range->sequence = sequence;
    range->tree = op.tree;
    range->first = {bytes, op.key.size()};
    range->last = {bytes + op.key.size(), op.value.size()};
    range->bounded = op.kind == WriteOpKind::erase_range;
    newest_range_.store(range, std::memory_order_release);
    ++range_count_;
  }

  [[nodiscard]] TableRecord* make_record(std::size_t height, BytesView key,
                                         BytesView value) noexcept {
    auto* const record = new (arena_.take(record_bytes(height, key.size() + value.size())))
        TableRecord{.key_size = static_cast<std::uint32_t>(key.size()),
                    .value_size = static_cast<std::uint32_t>(value.size()),
                    .height = static_cast<std::uint16_t>(height)};
    for (std::size_t i = 0; i != height; ++i) new (record->tower() + i) TableRecord::Link(nullptr);
    char* const bytes = reinterpret_cast<char*>(record->tower() + height);
    key.copy(bytes, key.size());
    value.copy(bytes + key.size(), value.size());
    return record;
  }

  /// One in four is higher than another.
  [[nodiscard]] std::size_t random_height() noexcept {
    random_ ^= random_ << 13U;
    random_ ^= random_ >> 7U;
    random_ ^= random_ << 17U;
    std::size_t height = 1;
    for (std::uint64_t bits = random_; height != max_height && (bits & 3U) == 0; bits >>= 2U) {
      ++height;
    }
    return height;
  }

  BufferArena arena_;
  TableRecord* head_;
  std::atomic<std::size_t> height_{1};
  std::atomic<const TableRangeErase*> newest_range_{nullptr};
  std::size_t range_count_ = 0;
  std::size_t batch_bytes_ = 0;
  std::uint64_t last_sequence_ = 0;
  std::uint64_t random_ = 0x9e37'79b9'7f4a'7c15U;
};

}  // namespace varve::detail
