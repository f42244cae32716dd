// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/run_facts.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace varve::detail {

/// Refuses a run from `version` that would make a tree, or move records into
/// one, which has records that no step put there: nobody knows their layout.
template <class Chain, KvEngine E>
void check_taken_names(const E& engine, const Ledger<E>& ledger, std::uint32_t version) {
  std::vector<BytesView> met;
  for (const ActionFacts& action : actions_of<Chain>()) {
    const std::uint32_t before = version_after<Chain>(action) - 1;
    if (before < version) continue;
    const BytesView name = action.target;
    const bool fills = action.kind == ActionKind::create || action.kind == ActionKind::move;
    const bool first = std::find(met.begin(), met.end(), name) == met.end();
    met.push_back(action.source);
    met.push_back(name);
    if (!fills || !first || versioned_at<Chain>(name, before)) continue;
    const auto known = ledger.tree(name);
    if (known && known->state != TreeState::live) continue;
    const auto tree = engine.find_tree(name);
    if (!tree || !engine.scan(*tree, KeyRange::all()).valid()) continue;
    throw Error(ErrorKind::schema_diverged,
                {.message = "the step from version " + std::to_string(before) + " to " +
                            std::to_string(before + 1) +
                            " fills this tree, and it has records already, which no step put "
                            "there: move them to a tree of another name, or drop the tree, "
                            "with "
                            "the program that wrote them; then open the store again",
                 .operation = "open",
                 .tree = std::string(name),
                 .layer = "migrated"});
  }
}

}  // namespace varve::detail
