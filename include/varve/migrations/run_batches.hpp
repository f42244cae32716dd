// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/changed_records.hpp>
#include <varve/migrations/key_sample.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/read_ahead.hpp>
#include <varve/migrations/run_heights.hpp>
#include <varve/migrations/run_meter.hpp>
#include <varve/migrations/run_options.hpp>
#include <varve/migrations/run_words.hpp>
#include <varve/migrations/tree_digest.hpp>
#include <varve/tools/record_block.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail {

/// The batches of a run: what is changed, and the place that is reached by it, in one.
template <KvEngine E>
class RunBatches {
 public:
  RunBatches(E& engine, Ledger<E>& ledger, const RunOptions& options, LedgerRun run)
      : engine_(engine),
        ledger_(ledger),
        options_(options),
        run_(std::move(run)),
        meter_(options, run_.milliseconds, run_.records, run_.total),
        heights_(engine, ledger, run_) {}

  [[nodiscard]] E& engine() noexcept { return engine_; }
  [[nodiscard]] const RunOptions& options() const noexcept { return options_; }
  [[nodiscard]] LedgerRun& run() noexcept { return run_; }
  [[nodiscard]] const LedgerRun& run() const noexcept { return run_; }
  [[nodiscard]] RunMeter& meter() noexcept { return meter_; }
  [[nodiscard]] RunHeights<E>& heights() noexcept { return heights_; }

  /// Whether the steps are taken back.
  [[nodiscard]] bool goes_back() const noexcept { return run_.to < run_.from; }
  [[nodiscard]] std::uint32_t low() const noexcept { return std::min(run_.from, run_.to); }

  /// Goes through the records of `tree`: those behind `place` in the order of
  /// their keys, or, descending, those in front of it. `place` moves along.
  /// `change(changed, entry)` puts what becomes of one into `changed.batch` and
  /// what stays in the tree into `changed.left`; it is called from several
  /// threads at once, and ahead of what is written.
  template <class Change>
  void rewrite_records(Tree tree, LedgerDigest& left, std::string& place, Order order,
                       const Change& change) {
    struct Prepared {
      std::vector<ChangedRecords> batches{};
      std::size_t used = 0;
    };
    const auto prepare = [&](const RecordBlock& records, Prepared& prepared) {
      prepared.used = 0;
      for (auto reader = records.read(); reader.valid();) {
        if (prepared.used == prepared.batches.size()) prepared.batches.emplace_back();
        prepared.batches[prepared.used++].take(reader, tree, full_bytes(), change,
                                               [](auto&&...) { return nullptr; });
      }
    };
    ReadAhead<E, Prepared, decltype(prepare)> ahead(engine_, tree, place, order, options_, prepare);
    while (auto* const block = ahead.next()) {
      for (std::size_t i = 0; i != block->prepared.used; ++i) {
        ChangedRecords& changed = block->prepared.batches[i];
        left.records += changed.left.records;
        left.sum += changed.left.sum;
        write_changed(changed, left.tree, place);
        samples_[left.tree].add(place);
      }
    }
  }

  /// The same, one record after another in this thread, where the store itself
  /// is asked about each. `settle(changed, entry)` is asked when a record is
  /// changed, and answers why it cannot be so, or null.
  template <class Change, class Settle>
  void move_records(Tree tree, BytesView name, std::string& place, Order order, Change&& change,
                    Settle&& settle) {
    struct Nothing {};
    const auto prepare = [](const RecordBlock&, Nothing&) {};
    ReadAhead<E, Nothing, decltype(prepare)> ahead(engine_, tree, place, order, options_, prepare);
    ChangedRecords changed;
    while (auto* const block = ahead.next()) {
      for (auto reader = block->records.read(); reader.valid();) {
        changed.take(reader, tree, full_bytes(), change, settle);
        write_changed(changed, name, place);
      }
    }
  }

  /// What the run has counted of a tree, begun with what the tree holds, or
  /// `anew`.
  LedgerDigest& digest_of(BytesView name, bool anew) {
    if (LedgerDigest* const known = known_digest(name)) {
      if (anew) *known = {.tree = std::string(name)};
      return *known;
    }
    return begin_digest(name, anew ? std::nullopt : std::optional<std::string>(""));
  }

  /// The same of a tree that is gone through from its end: begun with the
  /// records at and after the cursor.
  LedgerDigest& digest_behind_cursor(BytesView name) {
    if (run_.cursor.empty()) return digest_of(name, true);
    if (LedgerDigest* const known = known_digest(name)) return *known;
    return begin_digest(name, run_.cursor);
  }

  void forget_digest(BytesView name) {
    std::erase_if(run_.digests, [&](const LedgerDigest& one) { return one.tree == name; });
  }

  static void add(LedgerDigest& to, BytesView key, BytesView value) noexcept {
    TreeDigest digest{.records = to.records, .sum = to.sum};
    digest.add(key, value);
    to.records = digest.records;
    to.sum = digest.sum;
  }

  /// Keys between which there is about as much of a tree as between others;
  /// none where this process did not rewrite it.
  [[nodiscard]] std::vector<std::string> borders(const std::string& tree) const {
    const auto known = samples_.find(tree);
    return known == samples_.end() ? std::vector<std::string>() : known->second.sorted();
  }

  [[nodiscard]] bool is_tagged(BytesView tree) const {
    const auto known = ledger_.tree(tree);
    return known && known->state == TreeState::live;
  }

  [[nodiscard]] std::optional<TreeState> state_of(BytesView tree) const {
    const auto known = ledger_.tree(tree);
    return known ? std::optional(known->state) : std::nullopt;
  }

  /// What the end of the pass changes in the ledger.
  void record(BytesView tree, TreeState state, std::uint32_t version) {
    if (state == TreeState::live) heights_.tagged(tree);
    ledger_.put(pending_, tree,
                LedgerTree{.state = state, .version = version, .since = seconds_since_1970()});
  }
  void forget(BytesView tree) {
    heights_.untagged(tree, run_);
    ledger_.erase_tree(pending_, tree);
  }

  /// A tree that is not there any more.
  void forget_tree(BytesView tree) {
    forget_digest(tree);
    forget(tree);
  }

  /// The same for a tree that the way back has come to the end of: `tagged`
  /// says whether its records still have a version in front of them.
  void record_rest(BytesView tree, std::uint32_t version, bool tagged) {
    if (tagged) {
      record(tree, TreeState::live, version);
    } else {
      forget(tree);
    }
  }

  /// Whether the records of a tree have no version in front of them at the
  /// lower end of the run.
  [[nodiscard]] bool is_untagged(BytesView tree) const {
    return std::find(run_.untagged.begin(), run_.untagged.end(), tree) != run_.untagged.end();
  }

  /// Whether they have one when the way back is done with them.
  [[nodiscard]] bool rests_tagged(BytesView tree, std::uint32_t version) const {
    return version != low() || !is_untagged(tree);
  }

  [[nodiscard]] WriteBatch& pending() noexcept { return pending_; }

  /// Writes a batch that is made elsewhere, with the place that it leads to.
  void reach(std::string place, WriteBatch batch) {
    run_.cursor = std::move(place);
    ++run_.batches;
    write(batch, Durability::buffered);
  }

  void end_pass() {
    run_.pass += goes_back() ? ~0U : 1U;
    run_.cursor.clear();
    write(pending_, Durability::synced);
    pending_.clear();
  }

  void begin_phase(RunPhase phase) {
    run_.phase = phase;
    WriteBatch batch;
    write(batch, Durability::synced);
  }

  /// Removes what a tree held whose name is used again, and opens it, empty.
  void take_name(BytesView name) {
    if (state_of(name) == TreeState::held) {
      if (const auto old = engine_.find_tree(name)) engine_.drop_tree(*old);
      WriteBatch batch;
      ledger_.erase_tree(batch, name);
      engine_.write(batch, Durability::synced);
    }
    static_cast<void>(engine_.open_tree(name));
  }

  /// Puts the records back that the run had put aside when it went forward, in the passes that are
  /// undone: their trees are now as those passes found them.
  void return_refused() {
    while (run_.refused != 0) {
      WriteBatch batch;
      const std::uint64_t number = ledger_.refusals_end() - 1;
      const LedgerRefusal refusal = ledger_.refusal(number);
      if (refusal.pass < run_.pass) return;
      batch.put(engine_.open_tree(refusal.tree), refusal.key, refusal.value);
      if (LedgerDigest* const known = known_digest(refusal.tree)) {
        add(*known, refusal.key, refusal.value);
      }
      ledger_.erase_refusal(batch, number);
      --run_.refused;
      write(batch, Durability::buffered);
    }
  }

 private:
  // Blocks are read by the size of what is in them; only records that grow much
  // are cut into more than one batch.
  [[nodiscard]] std::size_t full_bytes() const noexcept { return 2 * options_.batch_bytes; }

  void write_changed(ChangedRecords& changed, BytesView tree, std::string& place) {
    for (ChangedRecords::Refused& record : changed.refused) {
      put_aside(changed.batch, tree, std::move(record));
    }
    place.assign(changed.last);
    run_.bytes += changed.bytes;
    run_.records += changed.records;
    ++run_.batches;
    write(changed.batch, Durability::buffered);
    meter_.did(tree, changed.records, false);
  }

  void put_aside(WriteBatch& batch, BytesView tree, ChangedRecords::Refused record) {
    // The bound may be lower than in the process that put others aside.
    if (run_.returns || run_.refused >= options_.refused_at_most) {
      refuse_record(tree, record.key, record.reason, run_.returns);
    }
    if (!next_refusal_) next_refusal_ = ledger_.refusals_end();
    ++run_.refused;
    ledger_.put(batch, (*next_refusal_)++,
                LedgerRefusal{.tree = std::string(tree),
                              .key = std::move(record.key),
                              .value = std::move(record.value),
                              .reason = std::move(record.reason),
                              .pass = run_.pass});
  }

  [[nodiscard]] LedgerDigest* known_digest(BytesView name) noexcept {
    const auto known = std::find_if(run_.digests.begin(), run_.digests.end(),
                                    [&](const LedgerDigest& one) { return one.tree == name; });
    return known == run_.digests.end() ? nullptr : &*known;
  }

  LedgerDigest& begin_digest(BytesView name, const std::optional<std::string>& first) {
    TreeDigest found;
    if (const auto tree = engine_.find_tree(name); tree && first) {
      found = digest_tree(engine_, *tree, KeyRange::from(*first));
    }
    return run_.digests.emplace_back(
        LedgerDigest{.tree = std::string(name), .records = found.records, .sum = found.sum});
  }

  void write(WriteBatch& batch, Durability durability) {
    run_.milliseconds = meter_.milliseconds();
    heights_.note(batch, run_);
    ledger_.put(batch, run_);
    engine_.write(batch, durability);
  }

  E& engine_;
  Ledger<E>& ledger_;
  const RunOptions& options_;
  LedgerRun run_;
  RunMeter meter_;
  RunHeights<E> heights_;
  WriteBatch pending_;
  std::optional<std::uint64_t> next_refusal_;
  std::map<std::string, KeySample> samples_;
};

}  // namespace varve::detail
