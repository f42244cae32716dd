// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/io/random_bytes.hpp>
#include <varve/migrations/compaction.hpp>
#include <varve/migrations/facts.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/options.hpp>
#include <varve/migrations/plan.hpp>
#include <varve/migrations/run_facts.hpp>
#include <varve/migrations/run_meter.hpp>
#include <varve/migrations/runner.hpp>
#include <varve/migrations/schema_heights.hpp>
#include <varve/migrations/way_back.hpp>
#include <varve/tables/tell_history.hpp>
#include <varve/version.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail {

[[nodiscard]] inline std::string version_text() {
  return std::to_string(version_major) + "." + std::to_string(version_minor) + "." +
         std::to_string(version_patch);
}

/// Begins a run, goes on with one, or turns it back, and ends it: each is one synced batch with the
/// head of the ledger. What lies between is the runner's.
template <class Chain, KvEngine E>
class SchemaRun {
  using Runner = MigrationRunner<Chain, E>;

 public:
  SchemaRun(E& engine, Ledger<E>& ledger, const MigratedOptions& options)
      : engine_(engine), ledger_(ledger), options_(options) {}

  /// A run that has not begun.
  [[nodiscard]] LedgerRun make(std::uint32_t from, std::uint32_t to) const {
    const std::uint32_t low = std::min(from, to);
    LedgerRun run{.identity = random_bits() | 1U,
                  .from = from,
                  .to = to,
                  .chain = chain_identity(steps_of<Chain>(), low, Chain::latest),
                  .shape = chain_shape<Chain>(low, Chain::latest),
                  .started = seconds_since_1970(),
                  .backup = options_.backup_directory};
    for (const std::string& tree : record_trees<Chain>()) {
      const bool untagged = to < from ? !versioned_at<Chain>(tree, low) &&
                                            resting_version<Chain>(tree, low, Chain::latest) == low
                                      : !ledger_.tree(tree);
      if (untagged) run.untagged.push_back(tree);
    }
    return run;
  }

  void take(LedgerHead head, const MigrationPlan& planned) {
    LedgerRun run = make(planned.from, planned.to);
    run.plan = planned.lossy() ? planned.hash() : 0;
    run.floor = head.floor_version;
    run.total = planned.records;
    begin(std::move(head), std::move(run), Chain::latest);
  }

  void take_back(LedgerHead head, const MigrationPlan& planned) {
    LedgerRun run = make(planned.from, planned.to);
    run.total = planned.records;
    const Runner runner(engine_, ledger_, options_.run, run);
    if (!runner.inverts()) {
      throw Error(ErrorKind::not_supported,
                  {.message = "a step in the way joins records with others that were "
                              "there, and "
                              "they cannot be told apart: restore a backup to go back",
                   .operation = "open",
                   .layer = "migrated"});
    }
    run.pass = runner.passes();
    const std::uint32_t least = head.least_program;
    begin(std::move(head), std::move(run), least);
  }

  /// Puts the version in front of records that a program with a longer chain had adopted.
  void put_versions(LedgerHead head) {
    const std::uint32_t least = head.least_program;
    LedgerRun run = make(head.write_version, head.write_version);
    begin(std::move(head), std::move(run), least);
  }

  /// Puts the first head of a store, and such a run, to be gone on with.
  void begin_with(WriteBatch& batch, LedgerHead head) {
    const LedgerRun run = make(head.write_version, head.write_version);
    note_run<Chain>(engine_, ledger_, batch, head, run);
    head.state = StoreState::migrating;
    ledger_.put(batch, run);
    ledger_.put(batch, head);
  }

  void go_on(LedgerHead head, LedgerRun run) {
    const bool back = run.to < run.from;
    const std::uint32_t low = std::min(run.from, run.to);
    const std::uint64_t chain = chain_identity(steps_of<Chain>(), low, Chain::latest);
    if (std::max(run.from, run.to) != Chain::latest || run.chain != chain) {
      const bool same_shape = std::max(run.from, run.to) == Chain::latest &&
                              run.shape == chain_shape<Chain>(low, Chain::latest);
      if (!same_shape || options_.take_over != run.identity) {
        refuse_other_run(run, Chain::latest, same_shape);
      }
      run.chain = chain;
      save(head, run);
    }
    if (!back && options_.take_back_to != 0) turn_back(head, run);
    if (!back && options_.skip) {
      refuse_wish("a run from version " + std::to_string(run.from) + " to " +
                  std::to_string(run.to) +
                  " is under way and cannot be skipped: let it go on, "
                  "or take it back with "
                  "MigratedOptions{.take_back_to = " +
                  std::to_string(run.from) + "}");
    }
    finish(std::move(head), std::move(run));
  }

 private:
  void begin(LedgerHead head, LedgerRun run, std::uint32_t least_program) {
    WriteBatch batch;
    note_run<Chain>(engine_, ledger_, batch, head, run);
    head.state = StoreState::migrating;
    head.least_program = least_program;
    head.floor_version = std::min(head.floor_version, run.to);
    save(head, run, std::move(batch));
    finish(std::move(head), std::move(run));
  }

  /// Makes of a run that was interrupted the one that undoes it.
  void turn_back(LedgerHead& head, LedgerRun& run) {
    if (options_.take_back_to != run.from) {
      refuse_wish(
          "a run from version " + std::to_string(run.from) + " to " + std::to_string(run.to) +
          " is under way: let it go on, or take it back to version " + std::to_string(run.from));
    }
    const Runner runner(engine_, ledger_, options_.run, run);
    if (!runner.can_turn_back()) refuse_turning_back(run);
    run = runner.turned_back();
    save(head, run);
  }

  void save(LedgerHead& head, const LedgerRun& run, WriteBatch batch = {}) {
    ++head.epoch;
    ledger_.put(batch, head);
    ledger_.put(batch, run);
    engine_.write(batch, Durability::synced);
  }

  void finish(LedgerHead head, LedgerRun begun) {
    Runner runner(engine_, ledger_, options_.run, std::move(begun));
    runner.run();
    const LedgerRun& run = runner.state();
    const bool back = run.to < run.from;
    const LedgerHead before = head;
    head.state = StoreState::ready;
    ++head.epoch;
    head.write_version = run.to;
    head.floor_version = back ? std::min(head.floor_version, run.to) : run.to;
    head.least_program = run.to;
    head.chain = chain_identity(steps_of<Chain>(), Chain::oldest, run.to);
    head.written_by = version_text();
    WriteBatch batch;
    ledger_.put(batch, head);
    note_rest<Chain>(engine_, ledger_, batch, before, head);
    put_taken(batch, run, head.epoch << 8U);
    ledger_.erase_run(batch);
    end_rollbacks(engine_);
    engine_.write(batch, Durability::synced);
    if (options_.compact) compact_changed<Chain>(engine_, run.from, run.to, options_.run);
    if (options_.run.progress) {
      options_.run.progress({.finished = true, .done = run.records, .total = run.total});
    }
  }

  /// The steps that the run has taken, or taken back, in that order.
  void put_taken(WriteBatch& batch, const LedgerRun& run, std::uint64_t number) const {
    const bool back = run.to < run.from;
    std::vector<LedgerStep> taken;
    for (const StepFacts& step : steps_of<Chain>()) {
      if (step.from < std::min(run.from, run.to)) continue;
      taken.push_back({.from = back ? step.to : step.from,
                       .to = back ? step.from : step.to,
                       .identity = step.identity,
                       .lossy = step.loss.lossy,
                       .records = run.records,
                       .refused = run.refused,
                       .started = run.started,
                       .finished = seconds_since_1970(),
                       .backup = run.backup});
    }
    if (back) std::reverse(taken.begin(), taken.end());
    for (const LedgerStep& step : taken) ledger_.put(batch, ++number, step);
  }

  E& engine_;
  Ledger<E>& ledger_;
  const MigratedOptions& options_;
};

}  // namespace varve::detail
