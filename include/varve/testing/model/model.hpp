// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/testing/laws/support.hpp>
#include <varve/testing/script.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace varve::testing::detail {

/// What an engine must hold: the `std::map` of the model test. A copy of it is a snapshot.
class Model {
 public:
  struct KeptTree {
    std::string name;
    Contents contents;
  };
  using Trees = std::map<Tree, KeptTree>;

  /// The name of a tree of a script. One of them is reserved.
  [[nodiscard]] static std::string tree_name(std::uint32_t number) {
    return number == 3 ? "varve.model" : "tree " + std::to_string(number);
  }

  [[nodiscard]] const Trees& trees() const noexcept { return trees_; }

  /// Every id that was ever given.
  [[nodiscard]] const std::set<Tree>& given() const noexcept { return given_; }

  /// The id that the script's tree was last given.
  [[nodiscard]] std::optional<Tree> last_id(std::uint32_t number) const {
    const auto at = last_ids_.find(number);
    if (at == last_ids_.end()) return std::nullopt;
    return at->second;
  }

  /// The contents of a tree; null where it is not there.
  [[nodiscard]] const Contents* find(Tree tree) const {
    const auto at = trees_.find(tree);
    return at == trees_.end() ? nullptr : &at->second.contents;
  }

  /// The id under which the script's tree is there.
  [[nodiscard]] std::optional<Tree> live_id(std::uint32_t number) const {
    const auto tree = last_id(number);
    return tree && find(*tree) != nullptr ? tree : std::nullopt;
  }

  void opened(std::uint32_t number, Tree tree) {
    trees_.emplace(tree, KeptTree{tree_name(number), {}});
    given_.insert(tree);
    last_ids_[number] = tree;
  }

  void dropped(Tree tree) { trees_.erase(tree); }

  void put(Tree tree, const std::string& key, const std::string& value) {
    trees_.at(tree).contents[key] = value;
  }

  /// The batch that the changes spell; those on a tree that was never opened are left out.
  [[nodiscard]] WriteBatch batch(const std::vector<script::Change>& changes) const {
    WriteBatch batch;
    const auto add = [&](const auto& change) {
      if (const auto tree = last_id(change.tree)) add_to(batch, *tree, change);
    };
    for (const script::Change& change : changes) std::visit(add, change);
    return batch;
  }

  void apply(const std::vector<script::Change>& changes) {
    const auto apply = [&](const auto& change) {
      if (const auto tree = live_id(change.tree)) apply_to(trees_.at(*tree).contents, change);
    };
    for (const script::Change& change : changes) std::visit(apply, change);
  }

  /// Whether an engine with these limits must take the batch.
  [[nodiscard]] bool takes(const WriteBatch& batch, const Limits& limits) const {
    if (batch.bytes().size() > limits.max_batch_bytes) return false;
    for (const WriteOp op : batch) {
      if (find(op.tree) == nullptr) return false;
      if (op.kind == WriteOpKind::erase_range || op.kind == WriteOpKind::erase_from) continue;
      if (op.key.size() > limits.max_key_bytes) return false;
      if (op.value.size() > limits.max_value_bytes) return false;
    }
    return true;
  }

 private:
  static void add_to(WriteBatch& batch, Tree tree, const script::Put& put) {
    batch.put(tree, put.key, put.value);
  }
  static void add_to(WriteBatch& batch, Tree tree, const script::Erase& erase) {
    batch.erase(tree, erase.key);
  }
  static void add_to(WriteBatch& batch, Tree tree, const script::EraseRange& erase) {
    batch.erase_range(tree, erase.range.view());
  }

  static void apply_to(Contents& contents, const script::Put& put) {
    contents[put.key] = put.value;
  }
  static void apply_to(Contents& contents, const script::Erase& erase) {
    contents.erase(erase.key);
  }
  static void apply_to(Contents& contents, const script::EraseRange& erase) {
    const KeyRange range = erase.range.view();
    std::erase_if(contents, [&](const auto& record) { return range.contains(record.first); });
  }

  Trees trees_;
  std::set<Tree> given_;
  std::map<std::uint32_t, Tree> last_ids_;
};

}  // namespace varve::testing::detail
