// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/versions/tag.hpp>
#include <varve/concepts/error.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/record_layouts.hpp>
#include <varve/migrations/run_words.hpp>
#include <varve/migrations/schema_heights.hpp>
#include <varve/migrations/scrub_options.hpp>
#include <varve/migrations/write_gate.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail {

/// Rewrites the records that are of an older layout than their tree's newest, a slice at a time,
/// while others read and write.
///
/// A slice is converted first and written then: with the gate closed, and only over records that
/// are byte for byte what was converted, since what a writer wrote in between is new. The place
/// that is reached is in the batch of the records. When all trees are through they are looked at
/// once more, and only then the floor of the store is raised.
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
    // A scrub that was begun under another head has passed records that were new then.
    if (auto begun = ledger_.scrub(); begun && begun->epoch == head->epoch) {
      state_ = *std::move(begun);
    } else {
      state_.version = head->write_version;
      state_.epoch = head->epoch;
    }
    while (at_ != layouts_.size() && !state_.tree.empty() && layouts_[at_].tree != state_.tree) {
      ++at_;
    }
    // Behind the last tree of the second round, or with other trees than this chain has.
    if (state_.tree.empty() && state_.verifying) at_ = layouts_.size();
  }

  /// Does one slice. Throws the errors of the engine; `invalid_argument` for a record more than
  /// `refused_at_most` that a conversion refuses; `corruption` where a record that was passed is
  /// old again. What was done by then is kept.
  ScrubProgress slice() {
    if (complete_) return progress();
    if (at_ == layouts_.size()) return finish();
    const NewestLayout& layout = layouts_[at_];
    const auto tree = engine_.find_tree(layout.tree);
    if (!tree) {
      write_slice(std::nullopt, true);
    } else {
      write_slice(tree, collect(*tree, layout));
    }
    return progress();
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
            .verifying = state_.verifying,
            .complete = complete_};
  }

  /// Converts old records behind the cursor. Answers whether the tree has no more.
  bool collect(Tree tree, const NewestLayout& layout) {
    const std::string first = state_.cursor.empty() ? std::string() : state_.cursor + '\0';
    const std::size_t most_looked_at = 16 * options_.slice_records;
    std::size_t looked_at = 0;
    std::size_t bytes = 0;
    for (auto scan = engine_.scan(tree, KeyRange::from(first)); scan.valid(); scan.next()) {
      // A slice looks at one record at least, whatever its bounds.
      if (looked_at != 0 && (old_.size() >= options_.slice_records || looked_at >= most_looked_at ||
                             bytes >= options_.slice_bytes)) {
        return false;
      }
      const Entry entry = scan.entry();
      ++looked_at;
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

  void write_slice(std::optional<Tree> tree, bool end) {
    const std::string name(layouts_[at_].tree);
    if (end) next_tree();
    state_.tree = at_ == layouts_.size() ? BytesView() : layouts_[at_].tree;
    const GateClosed closed(old_.empty() ? nullptr : gate_);
    WriteBatch batch;
    for (const Old& old : old_) {
      const auto now = engine_.get(*tree, old.key);
      if (!now || now->view() != old.value) continue;
      if (old.refused) {
        put_aside(batch, *tree, name, old);
      } else {
        batch.put(*tree, old.key, old.fresh);
        ++state_.rewritten;
      }
    }
    ledger_.put(batch, state_);
    engine_.write(batch, end ? Durability::synced : Durability::buffered);
  }

  void next_tree() {
    state_.cursor.clear();
    if (++at_ != layouts_.size() || state_.verifying) return;
    state_.verifying = true;
    at_ = 0;
  }

  void put_aside(WriteBatch& batch, Tree tree, const std::string& name, const Old& old) {
    if (state_.refused == options_.refused_at_most) {
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

  [[noreturn]] static void refuse_old(const NewestLayout& layout, const Entry& entry,
                                      std::size_t version) {
    throw Error(ErrorKind::corruption,
                {.message = "the record of key " + readable(entry.key) +
                            " was passed and is of version " + std::to_string(version) +
                            " again: a program writes it otherwise than by the codec of the "
                            "chain; the floor of the store is not raised",
                 .operation = "scrub",
                 .tree = std::string(layout.tree),
                 .layer = "migrated"});
  }

  ScrubProgress finish() {
    const LedgerHead before = *ledger_.head();
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
  std::optional<std::uint64_t> next_refusal_;
  std::vector<NewestLayout> layouts_ = newest_layouts<Chain>();
  std::vector<Old> old_;
};

}  // namespace varve::detail
