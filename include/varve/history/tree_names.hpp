// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>

#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>

namespace varve::detail::history {

/// The names of trees by their ids, remembered: an engine lists all of its trees to tell one. Ids
/// are never given twice.
///
/// Threads  any.
class TreeNames {
 public:
  /// Nothing where there is no such tree.
  template <KvEngine Next>
  [[nodiscard]] std::optional<std::string> name_of(const Next& next, Tree tree) const {
    if (auto known = find(tree)) {
      if (next.find_tree(*known) == tree) return known;
      return std::nullopt;
    }
    for (const TreeInfo& info : next.trees()) {
      if (info.tree != tree) continue;
      const std::unique_lock lock(mutex_);
      return names_.insert_or_assign(tree, info.name).first->second;
    }
    return std::nullopt;
  }

 private:
  [[nodiscard]] std::optional<std::string> find(Tree tree) const {
    const std::shared_lock lock(mutex_);
    const auto at = names_.find(tree);
    if (at == names_.end()) return std::nullopt;
    return at->second;
  }

  mutable std::shared_mutex mutex_;
  mutable std::map<Tree, std::string> names_;
};

}  // namespace varve::detail::history
