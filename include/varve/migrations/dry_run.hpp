// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/versions/tag.hpp>
#include <varve/migrations/chain_trees.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/plan.hpp>
#include <varve/migrations/record_path.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <string>

namespace varve::detail {

/// Converts every record that a run of `plan` would, into nothing, and adds what it learns.
template <class Chain, KvEngine E>
void dry_run(E& engine, const Ledger<E>& ledger, MigrationPlan& plan) {
  constexpr std::size_t most_shown = 100;
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t written = 0;
  const auto try_tree = [&]<class RecordTree>() {
    const auto tree = engine.find_tree(RecordTree::name);
    if (!tree || !reads_tree<Chain>(RecordTree::name, plan.from)) return;
    const auto known = ledger.tree(RecordTree::name);
    const bool tagged = known && known->state == TreeState::live;
    PlannedTree& found = plan.trees.emplace_back();
    found.name = RecordTree::name;
    for (auto scan = engine.scan(*tree, KeyRange::all()); scan.valid(); scan.next()) {
      const Entry entry = scan.entry();
      ++found.records;
      found.bytes += entry.key.size() + entry.value.size();
      try {
        versions::Tagged record{plan.from, entry.value};
        if (tagged) record = versions::take_tag(entry.value);
        RecordPath<Chain>::template follow_record<RecordTree>(
            static_cast<std::uint32_t>(record.version), entry.key, record.bytes,
            [&](BytesView, BytesView key, BytesView bytes) {
              found.bytes_written += key.size() + bytes.size() + 1;
            });
      } catch (const std::bad_alloc&) {
        throw;
      } catch (const std::exception& error) {
        ++plan.refused;
        if (plan.refusals.size() == most_shown) continue;
        plan.refusals.push_back({found.name, std::string(entry.key), std::string(entry.value),
                                 std::string(error.what())});
      }
    }
    plan.records += found.records;
    plan.bytes += found.bytes;
    written += found.bytes_written;
  };
  each_tree<Chain>(try_tree);
  if (!plan.lazy) plan.disk_needed = 2 * written;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  plan.seconds = 3 * took.count();
}

}  // namespace varve::detail
