// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/versions/tag.hpp>
#include <varve/concepts/error.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/record_layouts.hpp>
#include <varve/migrations/run_words.hpp>
#include <varve/migrations/schema_heights.hpp>
#include <varve/migrations/scrub_options.hpp>
#include <varve/migrations/stale_entries.hpp>
#include <varve/migrations/write_gate.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail {

[[noreturn]] inline void refuse_to_scrub(const LedgerHead& head) {
  const std::string version = std::to_string(head.write_version);
  throw Error(ErrorKind::invalid_argument,
              {.message = "the store was left on version " + version +
                          " and has records of version " + std::to_string(head.floor_version) +
                          ": scrub it with a program whose chain ends with version " + version +
                          ", as ChainUpTo does, or let the steps be taken",
               .operation = "scrub",
               .layer = "migrated"});
}

/// Rewrites the records that are of an older layout than their tree's newest, a slice at a time,
/// while others read and write.
///
/// A slice is converted first and written then: with the gate closed, and only over records that
/// are byte for byte what was converted, since what a writer wrote in between is new. The place
/// that is reached is in the batch of the records; so are the entries of those that are put aside.
/// When all trees are through they are looked at once more, and only then the floor of the store is
/// raised. A rollback of heights has a scrub begin anew.
template <class Chain, KvEngine E>
class Scrubber {
 public:
  /// Goes on where the ledger says. Without a gate nobody else may write.
  Scrubber(E& engine, WriteGate* gate, const ScrubOptions& options)
      : engine_(engine), ledger_(engine), gate_(gate), options_(options) {
    const auto head = ledger_.head();
    if (!head || head->floor_version == head->write_version) {
      complete_ = true;
      return;
    }
    state_.version = head->write_version;
    state_.epoch = head->epoch;
    auto begun = ledger_.scrub();
    // A scrub that was begun under another head has passed records that were new then.
    if (!begun || begun->epoch != head->epoch) return;
    if (begun->tree.empty()) {
      at_ = begun->verifying ? layouts_.size() : 0;
    } else {
      while (at_ != layouts_.size() && layouts_[at_].tree != begun->tree) ++at_;
      if (at_ == layouts_.size()) {
        at_ = 0;  // A program with other trees began it: nobody knows what it has passed of these.
        return;
      }
    }
    state_ = *std::move(begun);
  }

  /// Does one slice. Throws the errors of the engine; `invalid_argument` for a record more than
  /// `refused_at_most` that a conversion refuses; `corruption` where a record that was passed is
  /// old again. What was done by then is kept.
  ScrubProgress slice() {
    if (complete_) return progress();
    if (at_ == layouts_.size()) return finish();
    const NewestLayout& layout = layouts_[at_];
    const auto tree = engine_.find_tree(layout.tree);
    const bool end = !tree || collect(*tree, layout);
    const std::vector<OwnedEntry> entries = entries_of_refused(layout.tree);
    const GateClosed closed(gate_);
    WriteBatch batch;
    if (!add_to(batch, tree, entries, end)) return progress();
    engine_.write(batch, end ? Durability::synced : Durability::buffered);
    return progress();
  }

  /// The changes of one slice, to be written by who has the gate closed, with others.
  [[nodiscard]] WriteBatch changes() {
    WriteBatch batch;
    if (complete_) return batch;
    if (at_ == layouts_.size()) {
      static_cast<void>(finish());
      return batch;
    }
    const NewestLayout& layout = layouts_[at_];
    const auto tree = engine_.find_tree(layout.tree);
    const bool end = !tree || collect(*tree, layout);
    static_cast<void>(add_to(batch, tree, entries_of_refused(layout.tree), end));
    return batch;
  }

 private:
  struct Old {
    std::string key;
    std::string value;
    std::string fresh;
    std::optional<std::string> refused;  ///< why the conversion does
  };

  [[nodiscard]] ScrubProgress progress() const noexcept {
    return {.records = state_.records,
            .rewritten = state_.rewritten,
            .refused = state_.refused,
            .looked_at = looked_at_,
            .verifying = state_.verifying,
            .complete = complete_};
  }

  /// Converts old records behind the cursor. Answers whether the tree has no more.
  bool collect(Tree tree, const NewestLayout& layout) {
    const std::string first = state_.cursor.empty() ? std::string() : state_.cursor + '\0';
    const std::uint64_t most_looked_at = 16 * std::uint64_t{options_.slice_records};
    std::size_t bytes = 0;
    for (auto scan = engine_.scan(tree, KeyRange::from(first)); scan.valid(); scan.next()) {
      // A slice looks at one record at least, whatever its bounds.
      if (looked_at_ != 0 && (old_.size() >= options_.slice_records ||
                              looked_at_ >= most_looked_at || bytes >= options_.slice_bytes)) {
        return false;
      }
      const Entry entry = scan.entry();
      ++looked_at_;
      if (!state_.verifying) ++state_.records;
      state_.cursor.assign(entry.key);
      const versions::Tagged record = versions::take_tag(entry.value);
      if (record.version >= layout.since) continue;
      if (state_.verifying) refuse_old(layout, entry, record.version);
      convert(layout, entry, record);
      bytes += entry.key.size() + entry.value.size() + old_.back().fresh.size();
    }
    return true;
  }

  void convert(const NewestLayout& layout, const Entry& entry, const versions::Tagged& record) {
    Old& old = old_.emplace_back();
    old.key = entry.key;
    old.value = entry.value;
    try {
      layout.raise(static_cast<std::uint32_t>(record.version), record.bytes, old.fresh);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      old.refused = error.what();
    }
  }

  /// With the gate closed. Answers false where a rollback has come between.
  bool add_to(WriteBatch& batch, std::optional<Tree> tree, const std::vector<OwnedEntry>& entries,
              bool end) {
    if (ledger_.head()->epoch != state_.epoch) return false;
    const std::string name(layouts_[at_].tree);
    if (engine_.find_tree(name) != tree) old_.clear();  // It was dropped meanwhile.
    if (end) next_tree();
    state_.tree = at_ == layouts_.size() ? BytesView() : layouts_[at_].tree;
    std::set<std::string> put_aside_now;
    for (const Old& old : old_) {
      const auto now = engine_.get(*tree, old.key);
      if (!now || now->view() != old.value) continue;
      if (old.refused) {
        put_aside(batch, *tree, name, old);
        put_aside_now.insert(old.key);
      } else {
        batch.put(*tree, old.key, old.fresh);
        ++state_.rewritten;
      }
    }
    for (const OwnedEntry& one : entries) {
      if (put_aside_now.contains(one.owner)) batch.erase(one.index, one.entry);
    }
    ledger_.put(batch, state_);
    return true;
  }

  [[nodiscard]] std::vector<OwnedEntry> entries_of_refused(BytesView name) const {
    std::set<std::string> keys;
    for (const Old& old : old_) {
      if (old.refused) keys.insert(old.key);
    }
    return entries_owned(engine_, std::string(name), keys);
  }

  void next_tree() {
    state_.cursor.clear();
    if (++at_ != layouts_.size() || state_.verifying) return;
    state_.verifying = true;
    at_ = 0;
  }

  void put_aside(WriteBatch& batch, Tree tree, const std::string& name, const Old& old) {
    if (state_.refused >= options_.refused_at_most) {
      throw Error(ErrorKind::invalid_argument,
                  {.message = "a conversion refuses the record of key " + readable(old.key) + " (" +
                              *old.refused +
                              "); it is untouched, and the scrub goes on from there when it is "
                              "called again. Mend the step, or let records be put aside with "
                              "refused_at_most",
                   .operation = "scrub",
                   .tree = name,
                   .layer = "migrated"});
    }
    ++state_.refused;
    if (!next_refusal_) next_refusal_ = ledger_.refusals_end();
    ledger_.put(
        batch, (*next_refusal_)++,
        LedgerRefusal{.tree = name, .key = old.key, .value = old.value, .reason = *old.refused});
    batch.erase(tree, old.key);
  }

  /// The next call begins anew, and rewrites it.
  [[noreturn]] void refuse_old(const NewestLayout& layout, const Entry& entry,
                               std::size_t version) {
    std::string message =
        "the record of key " + readable(entry.key) + " was passed and is of version " +
        std::to_string(version) +
        " again: a program writes it otherwise than by the codec of the chain; "
        "the floor of the store is not raised. Mend the program, then scrub again";
    WriteBatch batch;
    ledger_.erase_scrub(batch);
    engine_.write(batch, Durability::synced);
    throw Error(ErrorKind::corruption, {.message = std::move(message),
                                        .operation = "scrub",
                                        .tree = std::string(layout.tree),
                                        .layer = "migrated"});
  }

  ScrubProgress finish() {
    const GateClosed closed(gate_);
    const LedgerHead before = *ledger_.head();
    if (before.epoch != state_.epoch) return progress();
    LedgerHead head = before;
    head.floor_version = state_.version;
    ++head.epoch;
    WriteBatch batch;
    ledger_.put(batch, head);
    note_rest<Chain>(engine_, ledger_, batch, before, head);
    ledger_.erase_scrub(batch);
    engine_.write(batch, Durability::synced);
    complete_ = true;
    return progress();
  }

  E& engine_;
  Ledger<E> ledger_;
  WriteGate* gate_;
  const ScrubOptions& options_;
  LedgerScrub state_;
  std::size_t at_ = 0;  ///< the tree that is gone through
  bool complete_ = false;
  std::uint64_t looked_at_ = 0;
  std::optional<std::uint64_t> next_refusal_;
  std::vector<NewestLayout> layouts_ = newest_layouts<Chain>();
  std::vector<Old> old_;
};

}  // namespace varve::detail
