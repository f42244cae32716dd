// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/history/height_writer.hpp>
#include <varve/history/records.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace varve::detail::history {

/// Takes heights back, the latest first.
template <KvEngine Next>
class Rollback {
 public:
  Rollback(const Next& next, const OwnTrees& trees) : next_(next), trees_(trees) {
    for (const TreeInfo& info : next.trees()) there_.push_back(info.tree);
  }

  /// Adds what undoes the latest height of the head, which has one before it.
  void undo(Head& head, WriteBatch& out) const {
    const std::uint64_t height = head.latest;
    const HeightRecord record = record_of(height);
    for (auto scan = scan_lists(next_, trees_.heights, {height, 0}, height); scan.valid();
         scan.next()) {
      const auto [key, value] = scan.entry();
      if (!list_place(key).of_pages()) {
        visit_list(key, value,
                   [&](Tree tree, BytesView changed) { restore(tree, changed, height, out); });
      }
      out.erase(trees_.heights, key);
    }
    out.erase_range(trees_.pages, KeyRange::prefix(page_version_key(height, {})));
    out.erase(trees_.heights, height_key(height));
    const auto before =
        nearest_height(next_, trees_.heights, head.oldest, height - 1, varve::Order::descending);
    if (!before) refuse_bytes(heights_tree, "the head");
    head.latest = before->number;
    --head.heights;
    head.entries -= std::min(head.entries, record.entries);
    head.bytes -= std::min(head.bytes, record.bytes);
  }

 private:
  [[nodiscard]] HeightRecord record_of(std::uint64_t height) const {
    const std::string key = height_key(height);
    const auto value = next_.get(trees_.heights, key);
    if (!value) refuse_bytes(heights_tree, "the head");
    return parse_height(key, value->view());
  }

  void restore(Tree tree, BytesView key, std::uint64_t height, WriteBatch& out) const {
    const std::string place = entry_key(tree, key, height);
    const auto entry = next_.get(trees_.entries, place);
    if (!entry) refuse_bytes(entries_tree, "an entry");
    if (std::find(there_.begin(), there_.end(), tree) != there_.end()) {
      if (const auto before = held_before(entry->view())) {
        out.put(tree, key, *before);
      } else {
        out.erase(tree, key);
      }
    }
    out.erase(trees_.entries, place);
  }

  const Next& next_;
  const OwnTrees& trees_;
  std::vector<Tree> there_;
};

}  // namespace varve::detail::history
