// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/migrations/facts.hpp>
#include <varve/migrations/ledger_records.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve {

/// How a store stands to the chain of a program.
enum class SchemaStatus : std::uint8_t {
  fresh,        ///< without records: it is stamped with the latest version
  legacy,       ///< records and no stamp: to be adopted by name
  current,      ///< at the latest version
  older,        ///< steps lead from it to the latest version
  interrupted,  ///< a run is under way and goes on
  newer,        ///< written by a newer program
  diverged,     ///< gone through other steps than this chain has
  too_old,      ///< no step leads from its version
  building,     ///< the target of a copy that is not complete
  sealed        ///< moved elsewhere
};

[[nodiscard]] constexpr BytesView to_string(SchemaStatus status) noexcept {
  switch (status) {
    case SchemaStatus::fresh: return "fresh";
    case SchemaStatus::legacy: return "legacy";
    case SchemaStatus::current: return "current";
    case SchemaStatus::older: return "older";
    case SchemaStatus::interrupted: return "interrupted";
    case SchemaStatus::newer: return "newer";
    case SchemaStatus::diverged: return "diverged";
    case SchemaStatus::too_old: return "too_old";
    case SchemaStatus::building: return "building";
    case SchemaStatus::sealed: return "sealed";
  }
  return "unknown";
}

/// What was found in a store, and what to do about it.
struct SchemaFinding {
  SchemaStatus status{};
  std::uint32_t version = 0;  ///< that the store has; 0 where it has no stamp
  std::string words{};        ///< what stands in the way, and what resolves it; empty
                              ///< where nothing

  /// Whether the store can be opened, once what is to be run has been run.
  [[nodiscard]] bool opens() const noexcept {
    return status == SchemaStatus::fresh || status == SchemaStatus::current ||
           status == SchemaStatus::older || status == SchemaStatus::interrupted;
  }
};

namespace detail {

/// The kind of the error that a store is refused with.
[[nodiscard]] constexpr ErrorKind refusal_kind(SchemaStatus status) noexcept {
  switch (status) {
    case SchemaStatus::legacy: return ErrorKind::schema_legacy;
    case SchemaStatus::newer: return ErrorKind::schema_newer;
    case SchemaStatus::diverged: return ErrorKind::schema_diverged;
    case SchemaStatus::too_old: return ErrorKind::schema_too_old;
    case SchemaStatus::sealed: return ErrorKind::schema_sealed;
    default: return ErrorKind::busy;
  }
}

/// The first step of `steps` up to `version` that the store went through in
/// another form.
[[nodiscard]] inline const LedgerStep* diverged_step(std::span<const StepFacts> steps,
                                                     const std::vector<LedgerStep>& history,
                                                     std::uint32_t version) {
  for (const StepFacts& step : steps) {
    if (step.to > version) break;
    const LedgerStep* last = nullptr;
    for (const LedgerStep& past : history) {
      if (past.from == step.from && past.to == step.to) last = &past;
    }
    if (last != nullptr && last->identity != step.identity) return last;
  }
  return nullptr;
}

}  // namespace detail

/// How a store with this ledger stands to the chain of `steps`. The questions
/// are asked in the order of docs/guide/migrations.md: the first that is
/// answered decides.
[[nodiscard]] inline SchemaFinding find_schema(std::span<const StepFacts> steps,
                                               const std::optional<LedgerHead>& head,
                                               const std::optional<LedgerRun>& run,
                                               const std::vector<LedgerStep>& history,
                                               bool has_records) {
  const std::uint32_t oldest = steps.front().from;
  const std::uint32_t latest = steps.back().to;
  const auto number = [](std::uint32_t version) { return std::to_string(version); };
  if (!head) {
    if (!has_records) return {.status = SchemaStatus::fresh};
    return {.status = SchemaStatus::legacy,
            .words =
                "the store has records and no schema: nothing says which "
                "version they are. "
                "Find it out, then open it once with "
                "MigratedOptions{.adopt_as = version}"};
  }
  const std::uint32_t version = head->write_version;
  if (head->least_program > latest) {
    return {.status = SchemaStatus::newer,
            .version = version,
            .words = "the store is at version " + number(version) + ", written by varve " +
                     head->written_by + ", and this program reaches version " + number(latest) +
                     ": use the newer program, or take the store back with its "
                     "downgrade"};
  }
  if (const LedgerStep* step = detail::diverged_step(steps, history, version)) {
    return {.status = SchemaStatus::diverged,
            .version = version,
            .words = "the step from version " + number(step->from) + " to " + number(step->to) +
                     " that this store went through is not the one in this "
                     "program: layouts, loss "
                     "or revision differ. A released step is not edited: add a "
                     "new one behind it"};
  }
  if (head->floor_version < oldest) {
    return {.status = SchemaStatus::too_old,
            .version = version,
            .words = "the store has records of version " + number(head->floor_version) +
                     " and the steps of this program begin with version " + number(oldest) +
                     ": open it first with a release whose chain begins with version " +
                     number(head->floor_version) + " or before"};
  }
  if (head->state == StoreState::sealed) {
    return {.status = SchemaStatus::sealed,
            .version = version,
            .words = "the store was moved to '" + head->successor + "': open that one"};
  }
  if (head->state == StoreState::building) {
    return {.status = SchemaStatus::building,
            .version = version,
            .words =
                "the store is the target of a copy that is not complete: "
                "let the copy go on, "
                "or remove the directory and begin again"};
  }
  if (run) return {.status = SchemaStatus::interrupted, .version = version};
  if (version < latest) return {.status = SchemaStatus::older, .version = version};
  return {.status = SchemaStatus::current, .version = version};
}

/// Throws what `finding` is refused with.
[[noreturn]] inline void refuse_schema(const SchemaFinding& finding) {
  throw Error(
      detail::refusal_kind(finding.status),
      {.message = finding.words, .operation = "open", .tree = "varve.ledger", .layer = "migrated"});
}

}  // namespace varve
