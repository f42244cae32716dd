// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/ledger.hpp>
#include <varve/migrations/schema_heights.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

namespace varve::detail {

/// Notes for each height that a run makes which records have a version in front of them, where a
/// layer keeps history and the run gives them one or takes it off. So each of these heights is read
/// as it was.
template <KvEngine E>
class RunHeights {
 public:
  RunHeights(const E& engine, const Ledger<E>& ledger, const LedgerRun& run)
      : engine_(engine), ledger_(ledger) {
    if constexpr (keeps_history<E>) {
      if (run.untagged.empty()) return;
      auto noted = ledger.at_height(std::numeric_limits<std::uint64_t>::max());
      if (!noted || noted->second.state != HeightState::running) return;
      noted_ = std::move(noted->second);
      now_ = noted_;
      now_.untagged = untagged_trees(ledger, run);
      notes_ = true;
    }
  }

  /// A pass gives a version to the records of the tree, one after the other, or takes it off.
  void change(BytesView tree) {
    if (notes_) now_.partly = tree;
  }

  /// All records of the tree have one.
  void tagged(BytesView tree) {
    if (!notes_) return;
    std::erase(now_.untagged, tree);
    if (now_.partly == tree) now_.partly.clear();
  }

  /// None has, if the run has to do with that.
  void untagged(BytesView tree, const LedgerRun& run) {
    if (!notes_) return;
    tagged(tree);
    const auto& names = run.untagged;
    if (std::find(names.begin(), names.end(), tree) != names.end()) {
      now_.untagged.emplace_back(tree);
    }
  }

  /// Adds to a batch of the run how it is from its height on.
  void note(WriteBatch& batch, const LedgerRun& run) {
    if constexpr (keeps_history<E>) {
      if (!notes_) return;
      LedgerHeight note = now_;
      if (!note.partly.empty()) set_place(note, run);
      if (note == noted_) return;
      ledger_.put(batch, history_layer(engine_).latest().value + 1, note);
      noted_ = std::move(note);
    }
  }

 private:
  // Forward, no record up to the cursor is without a version; back, none at and behind it has one.
  static void set_place(LedgerHeight& note, const LedgerRun& run) {
    const bool back = run.to < run.from;
    const bool listed =
        std::find(note.untagged.begin(), note.untagged.end(), note.partly) != note.untagged.end();
    if (back && run.cursor.empty()) {
      note.partly.clear();
      return;
    }
    if (!listed) note.untagged.push_back(note.partly);
    note.below = run.cursor;
    if (!back && !run.cursor.empty()) note.below.push_back('\0');
  }

  const E& engine_;
  const Ledger<E>& ledger_;
  LedgerHeight now_;    ///< less the place within the tree that is gone through
  LedgerHeight noted_;  ///< what was noted last
  bool notes_ = false;
};

}  // namespace varve::detail
