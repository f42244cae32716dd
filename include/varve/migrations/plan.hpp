// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/facts.hpp>
#include <varve/migrations/ledger_records.hpp>
#include <varve/migrations/opening.hpp>
#include <varve/migrations/run_words.hpp>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace varve {

/// What a run would read and write of a tree.
struct PlannedTree {
  std::string name{};
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;          ///< of keys and values as they are
  std::uint64_t bytes_written = 0;  ///< of what becomes of them
};

/// What a run would do, found out without changing anything.
struct MigrationPlan {
  SchemaFinding finding{};
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::vector<StepFacts> steps{};    ///< that it takes; their texts live as long as the program
  bool lazy = false;                 ///< every step is: records are converted as they are read
  std::uint64_t records = 0;         ///< that it reads
  std::uint64_t bytes = 0;           ///< of them
  std::vector<PlannedTree> trees{};  ///< the same by tree
  std::uint64_t refused = 0;         ///< records that a conversion refuses, of all that there are
  std::vector<LedgerRefusal> refusals{};  ///< the first hundred of them, with the reasons
  /// What the run may take while it is under way: twice what it writes, for the engine and a log.
  std::uint64_t disk_needed = 0;
  std::optional<std::uint64_t> disk_free{};  ///< where the store is; nothing where nobody knows
  /// What it may take: three times what reading and converting took, without writing.
  double seconds = 0;
  /// Whether space is given back afterwards, where that is asked for: not every engine can.
  std::optional<bool> compacts{};
  std::uint64_t store = 0;  ///< the store's own number
  std::uint64_t epoch = 0;  ///< of its ledger

  [[nodiscard]] bool lossy() const noexcept {
    for (const StepFacts& step : steps) {
      if (step.loss.lossy) return true;
    }
    return false;
  }

  /// Whether as much is free as it may need, for all that is known.
  [[nodiscard]] bool fits() const noexcept { return !disk_free || *disk_free >= disk_needed; }

  /// Stands for this plan on this store as it is now: any change of the chain
  /// or of the ledger makes another. Never 0.
  [[nodiscard]] std::uint64_t hash() const {
    detail::MeaningHash hash;
    hash.add(store);
    hash.add(epoch);
    hash.add(std::uint64_t{from});
    hash.add(std::uint64_t{to});
    for (const StepFacts& step : steps) {
      hash.add(step.identity);
      hash.add(step.loss.reason);
    }
    return hash.value() | 1U;
  }
};

/// For people, one line a step.
[[nodiscard]] inline std::string to_string(const MigrationPlan& plan) {
  using detail::bytes_in_words;
  using detail::grouped_digits;
  if (!plan.finding.opens()) return plan.finding.words + "\n";
  if (plan.steps.empty()) {
    return "version " + std::to_string(plan.to) + ", nothing to do\n";
  }
  std::string text = "version " + std::to_string(plan.from) + " to " + std::to_string(plan.to);
  if (plan.records != 0) {
    text += ": " + grouped_digits(plan.records) + " records, " + bytes_in_words(plan.bytes);
    if (!plan.lazy) text += ", about " + detail::time_in_words(std::ceil(plan.seconds));
  }
  text += plan.lazy ? ", converted as they are read\n" : "\n";
  for (const PlannedTree& tree : plan.trees) {
    text += "  " + tree.name + ": " + grouped_digits(tree.records) + " records, " +
            bytes_in_words(tree.bytes) + ", then " + bytes_in_words(tree.bytes_written) + "\n";
  }
  for (const StepFacts& step : plan.steps) {
    text += "  " + std::to_string(step.from) + " to " + std::to_string(step.to) + ": " +
            std::string(step.description);
    if (step.loss.lossy) text += " (loses " + std::string(step.loss.reason) + ")";
    text += "\n";
  }
  if (plan.disk_needed != 0) {
    text += "It may need " + bytes_in_words(plan.disk_needed) + " of disk";
    if (plan.disk_free) text += ", of " + bytes_in_words(*plan.disk_free) + " that are free";
    text += plan.fits() ? "\n" : ": make room first\n";
  }
  if (plan.compacts) {
    text += *plan.compacts ? "Afterwards the trees that it changes are compacted\n"
                           : "This engine cannot compact: what becomes free is used again, and "
                             "the files stay as large as they are\n";
  }
  if (plan.refused != 0) {
    text += grouped_digits(plan.refused) +
            " records are refused by a conversion: mend the step, or set refused_at_most\n";
    for (const LedgerRefusal& one : plan.refusals) {
      text += "  " + one.tree + " " + detail::readable(one.key) + ": " + one.reason + "\n";
    }
  }
  if (plan.lossy()) {
    text +=
        "It loses data. To accept this very plan: "
        "MigratedOptions{.accept_loss = " +
        std::to_string(plan.hash()) + "U}\n";
  }
  return text;
}

}  // namespace varve
