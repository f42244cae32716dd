// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/history/height.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/run_facts.hpp>
#include <varve/stack.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

// How a store stood to its schema at each height, where a layer keeps history. The ledger itself
// has no heights, since reserved trees have none.
namespace varve::detail {

template <class E>
inline constexpr bool keeps_history = count_role<E>(Role::versions) != 0;

/// The layer of a stack that keeps history.
template <class Part>
[[nodiscard]] auto& history_layer(Part& part) noexcept {
  if constexpr (std::remove_const_t<Part>::role == Role::versions) {
    return part;
  } else {
    return history_layer(part.next());
  }
}

/// The trees of the chain whose records have no version in front of them.
template <class Chain, KvReader R>
[[nodiscard]] std::vector<std::string> untagged_trees(const LedgerReader<R>& ledger) {
  std::vector<std::string> names = record_trees<Chain>();
  std::erase_if(names, [&](const std::string& name) { return ledger.tree(name).has_value(); });
  return names;
}

/// The same of those that a run gives one, or takes it off.
template <KvReader R>
[[nodiscard]] std::vector<std::string> untagged_trees(const LedgerReader<R>& ledger,
                                                      const LedgerRun& run) {
  std::vector<std::string> names = run.untagged;
  std::erase_if(names, [&](const std::string& name) { return ledger.tree(name).has_value(); });
  return names;
}

/// Notes how it stood before the first change that is noted.
template <class Chain, KvEngine E>
void note_beginning(const Ledger<E>& ledger, WriteBatch& batch, const LedgerHead& before) {
  if (ledger.at_height(std::numeric_limits<std::uint64_t>::max())) return;
  ledger.put(batch, std::uint64_t{0},
             LedgerHeight{.version = before.write_version,
                          .floor = before.floor_version,
                          .untagged = untagged_trees<Chain>(ledger)});
}

/// Notes with `batch`, which begins `run`, that it changes records from the next height on.
template <class Chain, KvEngine E>
void note_run(const E& engine, const Ledger<E>& ledger, WriteBatch& batch, const LedgerHead& before,
              const LedgerRun& run) {
  if constexpr (keeps_history<E>) {
    note_beginning<Chain>(ledger, batch, before);
    ledger.put(batch, history_layer(engine).latest().value + 1,
               LedgerHeight{.state = HeightState::running,
                            .version = std::max(run.from, run.to),
                            .floor = std::min(before.floor_version, run.to),
                            .untagged = untagged_trees(ledger, run)});
  }
}

/// Notes with `batch`, which puts the head `after`, that all records are as it says from the latest
/// height on: brought there by a run, where `before` says that one is under way.
template <class Chain, KvEngine E>
void note_rest(const E& engine, const Ledger<E>& ledger, WriteBatch& batch,
               const LedgerHead& before, const LedgerHead& after) {
  if constexpr (keeps_history<E>) {
    note_beginning<Chain>(ledger, batch, before);
    const std::uint64_t latest = history_layer(engine).latest().value;
    const auto noted = ledger.at_height(latest);
    const bool ran = before.state == StoreState::migrating ||
                     (noted && noted->first == latest && noted->second.state == HeightState::ran);
    ledger.put(batch, latest,
               LedgerHeight{.state = ran ? HeightState::ran : HeightState::rest,
                            .version = after.write_version,
                            .floor = after.floor_version,
                            .untagged = untagged_trees<Chain>(ledger)});
  }
}

[[noreturn]] inline void refuse_height(ErrorKind kind, std::string message, const char* operation) {
  throw Error(kind, {.message = std::move(message), .operation = operation, .layer = "migrated"});
}

/// Makes the ledger such that it holds at the height too. Throws where a run stands between, which
/// no rollback takes back.
template <KvEngine E>
void prepare_rollback(E& engine, Height height) {
  const auto& history = history_layer(engine);
  // Nothing is above it, or it is refused below.
  if (height < history.oldest() || height >= history.latest()) return;
  Ledger<E> ledger(engine);
  LedgerHead head = *ledger.head();
  const auto then = ledger.at_height(height.value);
  std::vector<std::pair<std::uint64_t, LedgerHeight>> above;
  bool ran = then && then->second.state == HeightState::running;
  for (auto at = ledger.above_height(height.value); at; at = ledger.above_height(at->first)) {
    ran = ran || at->second.state != HeightState::rest;
    above.push_back(*std::move(at));
  }
  if (ran) {
    refuse_height(ErrorKind::invalid_argument,
                  "a schema was changed by a run since height " + std::to_string(height.value) +
                      ", and a rollback would bring records of before it back under the schema of "
                      "after it: take the store back by its steps, with "
                      "MigratedOptions{.take_back_to = version}, or restore a backup",
                  "rollback");
  }
  const bool scrubbed = then && then->second.floor < head.floor_version;
  if (!scrubbed && head.floor_version == head.write_version) return;
  // What a scrub rewrote comes back as it was; one that has not ended has passed it, and begins
  // anew, since the epoch is another.
  if (scrubbed) head.floor_version = then->second.floor;
  ++head.epoch;
  WriteBatch batch;
  ledger.put(batch, head);
  for (auto& [number, note] : above) {
    note.floor = std::min(note.floor, head.floor_version);
    ledger.put(batch, number, note);
  }
  engine.write(batch, Durability::synced);
}

}  // namespace varve::detail
