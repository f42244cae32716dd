// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/facts.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/run_facts.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace varve::detail {

/// A step under a revision that none has: what two forms of a step have in
/// common where only conversions differ.
template <class S>
struct Unrevised : S {
  static constexpr std::uint32_t revision = 0;
};

/// The steps from version `from` to version `to`, joined into one number
/// without their revisions.
template <class Chain>
[[nodiscard]] std::uint64_t chain_shape(std::uint32_t from, std::uint32_t to) {
  MeaningHash hash;
  const auto add = [&]<class S>() {
    if (S::from >= from && S::to <= to) hash.add(step_identity<Unrevised<S>>());
  };
  [&]<class... S>(StepList<S...>) { (add.template operator()<S>(), ...); }(typename Chain::Steps{});
  return hash.value();
}

[[noreturn]] inline void refuse_wish(std::string message) {
  throw Error(ErrorKind::invalid_argument,
              {.message = std::move(message), .operation = "open", .layer = "migrated"});
}

/// A tree whose records were adopted as they are, and have no version in front of them where those
/// of `version` have one.
template <class Chain, KvEngine E>
[[nodiscard]] std::optional<std::string> tree_without_versions(const E& engine,
                                                               const Ledger<E>& ledger,
                                                               std::uint32_t version) {
  for (const std::string& name : record_trees<Chain>()) {
    if (!versioned_at<Chain>(name, version) || ledger.tree(name)) continue;
    const auto tree = engine.find_tree(name);
    if (tree && engine.scan(*tree, KeyRange::all()).valid()) return name;
  }
  return std::nullopt;
}

/// Refuses to leave a store on `version` where programs of that version could not read `tree`.
[[noreturn]] inline void refuse_to_stay(const std::string& tree, std::uint32_t version) {
  refuse_wish("the records of '" + tree + "' were adopted as they are, and programs of version " +
              std::to_string(version) +
              " read a version in front of them: open the store once with a chain that ends with "
              "it, ChainUpTo, or let the steps be taken");
}

/// "Restore ...", with the name of the backup where there is one.
[[nodiscard]] inline std::string restore_words(const std::string& backup) {
  if (backup.empty()) {
    return "no backup was made when it ran: restore one of your own";
  }
  return "restore the backup '" + backup +
         "' that was made before it: move it into a new directory, under the "
         "engine's name, and "
         "open that";
}

/// Refuses the way back from version `from` to version `to` where a step
/// between loses data.
inline void check_way_back(std::span<const StepFacts> steps, const std::vector<LedgerStep>& history,
                           std::uint32_t from, std::uint32_t to) {
  for (const StepFacts& step : steps) {
    if (step.from < to || step.to > from || !step.loss.lossy) continue;
    std::string backup;
    for (const LedgerStep& past : history) {
      if (past.from == step.from && past.to == step.to) backup = past.backup;
    }
    throw Error(
        ErrorKind::schema_loss,
        {.message = "no step leads back from version " + std::to_string(from) + " to " +
                    std::to_string(to) + ": the one from " + std::to_string(step.from) + " to " +
                    std::to_string(step.to) + " has lost " + std::string(step.loss.reason) +
                    ". To go back, " + restore_words(backup),
         .operation = "open",
         .layer = "migrated"});
  }
}

/// Refuses to turn a run back that has done what cannot be undone.
[[noreturn]] inline void refuse_turning_back(const LedgerRun& run) {
  throw Error(ErrorKind::schema_loss,
              {.message = "the run from version " + std::to_string(run.from) + " to " +
                          std::to_string(run.to) +
                          " has done what cannot be undone: let it go on, or, to go back, " +
                          restore_words(run.backup),
               .operation = "open",
               .layer = "migrated"});
}

/// Refuses a run that other steps began than those of the program.
[[noreturn]] inline void refuse_other_run(const LedgerRun& run, std::uint32_t latest,
                                          bool same_shape) {
  const std::string what = "a run from version " + std::to_string(run.from) + " to " +
                           std::to_string(run.to) + " is under way that a program with other " +
                           (same_shape ? "revisions of its steps began" : "steps began");
  std::string way =
      ": let that program finish it, or take it back, then open "
      "the store with this "
      "one";
  if (same_shape) {
    way =
        ": what it has done stays as it is, and the rest is done by the "
        "steps of this program, "
        "with MigratedOptions{.take_over = " +
        std::to_string(run.identity) +
        "U}; to have all done by them, let that program take it "
        "back first";
  } else if (run.to != latest && run.from != latest) {
    way += " (that one's chain ends with version " +
           std::to_string(run.to > run.from ? run.to : run.from) + ")";
  }
  throw Error(ErrorKind::schema_diverged,
              {.message = what + way, .operation = "open", .layer = "migrated"});
}

}  // namespace varve::detail
