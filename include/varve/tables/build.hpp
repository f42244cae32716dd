// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/tables/opening.hpp>
#include <varve/tables/tell_history.hpp>
#include <varve/tables/unique_value.hpp>
#include <varve/tables/unique_violation.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// An index is built from the records in the order of their keys, some at a time. A step adds the
// entries of its records under their locks, so that no writer changes one meanwhile, in one batch
// with the place where the next step begins. Writers keep the entries of the records that they
// write, wherever that place is; so nothing stale comes in and nothing is missed. One builder at a
// time: were the index emptied and built up to the same place between the looking and the adding of
// a step, a record that a writer added in between would be missed.
namespace varve::detail::tables {

template <KvEngine E>
void start_building(E& engine, const TableCore& table, std::size_t number) {
  const IndexCore& index = table.indexes[number];
  const std::string name = table.name + "." + index.name;
  const HeldCatalogue held(&engine, table.name);
  WriteBatch batch;
  batch.erase_range(index.tree, KeyRange::all());
  batch.put(table.catalogue, name, index_text({index.definition, IndexState::building, {}}));
  engine.write(batch, Durability::synced);
  count_state_change();
}

/// One step of the building of one index.
template <class TableType, KvEngine E>
class IndexBuilder {
 public:
  IndexBuilder(E& engine, const TableCore& table, std::size_t number)
      : engine_(engine),
        table_(table),
        index_(table.indexes[number]),
        number_(number),
        name_(table.name + "." + index_.name) {}

  /// Answers false where a writer of one of the records came between. To be called by one at a
  /// time.
  bool add(std::size_t records) {
    const auto stored = read_index(engine_, table_.catalogue, name_);
    if (!stored || stored->state != IndexState::building) return true;
    collect(stored->cursor, records);
    const HeldKeys held(locks_);
    for (const Found& found : found_) {
      const auto record = engine_.get(table_.records, found.key);
      if (!record || record->view() != found.record) return false;
    }
    WriteBatch batch;
    for (std::size_t e = 0; e != entries_.size(); ++e) {
      if (entries_[e].index != number_) continue;
      if (index_.unique) check_unique(e);
      batch.put(index_.tree, entries_.key(e), entries_.value(e));
    }
    const bool done = found_.empty();
    if (done) tell_built(engine_, index_.tree);
    batch.put(table_.catalogue, name_,
              index_text({index_.definition, done ? IndexState::readable : IndexState::building,
                          done ? std::string() : found_.back().key}));
    engine_.write(batch, done ? Durability::synced : Durability::buffered);
    if (done) count_state_change();
    return true;
  }

 private:
  struct Found {
    std::string key;
    std::string record;
  };
  static constexpr std::size_t most_bytes = std::size_t{4} << 20U;

  void collect(const std::string& cursor, std::size_t records) {
    std::size_t bytes = 0;
    for (auto scan = engine_.scan(table_.records, KeyRange::from(cursor)); scan.valid();
         scan.next()) {
      const auto [key, record] = scan.entry();
      if (key == cursor) continue;
      if (found_.size() == records || bytes > most_bytes) break;
      found_.push_back({std::string(key), std::string(record)});
      bytes += key.size() + record.size();
    }
    for (const Found& found : found_) {
      const std::size_t first = entries_.size();
      table_.entries_of(found.key, found.record, entries_);
      locks_.push_back(key_lock_of(&engine_, table_.records, found.key));
      for (std::size_t e = first; e != entries_.size(); ++e) {
        if (entries_[e].index != number_ || !index_.unique) continue;
        locks_.push_back(key_lock_of(&engine_, index_.tree, entries_.key(e)));
        wanted_.push_back(e);
      }
    }
    std::sort(wanted_.begin(), wanted_.end(),
              [&](std::size_t a, std::size_t b) { return entries_.key(a) < entries_.key(b); });
  }

  void check_unique(std::size_t e) const {
    const BytesView key = entries_.key(e);
    const BytesView owner = split_owner(entries_.value(e)).owner;
    const auto first =
        std::lower_bound(wanted_.begin(), wanted_.end(), key,
                         [&](std::size_t a, BytesView than) { return entries_.key(a) < than; });
    for (auto at = first; at != wanted_.end() && entries_.key(*at) == key; ++at) {
      const BytesView other = split_owner(entries_.value(*at)).owner;
      if (other != owner) refuse(owner, other, key);
    }
    const auto there = engine_.get(index_.tree, key);
    if (!there) return;
    const BytesView other = split_owner(there->view()).owner;
    if (other != owner) refuse(owner, other, key);
  }

  [[noreturn]] void refuse(BytesView key, BytesView other, BytesView entry) const {
    throw UniqueViolation({.table = table_.name,
                           .index = index_.name,
                           .key = std::string(key),
                           .held_by = std::string(other),
                           .entry = std::string(entry)});
  }

  E& engine_;
  const TableCore& table_;
  const IndexCore& index_;
  std::size_t number_;
  std::string name_;
  std::vector<Found> found_;
  EntryList entries_;
  std::vector<std::size_t> wanted_;  ///< entries of a unique index, in the order of their keys
  std::vector<std::uint32_t> locks_;
};

/// Answers whether an index is still to be built.
template <class TableType, KvEngine E>
bool build_step(E& engine, const TableCore& table, std::size_t records) {
  for (std::size_t i = 0; i != table.indexes.size(); ++i) {
    const auto stored =
        read_index(engine, table.catalogue, table.name + "." + table.indexes[i].name);
    if (!stored || stored->state != IndexState::building) continue;
    const HeldCatalogue held(&engine, table.name);
    // Where a writer came between, fewer records meet fewer writers.
    for (std::size_t some = std::max<std::size_t>(records, 1);; some = (some + 1) / 2) {
      if (IndexBuilder<TableType, E>(engine, table, i).add(some)) return true;
    }
  }
  return false;
}

}  // namespace varve::detail::tables
