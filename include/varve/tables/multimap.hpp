// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/table.hpp>
#include <varve/tables/no_record.hpp>

#include <cstdint>

namespace varve {

/// A persistent multimap: many ordered values under one key, each of them once.
///
///   using Children = varve::Multimap<"children", Hash, Hash>;
///   Children::On children{store};
///   children.insert(parent, child);
///   for (const auto& [of, child] : children.equal(parent)) ...
///
/// Threads and errors: those of `TableHandle`.
template <FixedText map_name, OrderedType K, OrderedType V>
struct Multimap {
  struct Pair {
    K key{};
    V value{};
  };
  using Table =
      varve::Table<map_name, Key<&Pair::key, &Pair::value>, Pair, detail::tables::NoRecord>;

  template <class Source>
  class On {
   public:
    explicit On(Source& source) : source_(&source), table_(source) {}

    void insert(const K& key, const V& value, Durability durability = Durability::synced) const {
      table_.put({key, value}, durability);
    }
    void insert(WriteBatch& batch, const K& key, const V& value) const {
      table_.put(batch, {key, value});
    }
    template <KvEngine Engine>
    void insert(TableBatch<Engine>& batch, const K& key, const V& value) const {
      table_.put(batch, {key, value});
    }

    void erase(const K& key, const V& value, Durability durability = Durability::synced) const {
      table_.erase(key, value, durability);
    }
    void erase(WriteBatch& batch, const K& key, const V& value) const {
      table_.erase(batch, key, value);
    }
    /// Removes every value of the key.
    void erase(const K& key, Durability durability = Durability::synced) const {
      WriteBatch batch;
      erase(batch, key);
      source_->write(batch, durability);
    }
    void erase(WriteBatch& batch, const K& key) const {
      batch.erase_range(table_.tree(), KeyRange::prefix(leading<typename Table::KeyType>(key)));
    }

    [[nodiscard]] bool contains(const K& key, const V& value) const {
      return table_.contains(key, value);
    }

    /// The pairs of the key, as tuples of key and value, in the order of the values.
    [[nodiscard]] auto equal(const K& key) const { return table_.prefix(key).keys(); }
    /// All pairs.
    [[nodiscard]] auto all() const { return table_.all().keys(); }
    [[nodiscard]] std::uint64_t count() const { return table_.count(); }

   private:
    Source* source_;
    typename Table::template On<Source> table_;
  };
  template <class Source>
  On(Source&) -> On<Source>;
};

}  // namespace varve
