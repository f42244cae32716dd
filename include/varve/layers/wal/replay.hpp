// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/layers/wal/entries.hpp>
#include <varve/layers/wal/live_trees.hpp>
#include <varve/wal/log_entry.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail {

/// Does to the layer below what the log says, in order, many batches at a time.
template <KvEngine Next>
class WalReplay {
  static constexpr bool below_is_volatile = VolatileEngine<Next>;
  static constexpr std::size_t chunk_bytes = std::size_t{1} << 20U;

 public:
  using DroppedTrees = std::set<Tree>;

  /// `find_dropped` gives the trees that the whole log says were dropped; it is asked once at most.
  WalReplay(Next& next, Tree own_tree, LiveTrees& trees, std::uint64_t applied,
            std::function<DroppedTrees()> find_dropped)
      : next_(next),
        own_tree_(own_tree),
        trees_(trees),
        find_dropped_(std::move(find_dropped)),
        last_(applied),
        marked_(applied) {}

  void replay(const LogEntry& entry) {
    switch (entry.kind) {
      case LogEntryKind::batch: add(WriteBatch::from_bytes(entry.payload)); break;
      case LogEntryKind::open_tree: open(opened_tree(entry.payload)); break;
      case LogEntryKind::drop_tree: drop(dropped_tree(entry.payload)); break;
      case LogEntryKind::batch_and_drop: {
        BytesView payload = entry.payload;
        const std::vector<Tree> dropped = dropped_trees(payload);
        write_and_drop(WriteBatch::from_bytes(payload), dropped, entry.sequence);
        break;
      }
      default: throw_bad_entry("an entry of the log is of a kind that this program does not know");
    }
    last_ = entry.sequence;
    ++replayed_;
    if (pending_.bytes().size() >= chunk_bytes) write_pending();
  }

  void finish() { write_pending(); }

  [[nodiscard]] std::uint64_t replayed() const noexcept { return replayed_; }

 private:
  void add(const WriteBatch& batch) {
    const std::uint64_t most = next_.limits().max_batch_bytes;
    if (pending_.bytes().size() + batch.bytes().size() + 64 > most) write_pending();
    Tree good;
    bool all_there = true;
    for (const WriteOp op : batch) {
      if (op.tree == good && good != Tree()) continue;
      good = op.tree;
      all_there = is_there(op.tree) && all_there;
    }
    if (all_there) {
      pending_.append(batch);
      return;
    }
    for (const WriteOp op : batch) {
      if (trees_.has(op.tree)) append_op(pending_, op);
    }
  }

  /// Whether the tree is there; one that the engine lost, and nobody dropped, is `corruption`.
  [[nodiscard]] bool is_there(Tree tree) {
    if (trees_.has(tree)) return true;
    if (!dropped_) dropped_ = find_dropped_();
    if (dropped_->contains(tree)) return false;
    throw_bad_entry("the log has a batch for tree #" + std::to_string(tree.id()) +
                    ", which the engine below does not have and nobody dropped: the engine's files "
                    "are not those that belong to this log; restore both from one backup");
  }

  void open(const TreeInfo& info) {
    if (!below_is_volatile) return;
    write_pending();
    Tree opened;
    below([&] { opened = next_.open_tree(info.name); });
    if (opened != info.tree) {
      throw_bad_entry("the engine below gave the tree '" + info.name +
                      "' another id than the log has for it");
    }
    trees_.add(info.tree);
  }

  void drop(Tree tree) {
    write_pending();
    if (!trees_.has(tree)) return;
    next_.drop_tree(tree);
    trees_.remove(tree);
  }

  void write_and_drop(const WriteBatch& batch, const std::vector<Tree>& dropped,
                      std::uint64_t sequence) {
    write_pending();
    add(batch);
    std::vector<Tree> there;
    for (const Tree tree : dropped) {
      if (is_there(tree)) there.push_back(tree);
    }
    if constexpr (TransactionalDropEngine<Next>) {
      last_ = sequence;
      add_mark();
      below([&] { next_.write_and_drop(pending_, there, Durability::buffered); });
      pending_.clear();
      for (const Tree tree : there) trees_.remove(tree);
    } else {
      throw_bad_entry("the log drops trees with a batch, which the engine below cannot do");
    }
  }

  void write_pending() {
    add_mark();
    if (!pending_.empty()) below([&] { next_.write(pending_, Durability::buffered); });
    pending_.clear();
  }

  /// The log has nothing that the engine below refuses, or it is not what was written.
  template <class Call>
  static void below(Call call) {
    try {
      call();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::invalid_argument) throw;
      throw_bad_entry("the engine below refuses what the log says: " + std::string(error.what()));
    }
  }

  /// What is pending says up to where it goes.
  void add_mark() {
    if (below_is_volatile || (pending_.empty() && last_ == marked_)) return;
    std::string value;
    append_number(value, last_);
    pending_.put(own_tree_, wal_applied_key, value);
    marked_ = last_;
  }

  Next& next_;
  Tree own_tree_;
  LiveTrees& trees_;
  std::function<DroppedTrees()> find_dropped_;
  std::optional<DroppedTrees> dropped_;
  WriteBatch pending_;
  std::uint64_t last_;
  std::uint64_t marked_;
  std::uint64_t replayed_ = 0;
};

}  // namespace varve::detail
