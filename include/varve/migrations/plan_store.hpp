// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/layer.hpp>
#include <varve/concepts/refinements.hpp>
#include <varve/migrations/facts.hpp>
#include <varve/migrations/lazy_switch.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/opening.hpp>
#include <varve/migrations/options.hpp>
#include <varve/migrations/plan.hpp>
#include <varve/migrations/run_facts.hpp>
#include <varve/open.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace varve {

namespace detail {

template <KvEngine E>
[[nodiscard]] bool has_records(const E& engine) {
  for (const TreeInfo& info : engine.trees()) {
    if (info.tree.reserved()) continue;
    if (engine.scan(info.tree, KeyRange::all()).valid()) return true;
  }
  return false;
}

/// What opening would do; of a way back with the records that it reads.
template <class Chain, KvEngine E>
[[nodiscard]] MigrationPlan plan_opening(const E& engine, const Ledger<E>& ledger,
                                         const MigratedOptions& options) {
  const auto head = ledger.head();
  const auto run = ledger.run();
  MigrationPlan plan{
      .finding = find_schema(steps_of<Chain>(), head, run, ledger.steps(), has_records(engine)),
      .to = Chain::latest};
  if (plan.finding.opens() && head && run.has_value() != (head->state == StoreState::migrating)) {
    damaged_ledger(ledger_run_key, run ? "is of no run that is under way" : "is missing");
  }
  plan.from = plan.finding.version;
  if (head) {
    plan.store = head->store;
    plan.epoch = head->epoch;
  }
  const bool back = plan.finding.status == SchemaStatus::current && options.take_back_to != 0;
  if (back) plan.to = options.take_back_to;
  if (plan.finding.status != SchemaStatus::older && !back) return plan;
  const std::uint32_t low = back ? plan.to : plan.from;
  for (const StepFacts& step : steps_of<Chain>()) {
    if (step.from >= low) plan.steps.push_back(step);
  }
  if (options.compact) plan.compacts = CompactEngine<E>;
  if (!back) {
    plan.lazy = can_be_lazy<Chain>(engine, ledger, plan.from);
    return plan;
  }
  std::reverse(plan.steps.begin(), plan.steps.end());
  for (const TreeInfo& info : engine.trees()) {
    if (!reads_tree_back<Chain>(info.name, low)) continue;
    for (auto scan = engine.scan(info.tree, KeyRange::all()); scan.valid(); scan.next()) {
      const Entry entry = scan.entry();
      ++plan.records;
      plan.bytes += entry.key.size() + entry.value.size();
    }
  }
  return plan;
}

template <class Part>
[[nodiscard]] MigrationPlan plan_of(Part& part) {
  if constexpr (requires { part.plan(); }) {
    return part.plan();
  } else {
    static_assert(LayerShape<Part>, "the stack has no layer Migrated");
    return plan_of(part.next());
  }
}

}  // namespace detail

/// What `open<Stack>(directory, options...)` would do to the schema of the
/// store: the steps that it would take and what they lose, or why it would
/// refuse. No record, no stamp and no directory is changed or made; the engine
/// and the log are opened, which brings back what a crash left behind.
///
/// Errors: as of `open`, but those of the schema, which are in the plan.
template <class Stack, class... Options>
[[nodiscard]] MigrationPlan plan(const std::string& directory, Options... options) {
  static_assert(assert_stack<Stack>());
  static_assert(detail::assert_options<Stack, Options...>());
  OpenContext<Stack, Options..., detail::PlanOnly> context(directory, std::move(options)...,
                                                           detail::PlanOnly{});
  if (!context.has_store()) return {.finding = {.status = SchemaStatus::fresh}};
  Stack stack(context);
  MigrationPlan planned = detail::plan_of(stack);
  std::error_code failed;
  const auto space = std::filesystem::space(directory, failed);
  if (!failed) planned.disk_free = space.available;
  return planned;
}

}  // namespace varve
