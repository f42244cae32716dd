// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/table.hpp>
#include <varve/tables/counters.hpp>

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace varve {

/// A persistent queue: first in, first out.
///
///   using Jobs = varve::Queue<"jobs", Job, varve::Packed>;
///   Jobs::On jobs{store};
///   jobs.push(job);
///   while (auto job = jobs.pop()) ...
///
/// `pop` gives an item to one caller and forgets it. Where one must not be lost with the process
/// that works on it, read `front`, do the work, and `remove` its number.
///
/// Threads and errors: those of `TableHandle`.
template <FixedText queue_name, class T, Codec ItemCodec>
struct Queue {
  struct Item {
    std::uint64_t number = 0;  ///< from 1 on, in the order of the pushes
    T value{};
  };
  using Table = varve::Table<queue_name, Key<&Item::number>, Item, ItemCodec>;
  /// The last number that was given: none is given twice.
  using Last = typename Counters<queue_name + FixedText("-last"), bool>::Table;

  template <class Source>
  class On {
   public:
    explicit On(Source& source) : source_(&source), table_(source), last_(source) {}

    /// Answers the number of the item.
    std::uint64_t push(T value, Durability durability = Durability::synced) {
      auto locks = lock();
      const detail::tables::HeldKeys held(locks);
      const auto last = last_.get(false);
      const std::int64_t number = last ? last->count + 1 : 1;
      WriteBatch batch;
      table_.put(batch, Item{static_cast<std::uint64_t>(number), std::move(value)});
      last_.put(batch, {false, number});
      source_->write(batch, durability);
      return static_cast<std::uint64_t>(number);
    }

    [[nodiscard]] std::optional<T> pop() {
      auto locks = lock();
      const detail::tables::HeldKeys held(locks);
      auto item = front();
      if (!item) return std::nullopt;
      table_.erase(item->number);
      return std::move(item->value);
    }

    /// The oldest item, which stays.
    [[nodiscard]] std::optional<Item> front() const {
      // Engines keep the places of what was erased for a while: they are not searched again.
      auto item = table_.all().from(first_.load(std::memory_order_relaxed)).first();
      if (item) first_.store(item->number, std::memory_order_relaxed);
      return item;
    }

    /// Removes an item; nothing happens where it is gone.
    void remove(std::uint64_t number) const { table_.erase(number); }

    [[nodiscard]] bool empty() const { return !front(); }
    [[nodiscard]] std::uint64_t count() const { return table_.count(); }
    /// The items, the oldest first.
    [[nodiscard]] auto all() const { return table_.all(); }

   private:
    /// What all who push or pop hold. An item's own key is another.
    [[nodiscard]] std::vector<std::uint32_t> lock() const {
      return {detail::tables::key_lock_of(source_, table_.tree(), "queue")};
    }

    Source* source_;
    typename Table::template On<Source> table_;
    typename Last::template On<Source> last_;
    mutable std::atomic<std::uint64_t> first_{0};
  };
  template <class Source>
  On(Source&) -> On<Source>;
};

}  // namespace varve
