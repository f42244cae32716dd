// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/run_meter.hpp>
#include <varve/migrations/run_options.hpp>
#include <varve/migrations/run_words.hpp>
#include <varve/migrations/tree_digest.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <utility>

namespace varve::detail {

/// The batches of a run: what is changed, and the place that is reached by it,
/// in one.
template <KvEngine E>
class RunBatches {
 public:
  RunBatches(E& engine, Ledger<E>& ledger, const RunOptions& options, LedgerRun run)
      : engine_(engine),
        ledger_(ledger),
        options_(options),
        run_(std::move(run)),
        meter_(options, run_.milliseconds, run_.records, run_.total) {}

  [[nodiscard]] LedgerRun& run() noexcept { return run_; }
  [[nodiscard]] const LedgerRun& run() const noexcept { return run_; }
  [[nodiscard]] RunMeter& meter() noexcept { return meter_; }

  /// Whether the steps are taken back.
  [[nodiscard]] bool goes_back() const noexcept { return run_.to < run_.from; }

  /// Hands the records of `tree` to `change`, which puts what becomes of each
  /// into the batch: those behind `place` in the order of their keys, or,
  /// descending, those in front of it. `place` moves along. `settle` is asked
  /// when a record is changed, and answers why it cannot be so, or null.
  template <class Change, class Settle>
  void each_record(Tree tree, BytesView name, std::string& place, Order order, Change&& change,
                   Settle&& settle) {
    WriteBatch batch;
    bool more = true;
    while (more) {
      batch.clear();
      std::uint64_t taken = 0;
      more = false;
      const std::string bound = place.empty() || order == Order::descending ? place : place + '\0';
      const KeyRange range = order == Order::ascending ? KeyRange::from(bound)
                             : bound.empty()           ? KeyRange::all()
                                                       : KeyRange::between({}, bound);
      // A scan for each batch: one over the whole tree would pin the state of
      // its beginning.
      for (auto scan = engine_.scan(tree, range, order); scan.valid(); scan.next()) {
        // A batch takes one record at least, whatever its bounds.
        if (taken != 0 &&
            (taken >= options_.batch_records || batch.bytes().size() >= options_.batch_bytes)) {
          more = true;
          break;
        }
        const Entry entry = scan.entry();
        std::optional<std::string> reason = refusal_of(batch, entry, change);
        if (!reason) {
          if (const char* const words = settle(batch, entry)) reason = words;
        }
        if (reason) put_aside(batch, tree, name, entry, *reason);
        place.assign(entry.key);
        run_.bytes += entry.key.size() + entry.value.size();
        ++taken;
      }
      if (taken == 0) return;
      ++run_.batches;
      run_.records += taken;
      write(batch, Durability::buffered);
      meter_.did(name, taken, false);
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
    ledger_.put(pending_, tree,
                LedgerTree{.state = state, .version = version, .since = seconds_since_1970()});
  }
  void forget(BytesView tree) { ledger_.erase_tree(pending_, tree); }

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
  // What is thrown by `change` is thrown by a codec or a conversion: the engine
  // is not called.
  template <class Change>
  std::optional<std::string> refusal_of(WriteBatch& batch, const Entry& entry, Change& change) {
    try {
      change(batch, entry);
      return std::nullopt;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      return error.what();
    }
  }

  void put_aside(WriteBatch& batch, Tree tree, BytesView name, const Entry& entry,
                 const std::string& reason) {
    if (run_.returns || run_.refused == options_.refused_at_most) {
      refuse_record(name, entry.key, reason, run_.returns);
    }
    if (!next_refusal_) next_refusal_ = ledger_.refusals_end();
    ++run_.refused;
    ledger_.put(batch, (*next_refusal_)++,
                LedgerRefusal{.tree = std::string(name),
                              .key = std::string(entry.key),
                              .value = std::string(entry.value),
                              .reason = reason,
                              .pass = run_.pass});
    batch.erase(tree, entry.key);
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
    ledger_.put(batch, run_);
    engine_.write(batch, durability);
  }

  E& engine_;
  Ledger<E>& ledger_;
  const RunOptions& options_;
  LedgerRun run_;
  RunMeter meter_;
  WriteBatch pending_;
  std::optional<std::uint64_t> next_refusal_;
};

}  // namespace varve::detail
