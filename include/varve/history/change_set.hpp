// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/operations.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace varve::detail::history {

/// One record that a height changes.
struct RecordChange {
  Tree tree;
  BytesView key;
  std::size_t at = 0;  ///< the operation of the batch that had the last word
  std::optional<BytesView> before;
  std::optional<BytesView> after;
  bool known = false;  ///< whether `before` is known
};

/// What a batch comes to: each record that differs afterwards, once, in the order of trees and
/// keys, with what it holds before and after. Reserved trees are left out. Its views live as long
/// as it and the batch do.
template <KvReader R>
class ChangeSet {
 public:
  ChangeSet(const R& reader, const WriteBatch& batch) {
    collect(reader, batch);
    unite();
    for (const Erased& erased : erased_) apply(erased);
    look_up(reader);
    std::erase_if(changes_,
                  [](const RecordChange& change) { return change.before == change.after; });
  }

  ChangeSet(const ChangeSet&) = delete;
  ChangeSet& operator=(const ChangeSet&) = delete;

  [[nodiscard]] const std::vector<RecordChange>& changes() const noexcept { return changes_; }

 private:
  struct Erased {
    Tree tree;
    KeyRange range;
    std::size_t at;
  };

  static auto place(const RecordChange& change) noexcept {
    return std::tuple(change.tree.id(), change.key);
  }

  void collect(const R& reader, const WriteBatch& batch) {
    changes_.reserve(batch.count());
    std::size_t at = 0;
    for (const WriteOp op : batch) {
      ++at;
      if (op.tree.reserved()) continue;
      switch (op.kind) {
        case WriteOpKind::put:
          changes_.push_back({op.tree, op.key, at, std::nullopt, op.value, false});
          break;
        case WriteOpKind::erase:
          changes_.push_back({op.tree, op.key, at, std::nullopt, std::nullopt, false});
          break;
        case WriteOpKind::erase_range:
          erase(reader, {op.tree, KeyRange::between(op.key, op.value), at});
          break;
        case WriteOpKind::erase_from: erase(reader, {op.tree, KeyRange::from(op.key), at}); break;
      }
    }
  }

  void erase(const R& reader, const Erased& erased) {
    erased_.push_back(erased);
    for (auto scan = reader.scan(erased.tree, erased.range); scan.valid(); scan.next()) {
      const auto [key, value] = scan.entry();
      changes_.push_back({erased.tree, keep(key), erased.at, keep(value), std::nullopt, true});
    }
  }

  [[nodiscard]] BytesView keep(BytesView bytes) { return kept_.emplace_back(bytes); }

  /// Of one record the last operation counts.
  void unite() {
    std::sort(changes_.begin(), changes_.end(), [](const RecordChange& a, const RecordChange& b) {
      return std::tuple_cat(place(a), std::tuple(a.at)) <
             std::tuple_cat(place(b), std::tuple(b.at));
    });
    std::size_t kept = 0;
    for (const RecordChange& change : changes_) {
      if (kept == 0 || place(changes_[kept - 1]) != place(change)) {
        changes_[kept++] = change;
        continue;
      }
      RecordChange& united = changes_[kept - 1];
      united.at = change.at;
      united.after = change.after;
      if (!united.known) united.before = change.before;
      united.known = united.known || change.known;
    }
    changes_.erase(changes_.begin() + static_cast<std::ptrdiff_t>(kept), changes_.end());
  }

  /// Takes away what the batch put before it erased the range.
  void apply(const Erased& erased) {
    const auto before = [](const RecordChange& change,
                           const std::tuple<std::uint32_t, BytesView>& to) {
      return place(change) < to;
    };
    auto at = std::lower_bound(changes_.begin(), changes_.end(),
                               std::tuple(erased.tree.id(), erased.range.first()), before);
    for (; at != changes_.end() && at->tree == erased.tree && erased.range.contains(at->key);
         ++at) {
      if (at->at < erased.at) at->after.reset();
    }
  }

  void look_up(const R& reader) {
    for (std::size_t first = 0; first != changes_.size();) {
      const Tree tree = changes_[first].tree;
      std::vector<BytesView> keys;
      std::vector<std::size_t> wanted;
      std::size_t last = first;
      for (; last != changes_.size() && changes_[last].tree == tree; ++last) {
        if (changes_[last].known) continue;
        keys.push_back(changes_[last].key);
        wanted.push_back(last);
      }
      first = last;
      if (keys.empty()) continue;
      auto& values = values_.emplace_back(keys.size());
      multi_get(reader, tree, keys, values);
      for (std::size_t i = 0; i != wanted.size(); ++i) {
        if (values[i]) changes_[wanted[i]].before = values[i]->view();
      }
    }
  }

  std::vector<RecordChange> changes_;
  std::vector<Erased> erased_;
  std::deque<std::string> kept_;
  std::deque<std::vector<std::optional<pinned_t<R>>>> values_;
};

}  // namespace varve::detail::history
