// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/history/height_writer.hpp>
#include <varve/history/records.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

// Trees that go with a height.
namespace varve::detail::history {

/// Drops the trees that are marked to be dropped.
template <KvEngine Next>
void finish_drops(Next& next, const OwnTrees& trees) {
  WriteBatch done;
  const auto infos = next.trees();
  for (auto scan = next.scan(trees.heights, KeyRange::prefix(drop_mark)); scan.valid();
       scan.next()) {
    const auto [key, value] = scan.entry();
    static_cast<void>(unsealed(key, value));
    if (key.size() != 5) refuse_bytes(heights_tree, "a key");
    const Tree tree = Tree::from_id(number_at<std::uint32_t>(key.data() + 1));
    const auto there = [&](const TreeInfo& info) { return info.tree == tree; };
    if (std::any_of(infos.begin(), infos.end(), there)) next.drop_tree(tree);
    done.erase(trees.heights, key);
  }
  if (!done.empty()) next.write(done, Durability::buffered);
}

/// Writes the batch and drops the trees with it: at once where the engine can, else they are marked
/// in the batch and dropped behind it, if need be when the store is next opened.
template <KvEngine Next>
void write_and_drop(Next& next, const OwnTrees& trees, WriteBatch& batch,
                    std::span<const Tree> dropped, Durability durability) {
  if constexpr (TransactionalDropEngine<Next>) {
    next.write_and_drop(batch, dropped, durability);
  } else {
    for (const Tree tree : dropped) {
      const std::string key = drop_key(tree);
      batch.put(trees.heights, key, sealed(key, {}));
    }
    next.write(batch, Durability::synced);
    finish_drops(next, trees);
  }
}

}  // namespace varve::detail::history
