// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/table.hpp>
#include <varve/tables/counters.hpp>

#include <atomic>
#include <concepts>
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
      std::vector<std::uint32_t> locks{lock()};
      const detail::tables::HeldKeys held(locks);
      Item item{next_number(last_), std::move(value)};
      WriteBatch batch;
      add(batch, table_, last_, item);
      source_->write(batch, durability);
      return item.number;
    }

    /// The same when the batch is written, which gives the item its number.
    template <KvEngine Engine>
    void push(TableBatch<Engine>& batch, T value) const {
      static_assert(std::same_as<Engine, Source>, "the batch is of another type of store");
      detail::tables::BatchAccess::push(
          batch, *source_, Table::name,
          {table_.tree(), lock(),
           [table = table_, last = last_, value = std::move(value)](WriteBatch& into,
                                                                    std::uint64_t before) {
             add(into, table, last, {next_number(last) + before, value});
           }});
    }

    [[nodiscard]] std::optional<T> pop(Durability durability = Durability::synced) {
      std::vector<std::uint32_t> locks{lock()};
      const detail::tables::HeldKeys held(locks);
      auto item = front();
      if (!item) return std::nullopt;
      table_.erase(item->number, durability);
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
    void remove(std::uint64_t number, Durability durability = Durability::synced) const {
      table_.erase(number, durability);
    }

    [[nodiscard]] bool empty() const { return !front(); }
    [[nodiscard]] std::uint64_t count() const { return table_.count(); }
    /// The items, the oldest first.
    [[nodiscard]] auto all() const { return table_.all(); }

   private:
    using Items = typename Table::template On<Source>;
    using Lasts = typename Last::template On<Source>;

    /// What all who push or pop hold. An item's own key is another.
    [[nodiscard]] std::uint32_t lock() const {
      return detail::tables::key_lock_of(source_, table_.tree(), "queue");
    }

    [[nodiscard]] static std::uint64_t next_number(const Lasts& lasts) {
      const auto last = lasts.get(false);
      return last ? static_cast<std::uint64_t>(last->count) + 1 : 1;
    }

    static void add(WriteBatch& batch, const Items& items, const Lasts& lasts, const Item& item) {
      items.put(batch, item);
      lasts.put(batch, {false, static_cast<std::int64_t>(item.number)});
    }

    Source* source_;
    Items table_;
    Lasts last_;
    mutable std::atomic<std::uint64_t> first_{0};
  };
  template <class Source>
  On(Source&) -> On<Source>;
};

}  // namespace varve
