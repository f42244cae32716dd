// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/table.hpp>

#include <compare>
#include <cstdint>
#include <vector>

namespace varve {

/// Persistent counters, one for each key; those that nobody has added to are 0.
///
///   using Hits = varve::Counters<"hits", std::string>;
///   Hits::On hits{store};
///   hits.add("index.html");
///
/// Threads  any number; no addition is lost.
/// Errors   those of the store; `invalid_argument` where a sum leaves the 64 bits; nothing is
///          changed then.
template <FixedText table_name, OrderedType K>
struct Counters {
  struct Counter {
    K key{};
    std::int64_t count = 0;

    friend bool operator==(const Counter&, const Counter&) = default;
    friend auto operator<=>(const Counter&, const Counter&) = default;
  };
  using Table = varve::Table<table_name, Key<&Counter::key>, Counter, Ordered>;

  template <class Source>
  class On {
   public:
    explicit On(Source& source) : source_(&source), table_(source) {}

    /// Adds to the counter, and answers what it is then.
    std::int64_t add(const K& key, std::int64_t amount = 1,
                     Durability durability = Durability::synced) const {
      detail::tables::KeyBuffer bytes;
      Ordered::encode(key, bytes);
      std::vector<std::uint32_t> locks{
          detail::tables::key_lock_of(source_, table_.tree(), bytes.view())};
      const detail::tables::HeldKeys held(locks);
      std::int64_t sum = 0;
      if (__builtin_add_overflow(value(key), amount, &sum)) {
        throw Error(ErrorKind::invalid_argument,
                    {.message = "the sum has more than 64 bits: nothing was added",
                     .operation = "add",
                     .tree = std::string(Table::name),
                     .layer = "counters"});
      }
      table_.put({key, sum}, durability);
      return sum;
    }

    [[nodiscard]] std::int64_t value(const K& key) const {
      const auto counter = table_.get(key);
      return counter ? counter->count : 0;
    }

    /// Every counter that was added to, in the order of the keys.
    [[nodiscard]] auto all() const { return table_.all(); }

   private:
    Source* source_;
    typename Table::template On<Source> table_;
  };
  template <class Source>
  On(Source&) -> On<Source>;
};

}  // namespace varve
