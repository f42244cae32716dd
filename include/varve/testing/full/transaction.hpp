// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/durability.hpp>
#include <varve/testing/full/state.hpp>

#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace varve::testing::detail {

/// Works on a version of its own. It wins where no tree that it touched has changed meanwhile:
/// serializable, and coarse.
class FullTransaction {
 public:
  explicit FullTransaction(FullState& state) : state_(&state), base_(state.now()), mine_(base_) {}

  [[nodiscard]] std::optional<FullValue> get(Tree tree, BytesView key) const {
    touched_.insert(tree);
    return mine_.get(tree, key);
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    touched_.insert(tree);
    return mine_.contains(tree, key);
  }

  [[nodiscard]] Scan<FullCursor> scan(Tree tree, KeyRange range,
                                      Order order = Order::ascending) const {
    touched_.insert(tree);
    return mine_.scan(tree, range, order);
  }

  void put(Tree tree, BytesView key, BytesView value) {
    add(tree, WriteBatch().put(tree, key, value));
  }

  void erase(Tree tree, BytesView key) { add(tree, WriteBatch().erase(tree, key)); }

  void erase_range(Tree tree, KeyRange range) { add(tree, WriteBatch().erase_range(tree, range)); }

  [[nodiscard]] bool commit(Durability /*durability*/) {
    return state_->write_if(batch_, {}, "commit", [this](const FullTrees& now) {
      for (const Tree tree : touched_) {
        const auto before = base_->find(tree);
        const auto at = now.find(tree);
        if (before == base_->end() || at == now.end() || before->second != at->second) return false;
      }
      return true;
    });
  }

 private:
  void add(Tree tree, const WriteBatch& change) {
    check_limits(change, state_->limits, "write", "full");
    mine_ = FullSnapshot(std::make_shared<const FullTrees>(after(mine_.trees(), change)));
    batch_.append(change);
    touched_.insert(tree);
  }

  FullState* state_;
  std::shared_ptr<const FullTrees> base_;
  FullSnapshot mine_;
  WriteBatch batch_;
  mutable std::set<Tree> touched_;
};

}  // namespace varve::testing::detail
