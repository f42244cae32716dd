// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/history/height_writer.hpp>
#include <varve/history/options.hpp>
#include <varve/history/records.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace varve::detail::history {

/// Gives up the oldest heights and removes what only they needed, a bounded part at a time.
class Retention {
 public:
  Retention(const OwnTrees& trees, const VersionedOptions& options, std::size_t budget) noexcept
      : trees_(trees), options_(options), budget_(budget) {}

  /// Whether more is kept than is to be.
  [[nodiscard]] bool exceeded(const Head& head) const noexcept {
    return head.oldest < head.latest &&
           (head.heights > options_.retain_heights || head.bytes > options_.retain_bytes);
  }

  /// Moves the oldest height that can be read. `fresh` is the height of this very batch.
  template <KvEngine Next>
  void move(const Next& next, Head& head, WriteBatch& out,
            const std::optional<NumberedHeight>& fresh) const {
    for (std::size_t moved = 0; moved != budget_ && exceeded(head); ++moved) {
      auto following = nearest_height(next, trees_.heights, head.oldest + 1,
                                      fresh ? fresh->number - 1 : head.latest, Order::ascending);
      if (!following) following = fresh;
      if (!following) refuse_bytes(heights_tree, "the head");
      out.erase(trees_.heights, height_key(head.oldest));
      head.oldest = following->number;
      --head.heights;
      head.entries -= std::min(head.entries, following->record.entries);
      head.bytes -= std::min(head.bytes, following->record.bytes);
      head.waiting += following->record.entries;
    }
  }

  /// Removes lists and what they name, at least as many as the budget says where there are so many.
  /// Answers how many there were.
  template <KvEngine Next>
  std::size_t prune(const Next& next, Head& head, WriteBatch& out) const {
    if (head.waiting == 0) return 0;
    std::size_t removed = 0;
    for (auto scan =
             scan_lists(next, trees_.heights, {head.pruned_height, head.pruned_part}, head.oldest);
         scan.valid() && removed < budget_; scan.next()) {
      const auto [key, value] = scan.entry();
      const ListPlace place = list_place(key);
      removed += place.of_pages() ? remove_pages(key, value, out)
                                  : remove_entries(place.height, key, value, out);
      out.erase(trees_.heights, key);
      head.pruned_height = place.height;
      head.pruned_part = place.part + 1;
    }
    head.waiting -= std::min<std::uint64_t>(head.waiting, removed);
    return removed;
  }

 private:
  std::size_t remove_entries(std::uint64_t height, BytesView key, BytesView value,
                             WriteBatch& out) const {
    return visit_list(key, value, [&](Tree tree, BytesView changed) {
      out.erase(trees_.entries, entry_key(tree, changed, height));
    });
  }

  /// What the height replaced is no longer read.
  std::size_t remove_pages(BytesView key, BytesView value, WriteBatch& out) const {
    return visit_pages(key, value, [&](BytesView page) { out.erase(trees_.pages, page); });
  }

  const OwnTrees& trees_;
  const VersionedOptions& options_;
  std::size_t budget_;
};

}  // namespace varve::detail::history
