// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/limits.hpp>
#include <varve/testing/full/version.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve::testing::detail {

/// The trees of now, and every batch that led to them.
class FullState {
 public:
  using Batches = std::vector<std::pair<std::uint64_t, WriteBatch>>;

  Limits limits;

  [[nodiscard]] std::shared_ptr<const FullTrees> now() const {
    const std::lock_guard lock(mutex_);
    return trees_;
  }

  /// Applies the batch, then drops the trees; all or nothing. `allowed` is asked before, under the
  /// lock, with the trees of now; where it says no, nothing happens and `write` answers false.
  template <class Allowed>
  bool write_if(const WriteBatch& batch, std::span<const Tree> dropped, const char* operation,
                Allowed allowed) {
    check_limits(batch, limits, "write", "full");
    const std::lock_guard lock(mutex_);
    if (!allowed(*trees_)) return false;
    FullTrees changed = after(*trees_, batch);
    for (const Tree tree : dropped) {
      static_cast<void>(find(changed, tree, operation));
      changed.erase(tree);
    }
    if (!batch.empty()) log_.emplace_back(last_sequence_ + 1, batch);
    if (!batch.empty()) ++last_sequence_;
    trees_ = std::make_shared<const FullTrees>(std::move(changed));
    return true;
  }

  void write(const WriteBatch& batch, std::span<const Tree> dropped,
             const char* operation = "write_and_drop") {
    write_if(batch, dropped, operation, [](const FullTrees&) { return true; });
  }

  [[nodiscard]] Tree open_tree(BytesView tree_name) {
    const std::lock_guard lock(mutex_);
    for (const auto& [tree, found] : *trees_) {
      if (found->name == tree_name) return tree;
    }
    const Tree tree(++last_number_, tree_name);
    FullTrees changed = *trees_;
    changed[tree] = std::make_shared<const FullTree>(FullTree{std::string(tree_name), {}});
    trees_ = std::make_shared<const FullTrees>(std::move(changed));
    return tree;
  }

  [[nodiscard]] std::uint64_t last_sequence() const {
    const std::lock_guard lock(mutex_);
    return last_sequence_;
  }

  [[nodiscard]] Batches since(std::uint64_t sequence) const {
    const std::lock_guard lock(mutex_);
    Batches batches;
    for (const auto& entry : log_) {
      if (entry.first >= sequence) batches.push_back(entry);
    }
    return batches;
  }

  /// The trees of now, and the last number that one was given.
  [[nodiscard]] std::pair<std::shared_ptr<const FullTrees>, std::uint32_t> saved() const {
    const std::lock_guard lock(mutex_);
    return {trees_, last_number_};
  }

  void restore(FullTrees trees, std::uint32_t last_number) {
    const std::lock_guard lock(mutex_);
    trees_ = std::make_shared<const FullTrees>(std::move(trees));
    last_number_ = last_number;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const FullTrees> trees_ = std::make_shared<const FullTrees>();
  Batches log_;
  std::uint64_t last_sequence_ = 0;
  std::uint32_t last_number_ = 0;
};

}  // namespace varve::testing::detail
