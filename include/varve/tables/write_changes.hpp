// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_reader.hpp>
#include <varve/concepts/write_batch.hpp>
#include <varve/tables/changes.hpp>
#include <varve/tables/key_locks.hpp>
#include <varve/tables/unique_value.hpp>
#include <varve/tables/unique_violation.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace varve::detail::tables {

/// What a write of records needs room for; kept by each thread from one write to the next.
struct WriteScratch {
  struct UniquePut {
    const TableCore* table;
    std::uint32_t index;
    BytesView entry;
    BytesView key;
    [[nodiscard]] Tree tree() const noexcept { return table->indexes[index].tree; }
  };
  struct UniqueErase {
    Tree tree;
    std::size_t at;  ///< in `old`
  };

  Changes changes;
  std::string record;  ///< of a table without indexes
  EntryList old;
  WriteBatch batch;
  WriteBatch puts;
  std::vector<std::uint32_t> locks;
  std::vector<std::uint32_t> order;
  std::vector<UniquePut> unique_puts;
  std::vector<UniqueErase> unique_erases;

  void clear() noexcept {
    changes.clear();
    record.clear();
    old.clear();
    batch.clear();
    puts.clear();
    locks.clear();
    order.clear();
    unique_puts.clear();
    unique_erases.clear();
  }
};

/// The scratch of this thread, lent for one write. One that is lent already (a codec that writes to
/// a table) is made anew.
class BorrowedScratch {
 public:
  BorrowedScratch() : scratch_(lent() ? new WriteScratch : &of_thread()), own_(lent()) {
    lent() = true;
  }
  BorrowedScratch(const BorrowedScratch&) = delete;
  BorrowedScratch& operator=(const BorrowedScratch&) = delete;
  ~BorrowedScratch() {
    if (own_) {
      delete scratch_;
      return;
    }
    const std::size_t bytes = scratch_->changes.bytes() + scratch_->batch.bytes().size();
    if (bytes > most_kept) *scratch_ = WriteScratch();
    scratch_->clear();
    lent() = false;
  }

  [[nodiscard]] WriteScratch& operator*() const noexcept { return *scratch_; }

 private:
  static constexpr std::size_t most_kept = std::size_t{1} << 20U;

  static WriteScratch& of_thread() {
    thread_local WriteScratch scratch;
    return scratch;
  }
  static bool& lent() noexcept {
    thread_local bool lent = false;
    return lent;
  }

  WriteScratch* scratch_;
  bool own_;
};

/// Makes one batch of changes of records: finds under locks what they replace, and adds the index
/// entries that come and go.
template <class Reader>
class ChangeWriter {
 public:
  ChangeWriter(const Reader& reader, const Changes& changes, WriteScratch& scratch) noexcept
      : reader_(reader), changes_(changes), scratch_(scratch) {}

  /// `engine` names what the locks are of. `write` gets the batch while they are held.
  template <class Write>
  void run(const void* engine, const WriteBatch& more, Write&& write,
           std::span<const Push> pushes = {}) {
    order_changes();
    collect_locks(engine);
    for (const Push& push : pushes) scratch_.locks.push_back(push.lock);
    const HeldKeys held(scratch_.locks);
    for (const std::uint32_t i : scratch_.order) change_one(changes_[i]);
    check_unique();
    add_pushes(pushes);
    scratch_.batch.append(scratch_.puts).append(more);
    write(std::as_const(scratch_.batch));
  }

 private:
  using Change = Changes::Change;

  /// Of several changes of one record the last one counts.
  void order_changes() {
    auto& order = scratch_.order;
    for (std::size_t i = 0; i != changes_.size(); ++i) {
      order.push_back(static_cast<std::uint32_t>(i));
    }
    if (order.size() < 2) return;
    const auto place = [&](std::uint32_t i) {
      return std::tuple(changes_[i].table->records, changes_.key(changes_[i]));
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return place(a) < place(b); });
    std::size_t kept = 0;
    for (std::size_t i = 0; i != order.size(); ++i) {
      if (i + 1 != order.size() && place(order[i]) == place(order[i + 1])) continue;
      order[kept++] = order[i];
    }
    order.resize(kept);
  }

  void collect_locks(const void* engine) {
    const EntryList& entries = changes_.entries();
    for (const std::uint32_t i : scratch_.order) {
      const Change& change = changes_[i];
      scratch_.locks.push_back(key_lock_of(engine, change.table->records, changes_.key(change)));
      for (std::size_t e = change.first_entry; e != change.last_entry; ++e) {
        const IndexCore& index = change.table->indexes[entries[e].index];
        if (index.unique) scratch_.locks.push_back(key_lock_of(engine, index.tree, entries.key(e)));
      }
    }
  }

  void change_one(const Change& change) {
    const TableCore& table = *change.table;
    const BytesView key = changes_.key(change);
    EntryList& old = scratch_.old;
    std::size_t was = old.size();
    if (!table.indexes.empty()) {
      const auto record = reader_.get(table.records, key);
      if (record) table.entries_of(key, record->view(), old);
    }
    const EntryList& entries = changes_.entries();
    std::size_t is = change.first_entry;
    while (is != change.last_entry || was != old.size()) {
      const int order = is == change.last_entry ? 1
                        : was == old.size()     ? -1
                                                : compare(entries, is, old, was);
      if (order < 0) {
        put_entry(change, is++);
      } else if (order > 0) {
        erase_entry(table, key, was++);
      } else {
        if (entries.value(is) != old.value(was)) put_entry(change, is);
        ++is;
        ++was;
      }
    }
    if (change.erased) {
      scratch_.puts.erase(table.records, key);
    } else {
      scratch_.puts.put(table.records, key, changes_.record(change));
    }
  }

  void put_entry(const Change& change, std::size_t at) {
    const EntryList& entries = changes_.entries();
    const IndexCore& index = change.table->indexes[entries[at].index];
    scratch_.puts.put(index.tree, entries.key(at), entries.value(at));
    if (!index.unique) return;
    scratch_.unique_puts.push_back(
        {change.table, entries[at].index, entries.key(at), changes_.key(change)});
  }

  void erase_entry(const TableCore& table, BytesView key, std::size_t at) {
    const EntryList& old = scratch_.old;
    const IndexCore& index = table.indexes[old[at].index];
    if (index.unique) {
      // While a unique index is built, another record may have the entry.
      const auto entry = reader_.get(index.tree, old.key(at));
      if (!entry || split_owner(entry->view()).owner != key) return;
      scratch_.unique_erases.push_back({index.tree, at});
    }
    scratch_.batch.erase(index.tree, old.key(at));
  }

  void check_unique() {
    auto& puts = scratch_.unique_puts;
    if (puts.empty()) return;
    auto& erases = scratch_.unique_erases;
    const EntryList& old = scratch_.old;
    const auto place = [&](const WriteScratch::UniqueErase& erase) {
      return std::tuple(erase.tree, old.key(erase.at));
    };
    std::sort(erases.begin(), erases.end(),
              [&](const auto& a, const auto& b) { return place(a) < place(b); });
    const auto wanted = [](const WriteScratch::UniquePut& put) {
      return std::tuple(put.tree(), put.entry);
    };
    std::sort(puts.begin(), puts.end(),
              [&](const auto& a, const auto& b) { return wanted(a) < wanted(b); });
    for (std::size_t i = 0; i != puts.size(); ++i) {
      const auto& put = puts[i];
      if (i != 0 && wanted(puts[i - 1]) == wanted(put)) refuse(put, puts[i - 1].key);
      const auto there = reader_.get(put.tree(), put.entry);
      if (!there) continue;
      const BytesView owner = split_owner(there->view()).owner;
      if (owner == put.key) continue;
      const auto erased = std::lower_bound(
          erases.begin(), erases.end(), wanted(put),
          [&](const auto& erase, const auto& what) { return place(erase) < what; });
      if (erased == erases.end() || place(*erased) != wanted(put)) refuse(put, owner);
    }
  }

  void add_pushes(std::span<const Push> pushes) {
    std::map<Tree, std::uint64_t> counts;
    for (const Push& push : pushes) push.add(scratch_.puts, counts[push.queue]++);
  }

  [[noreturn]] static void refuse(const WriteScratch::UniquePut& put, BytesView owner) {
    throw UniqueViolation({.table = put.table->name,
                           .index = put.table->indexes[put.index].name,
                           .key = std::string(put.key),
                           .held_by = std::string(owner),
                           .entry = std::string(put.entry)});
  }

  const Reader& reader_;
  const Changes& changes_;
  WriteScratch& scratch_;
};

}  // namespace varve::detail::tables
