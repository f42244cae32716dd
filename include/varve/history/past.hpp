// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/history/built_indexes.hpp>
#include <varve/history/height.hpp>
#include <varve/history/overlay.hpp>
#include <varve/history/past_cursor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>

namespace varve {

/// A store as it was at a height: what `Versioned::at` gives. Tables are opened on it as on the
/// store, to read.
///
/// It holds a snapshot of the layer below, so nothing that is committed, pruned or rolled back
/// meanwhile is seen; a long-lived one keeps an engine from using space again. Reserved trees, and
/// which trees there are, have no heights: they are those of the snapshot.
///
/// Errors   those of `Next`; `corruption` of history. A tree that was dropped has no past either.
/// Threads  any, as of a snapshot. It dies before its store, which stays where it is meanwhile;
///          values and scans may outlive it.
template <SnapshotEngine Next>
class Past {
  using Snapshot = snapshot_t<Next>;
  using Cursor =
      detail::history::OverlayCursor<scan_t<Snapshot>, detail::history::PastCursor<Snapshot>>;

 public:
  /// Owns a value: a copy out of history, or what the layer below pinned.
  class Pinned {
   public:
    [[nodiscard]] BytesView view() const noexcept {
      if (const auto* const copy = std::get_if<std::string>(&owner_)) {
        return BytesView(*copy).substr(1);
      }
      return std::get_if<pinned_t<Snapshot>>(&owner_)->view();
    }

   private:
    friend class Past;
    explicit Pinned(std::string entry) noexcept : owner_(std::move(entry)) {}
    explicit Pinned(pinned_t<Snapshot> below) noexcept : owner_(std::move(below)) {}

    std::variant<std::string, pinned_t<Snapshot>> owner_;
  };

  /// For `Versioned`. Where `changed` is false nothing has changed since the height.
  Past(const Next& next, std::shared_ptr<const Snapshot> snapshot,
       const detail::history::OwnTrees& trees, Height height, bool changed) noexcept
      : next_(&next),
        snapshot_(std::move(snapshot)),
        entries_(trees.entries),
        heights_(trees.heights),
        height_(height),
        changed_(changed) {}

  [[nodiscard]] Height height() const noexcept { return height_; }

  [[nodiscard]] std::optional<Pinned> get(Tree tree, BytesView key) const {
    if (has_history(tree, key)) {
      if (auto entry = entry_above(tree, key)) {
        check_there(tree, key);
        if (!detail::history::held_before(*entry)) return std::nullopt;
        return Pinned(*std::move(entry));
      }
    }
    if (auto value = snapshot_->get(tree, key)) return Pinned(*std::move(value));
    return std::nullopt;
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    if (has_history(tree, key)) {
      if (const auto entry = entry_above(tree, key)) {
        check_there(tree, key);
        return detail::history::held_before(*entry).has_value();
      }
    }
    return snapshot_->contains(tree, key);
  }

  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<Pinned>> values) const {
    for (std::size_t i = 0; i != keys.size(); ++i) values[i] = get(tree, keys[i]);
  }

  [[nodiscard]] Scan<Cursor> scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    std::optional<detail::history::PastCursor<Snapshot>> past;
    const KeyBounds bounds(range);
    if (changed_ && !tree.reserved() && !bounds.empty()) {
      past.emplace(snapshot_, entries_, tree, bounds, height_.value, order);
    }
    return Scan<Cursor>(Cursor(snapshot_->scan(tree, range, order), std::move(past), order));
  }

  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const {
    return next_->find_tree(tree_name);
  }

  /// Whether an index had all of its entries then: for the tables.
  [[nodiscard]] bool has_built(Tree index) const {
    const auto built = detail::history::built_at(*snapshot_, heights_, index);
    return !built || *built <= height_.value;
  }

 private:
  [[nodiscard]] bool has_history(Tree tree, BytesView key) const noexcept {
    return changed_ && !tree.reserved() && !key.empty();
  }

  [[nodiscard]] std::optional<std::string> entry_above(Tree tree, BytesView key) const {
    return detail::history::first_above(*snapshot_, entries_,
                                        detail::history::entry_prefix(tree, key), height_.value);
  }

  /// The entries of a tree outlive it.
  void check_there(Tree tree, BytesView key) const {
    static_cast<void>(snapshot_->contains(tree, key));
  }

  const Next* next_;
  std::shared_ptr<const Snapshot> snapshot_;
  Tree entries_;
  Tree heights_;
  Height height_;
  bool changed_;
};

}  // namespace varve
