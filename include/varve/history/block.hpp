// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/history/height.hpp>
#include <varve/history/overlay.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace varve {

namespace detail::history {

/// Staged records of a range, copied: nothing that is staged later is seen.
class StagedCursor {
 public:
  using Records = std::vector<std::pair<std::string, std::optional<std::string>>>;

  explicit StagedCursor(Records records) noexcept : records_(std::move(records)) {}

  [[nodiscard]] bool valid() const noexcept { return at_ != records_.size(); }
  [[nodiscard]] BytesView key() const noexcept { return records_[at_].first; }
  [[nodiscard]] std::optional<BytesView> value() const noexcept {
    if (!records_[at_].second) return std::nullopt;
    return *records_[at_].second;
  }
  void next() noexcept { ++at_; }

 private:
  Records records_;
  std::size_t at_ = 0;
};

}  // namespace detail::history

/// The next height while it is made: staged writes that are read back, of which nothing reaches
/// the disk before `finalize`. What `Versioned::begin` gives. Dropped before that, it leaves
/// nothing.
///
/// Models   `KvEngine`, so that tables read and write in it. Trees are opened in the store, at
///          once; they are not dropped in a block.
/// Errors   those of the store. What the store refuses of a batch it refuses at `finalize`; that
///          throws `conflict` too, and leaves all as it was, where another height was committed or
///          rolled back since the block began.
/// Threads  one at a time. It dies before its store, which stays where it is meanwhile.
template <class Store>
class Block {
  using Next = typename Store::Next;
  using Below = pinned_t<Next>;
  using Cursor = detail::history::OverlayCursor<scan_t<Next>, detail::history::StagedCursor>;

 public:
  static constexpr BytesView name = "block";

  /// Owns a value: a copy of what is staged, or what the layer below pinned.
  class Pinned {
   public:
    [[nodiscard]] BytesView view() const noexcept {
      if (const auto* const copy = std::get_if<std::string>(&owner_)) return *copy;
      return std::get_if<Below>(&owner_)->view();
    }

   private:
    friend class Block;
    explicit Pinned(std::string copy) noexcept : owner_(std::move(copy)) {}
    explicit Pinned(Below below) noexcept : owner_(std::move(below)) {}

    std::variant<std::string, Below> owner_;
  };

  /// For `Versioned`: `state` is what the store was at.
  Block(Store& store, Height height, std::uint64_t state) noexcept
      : store_(&store), height_(height), state_(state) {}

  [[nodiscard]] Height height() const noexcept { return height_; }

  /// The writes so far.
  [[nodiscard]] const WriteBatch& batch() const noexcept { return batch_; }

  void put(Tree tree, BytesView key, BytesView value) {
    batch_.put(tree, key, value);
    staged_[tree].insert_or_assign(std::string(key), std::string(value));
  }

  void erase(Tree tree, BytesView key) {
    batch_.erase(tree, key);
    staged_[tree].insert_or_assign(std::string(key), std::nullopt);
  }

  void erase_range(Tree tree, KeyRange range) {
    for (auto scan = store_->next().scan(tree, range); scan.valid(); scan.next()) {
      staged_[tree].insert_or_assign(std::string(scan.entry().key), std::nullopt);
    }
    auto& records = staged_[tree];
    for (auto at = records.lower_bound(range.first());
         at != records.end() && range.contains(at->first); ++at) {
      at->second.reset();
    }
    batch_.erase_range(tree, range);
  }

  /// Commits what is staged as the height, and answers what `commit` does. The block is empty then
  /// and of no more use.
  auto finalize(Durability durability = Durability::synced) {
    staged_.clear();
    const WriteBatch batch = std::exchange(batch_, {});
    return store_->commit_block(batch, {.height = height_,
                                        .state = state_,
                                        .built = built_,
                                        .ends_rollbacks = ends_rollbacks_,
                                        .durability = durability,
                                        .operation = "finalize"});
  }

  /// An index of a table has been built from what is read here: for the tables. It has all of its
  /// entries from this height on.
  void index_built(Tree index) { built_.push_back(index); }

  /// What is staged is read otherwise than what was before, as by an index over something else: no
  /// rollback goes below this height.
  void end_rollbacks() noexcept { ends_rollbacks_ = true; }

  // As an engine

  [[nodiscard]] std::optional<Pinned> get(Tree tree, BytesView key) const {
    if (const auto* const staged = find(tree, key)) {
      if (!*staged) return std::nullopt;
      return Pinned(**staged);
    }
    if (auto value = store_->next().get(tree, key)) return Pinned(*std::move(value));
    return std::nullopt;
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    if (const auto* const staged = find(tree, key)) return staged->has_value();
    return store_->next().contains(tree, key);
  }

  [[nodiscard]] Scan<Cursor> scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    return Scan<Cursor>(
        Cursor(store_->next().scan(tree, range, order), staged_in(tree, range, order), order));
  }

  /// Stages the batch. It becomes durable with the height.
  void write(const WriteBatch& batch, Durability = Durability::synced) {
    for (const WriteOp op : batch) {
      switch (op.kind) {
        case WriteOpKind::put: put(op.tree, op.key, op.value); break;
        case WriteOpKind::erase: erase(op.tree, op.key); break;
        case WriteOpKind::erase_range:
          erase_range(op.tree, KeyRange::between(op.key, op.value));
          break;
        case WriteOpKind::erase_from: erase_range(op.tree, KeyRange::from(op.key)); break;
      }
    }
  }

  [[nodiscard]] Tree open_tree(BytesView tree_name) { return store_->open_tree(tree_name); }
  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const {
    return store_->find_tree(tree_name);
  }
  void drop_tree(Tree tree) {
    throw Error(ErrorKind::not_supported,
                {.message = "a tree is not dropped in a block: drop it in the store",
                 .operation = "drop_tree",
                 .tree = "#" + std::to_string(tree.id()),
                 .layer = "versioned"});
  }
  [[nodiscard]] std::vector<TreeInfo> trees() const { return store_->trees(); }

  /// Does nothing: a block is in memory.
  void flush() {}
  [[nodiscard]] std::uint64_t size_on_disk() const { return store_->size_on_disk(); }
  [[nodiscard]] Limits limits() const { return store_->limits(); }

 private:
  using Records = std::map<std::string, std::optional<std::string>, std::less<>>;

  [[nodiscard]] const std::optional<std::string>* find(Tree tree, BytesView key) const {
    const auto records = staged_.find(tree);
    if (records == staged_.end()) return nullptr;
    const auto record = records->second.find(key);
    return record == records->second.end() ? nullptr : &record->second;
  }

  [[nodiscard]] std::optional<detail::history::StagedCursor> staged_in(Tree tree, KeyRange range,
                                                                       Order order) const {
    const auto records = staged_.find(tree);
    if (records == staged_.end()) return std::nullopt;
    detail::history::StagedCursor::Records found;
    for (auto at = records->second.lower_bound(range.first());
         at != records->second.end() && range.contains(at->first); ++at) {
      found.emplace_back(*at);
    }
    if (order == Order::descending) std::reverse(found.begin(), found.end());
    return detail::history::StagedCursor(std::move(found));
  }

  Store* store_;
  Height height_;
  std::uint64_t state_;
  WriteBatch batch_;
  std::map<Tree, Records> staged_;
  std::vector<Tree> built_;
  bool ends_rollbacks_ = false;
};

}  // namespace varve
