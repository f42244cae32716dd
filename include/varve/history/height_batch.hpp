// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/history/change_set.hpp>
#include <varve/history/height_writer.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace varve::detail::history {

/// Puts together what a height writes: the operations of its batch, what they leave in history, and
/// the pages of its commitment.
template <KvEngine Next, class Committer>
class HeightBatch {
 public:
  using Update = typename Committer::Update;

  HeightBatch(Next& next, const OwnTrees& trees, Committer& committer, const char* operation)
      : next_(next), trees_(trees), committer_(committer), operation_(operation) {}

  /// Adds to `out` what the height of `made.number` is, and to `made` its record. Where `always` is
  /// false and no record changes there is no height: nothing is answered, and only the batch added.
  std::optional<Update> put_together(const WriteBatch& batch, std::span<const Tree> dropped,
                                     bool always, WriteBatch& out, NumberedHeight& made) {
    const WriteBatch with_drops = dropped.empty() ? WriteBatch() : emptied(batch, dropped);
    const ChangeSet<Next> set(next_, dropped.empty() ? batch : with_drops);
    const std::vector<RecordChange> kept = without(set.changes(), dropped);
    const std::span<const RecordChange> changes = dropped.empty() ? set.changes() : kept;
    out.reserve(2 * batch.bytes().size() + 128 * changes.size());
    if (dropped.empty() && !has_ranges(batch)) {
      add(batch, changes, out);
    } else {
      out.append(batch);
    }
    if (!always && changes.empty()) return std::nullopt;
    check_keys(changes);
    auto update = committer_.update(next_, trees_, batch, changes, out);
    HeightWriter height(out, trees_, made.number);
    for (const RecordChange& change : changes) {
      if (!is_in(dropped, change.tree)) height.add(change.tree, change.key, change.before);
    }
    made.record = committer_.finish(next_, update, trees_, height);
    return update;
  }

 private:
  static bool is_in(std::span<const Tree> trees, Tree tree) {
    return std::find(trees.begin(), trees.end(), tree) != trees.end();
  }

  [[nodiscard]] WriteBatch emptied(WriteBatch batch, std::span<const Tree> dropped) const {
    for (const Tree tree : dropped) {
      if (committer_.in_root(next_, trees_, tree)) batch.erase_range(tree, KeyRange::all());
    }
    return batch;
  }

  [[nodiscard]] std::vector<RecordChange> without(std::span<const RecordChange> changes,
                                                  std::span<const Tree> dropped) const {
    if (dropped.empty()) return {};
    std::vector<RecordChange> kept(changes.begin(), changes.end());
    std::erase_if(kept, [&](const RecordChange& change) {
      return is_in(dropped, change.tree) && !committer_.in_root(next_, trees_, change.tree);
    });
    return kept;
  }

  static bool has_ranges(const WriteBatch& batch) {
    for (const WriteOp op : batch) {
      if (op.kind == WriteOpKind::erase_range || op.kind == WriteOpKind::erase_from) return true;
    }
    return false;
  }

  /// What the batch comes to, in order, which is faster for the engine than as it came.
  static void add(const WriteBatch& batch, std::span<const RecordChange> changes, WriteBatch& out) {
    for (const WriteOp op : batch) {
      if (!op.tree.reserved()) continue;
      if (op.kind == WriteOpKind::put) out.put(op.tree, op.key, op.value);
      if (op.kind == WriteOpKind::erase) out.erase(op.tree, op.key);
    }
    for (const RecordChange& change : changes) {
      if (change.after) {
        out.put(change.tree, change.key, *change.after);
      } else {
        out.erase(change.tree, change.key);
      }
    }
  }

  /// A range may hold keys that were written before the layer joined.
  void check_keys(std::span<const RecordChange> changes) const {
    const std::uint64_t longest = longest_key(next_.limits().max_key_bytes);
    for (const RecordChange& change : changes) {
      if (change.key.size() <= longest) continue;
      throw Error(ErrorKind::invalid_argument,
                  {.message = "a key of " + std::to_string(change.key.size()) +
                              " bytes is beyond max_key_bytes, " + std::to_string(longest) +
                              ", and cannot have history: remove it without this layer",
                   .operation = operation_,
                   .tree = "#" + std::to_string(change.tree.id()),
                   .layer = "versioned"});
    }
  }

  Next& next_;
  const OwnTrees& trees_;
  Committer& committer_;
  const char* operation_;
};

}  // namespace varve::detail::history
