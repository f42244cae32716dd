// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/tree.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace varve::detail {

/// The trees that the layer below has, for the leader, who refuses a batch before it is logged.
class LiveTrees {
 public:
  void refresh(const std::vector<TreeInfo>& infos) {
    trees_.clear();
    for (const TreeInfo& info : infos) trees_.push_back(info.tree);
    std::sort(trees_.begin(), trees_.end());
    for (const Tree tree : trees_) last_number_ = std::max(last_number_, tree.number());
  }

  [[nodiscard]] bool has(Tree tree) const noexcept {
    return std::binary_search(trees_.begin(), trees_.end(), tree);
  }

  void add(Tree tree) {
    const auto at = std::lower_bound(trees_.begin(), trees_.end(), tree);
    if (at == trees_.end() || *at != tree) trees_.insert(at, tree);
    last_number_ = std::max(last_number_, tree.number());
  }

  void remove(Tree tree) noexcept { std::erase(trees_, tree); }

  /// The largest number that any tree was given, dropped ones too.
  [[nodiscard]] std::uint32_t last_number() const noexcept { return last_number_; }
  void raise_last_number(std::uint32_t number) noexcept {
    last_number_ = std::max(last_number_, number);
  }

 private:
  std::vector<Tree> trees_;
  std::uint32_t last_number_ = 0;
};

}  // namespace varve::detail
