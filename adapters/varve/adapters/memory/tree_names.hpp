// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/errors.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/tree.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace varve::detail::memory {

/// The trees there are, by name. A writer who adds or removes one holds the lock until the version
/// that agrees is shown, so that nobody finds a name without its tree.
class TreeNames {
 public:
  using Lock = std::unique_lock<std::mutex>;

  [[nodiscard]] Lock lock() const { return Lock(mutex_); }

  [[nodiscard]] std::optional<Tree> find(const Lock& /*held*/, BytesView name) const {
    const auto at = trees_.find(name);
    if (at == trees_.end()) return std::nullopt;
    return at->second;
  }

  /// The tree that `name` will be once it is added.
  [[nodiscard]] Tree next(const Lock& /*held*/, BytesView name) const {
    if (last_number_ == Tree::max_number) {
      throw Error(ErrorKind::no_space, {.message = "all numbers of trees have been given out",
                                        .operation = "open_tree",
                                        .layer = std::string(engine_name)});
    }
    return Tree(last_number_ + 1, name);
  }

  void add(const Lock& /*held*/, BytesView name, Tree tree) {
    trees_.emplace(name, tree);
    last_number_ = tree.number();
  }

  void erase(const Lock& /*held*/, Tree tree) noexcept {
    std::erase_if(trees_, [&](const auto& named) { return named.second == tree; });
  }

  /// By name.
  [[nodiscard]] std::vector<TreeInfo> list(const Lock& /*held*/) const {
    std::vector<TreeInfo> infos;
    infos.reserve(trees_.size());
    for (const auto& [name, tree] : trees_) infos.push_back({tree, name});
    return infos;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Tree, std::less<>> trees_;
  std::uint32_t last_number_ = 0;
};

}  // namespace varve::detail::memory
