// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/table.hpp>
#include <varve/tables/no_record.hpp>

#include <cstdint>

namespace varve {

/// A persistent set of ordered values.
///
///   using Seen = varve::Set<"seen", Hash>;
///   Seen::On seen{store};
///   seen.insert(hash);
///
/// Threads and errors: those of `TableHandle`.
template <FixedText set_name, OrderedType T>
struct Set {
  struct Member {
    T value{};
  };
  using Table = varve::Table<set_name, Key<&Member::value>, Member, detail::tables::NoRecord>;

  template <class Source>
  class On {
   public:
    explicit On(Source& source) : table_(source) {}

    void insert(const T& value, Durability durability = Durability::synced) const {
      table_.put({value}, durability);
    }
    void insert(WriteBatch& batch, const T& value) const { table_.put(batch, {value}); }
    template <KvEngine Engine>
    void insert(TableBatch<Engine>& batch, const T& value) const {
      table_.put(batch, {value});
    }

    void erase(const T& value, Durability durability = Durability::synced) const {
      table_.erase(value, durability);
    }
    void erase(WriteBatch& batch, const T& value) const { table_.erase(batch, value); }
    template <KvEngine Engine>
    void erase(TableBatch<Engine>& batch, const T& value) const {
      table_.erase(batch, value);
    }

    [[nodiscard]] bool contains(const T& value) const { return table_.contains(value); }

    /// The values in their order.
    [[nodiscard]] auto all() const { return table_.all().keys(); }
    /// Those at and after `first` and before `last`.
    [[nodiscard]] auto between(const T& first, const T& last) const {
      return table_.between(first, last).keys();
    }
    [[nodiscard]] std::uint64_t count() const { return table_.count(); }

   private:
    typename Table::template On<Source> table_;
  };
  template <class Source>
  On(Source&) -> On<Source>;
};

}  // namespace varve
