// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/facts.hpp>
#include <varve/migrations/opening.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace varve {

/// What a run would do, found out without changing anything.
struct MigrationPlan {
  SchemaFinding finding{};
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::vector<StepFacts> steps{};  ///< that it takes; their texts live as long as the program
  std::uint64_t records = 0;       ///< that it reads
  std::uint64_t bytes = 0;         ///< of them
  std::uint64_t store = 0;         ///< the store's own number
  std::uint64_t epoch = 0;         ///< of its ledger

  [[nodiscard]] bool lossy() const noexcept {
    for (const StepFacts& step : steps) {
      if (step.loss.lossy) return true;
    }
    return false;
  }

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
  if (!plan.finding.opens()) return plan.finding.words + "\n";
  if (plan.steps.empty()) {
    return "version " + std::to_string(plan.to) + ", nothing to do\n";
  }
  std::string text = "version " + std::to_string(plan.from) + " to " + std::to_string(plan.to) +
                     ": " + std::to_string(plan.records) + " records, " +
                     std::to_string(plan.bytes) + " bytes\n";
  for (const StepFacts& step : plan.steps) {
    text += "  " + std::to_string(step.from) + " to " + std::to_string(step.to) + ": " +
            std::string(step.description);
    if (step.loss.lossy) text += " (loses " + std::string(step.loss.reason) + ")";
    text += "\n";
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
