// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_reader.hpp>
#include <varve/concepts/write_batch.hpp>

#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace varve::testing::detail {

/// One tree at one moment. Never changed once others can see it.
struct FullTree {
  std::string name;
  std::map<std::string, std::string, std::less<>> entries;
};

/// All trees at one moment.
using FullTrees = std::map<Tree, std::shared_ptr<const FullTree>>;

[[nodiscard]] inline const std::shared_ptr<const FullTree>& find(const FullTrees& trees, Tree tree,
                                                                 const char* operation) {
  if (const auto at = trees.find(tree); at != trees.end()) return at->second;
  throw Error(ErrorKind::invalid_argument,
              {.message = "there is no such tree; open_tree gives one by its name",
               .operation = operation,
               .tree = "#" + std::to_string(tree.id()),
               .layer = "full"});
}

/// Shares the tree that it was found in.
class FullValue {
 public:
  FullValue(std::shared_ptr<const FullTree> tree, BytesView bytes) noexcept
      : tree_(std::move(tree)), bytes_(bytes) {}
  [[nodiscard]] BytesView view() const noexcept { return bytes_; }

 private:
  std::shared_ptr<const FullTree> tree_;
  BytesView bytes_;
};

class FullCursor {
 public:
  FullCursor(std::shared_ptr<const FullTree> tree, const KeyBounds& bounds, Order order)
      : tree_(std::move(tree)), order_(order) {
    const auto& entries = tree_->entries;
    if (bounds.empty()) return;
    first_ = entries.lower_bound(bounds.first());
    last_ = bounds.bounded() ? entries.lower_bound(bounds.last()) : entries.end();
    valid_ = first_ != last_;
  }

  [[nodiscard]] bool valid() const noexcept { return valid_; }

  [[nodiscard]] Entry entry() const {
    const auto at = order_ == Order::ascending ? first_ : std::prev(last_);
    return {at->first, at->second};
  }

  void next() {
    if (order_ == Order::ascending) {
      ++first_;
    } else {
      --last_;
    }
    valid_ = first_ != last_;
  }

 private:
  using Iterator = std::map<std::string, std::string, std::less<>>::const_iterator;

  std::shared_ptr<const FullTree> tree_;
  Order order_;
  Iterator first_{};
  Iterator last_{};
  bool valid_ = false;
};

/// Reads all trees as they were at one moment.
class FullSnapshot {
 public:
  explicit FullSnapshot(std::shared_ptr<const FullTrees> trees) noexcept
      : trees_(std::move(trees)) {}

  [[nodiscard]] std::optional<FullValue> get(Tree tree, BytesView key) const {
    const auto& found = find(*trees_, tree, "get");
    const auto at = found->entries.find(key);
    if (at == found->entries.end()) return std::nullopt;
    return FullValue(found, at->second);
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    return find(*trees_, tree, "contains")->entries.contains(key);
  }

  [[nodiscard]] Scan<FullCursor> scan(Tree tree, KeyRange range,
                                      Order order = Order::ascending) const {
    return Scan<FullCursor>(FullCursor(find(*trees_, tree, "scan"), KeyBounds(range), order));
  }

  [[nodiscard]] const FullTrees& trees() const noexcept { return *trees_; }

 private:
  std::shared_ptr<const FullTrees> trees_;
};

inline void apply(FullTree& tree, const WriteOp& op) {
  auto& entries = tree.entries;
  const auto at = entries.lower_bound(op.key);
  switch (op.kind) {
    case WriteOpKind::put:
      entries.insert_or_assign(std::string(op.key), std::string(op.value));
      return;
    case WriteOpKind::erase:
      if (at != entries.end() && at->first == op.key) entries.erase(at);
      return;
    case WriteOpKind::erase_range: entries.erase(at, entries.lower_bound(op.value)); return;
    case WriteOpKind::erase_from: entries.erase(at, entries.end()); return;
  }
}

/// `trees` after `batch`; each tree that it changes is copied once.
[[nodiscard]] inline FullTrees after(FullTrees trees, const WriteBatch& batch) {
  std::map<Tree, std::shared_ptr<FullTree>> changed;
  for (const WriteOp op : batch) {
    auto& copy = changed[op.tree];
    if (!copy) copy = std::make_shared<FullTree>(*find(trees, op.tree, "write"));
    apply(*copy, op);
  }
  for (auto& [tree, copy] : changed) trees[tree] = std::move(copy);
  return trees;
}

}  // namespace varve::testing::detail
