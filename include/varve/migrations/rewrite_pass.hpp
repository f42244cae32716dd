// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/versions/tag.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/chain_trees.hpp>
#include <varve/migrations/changed_records.hpp>
#include <varve/migrations/follow_tables.hpp>
#include <varve/migrations/history.hpp>
#include <varve/migrations/run_batches.hpp>
#include <varve/migrations/run_facts.hpp>
#include <varve/migrations/run_lowering.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace varve::detail {

/// Takes the version off the bytes of a record. One that has none is of version
/// `from`.
[[nodiscard]] inline versions::Tagged tagged_record(BytesView bytes, bool tagged,
                                                    std::uint32_t from) {
  return tagged ? versions::take_tag(bytes) : versions::Tagged{from, bytes};
}

/// Gives the records of a tree the layout that they have at `version`.
template <class Chain, class RecordTree, std::uint32_t version>
struct RewritePass {
  using Layouts = layouts_at_t<Chain, RecordTree::text, version>;
  static constexpr std::size_t last = Layouts::size - 1;
  static constexpr BytesView name = RecordTree::name;
  static constexpr std::uint32_t gives = version;

  [[nodiscard]] static bool inverts(std::uint32_t low) noexcept {
    return leads_below(Layouts{}, low);
  }

  template <KvEngine E>
  static void take(RunBatches<E>& batches) {
    using Newest = nth_t<last, Layouts>;
    if (const auto tree = batches.engine().find_tree(name)) {
      LedgerRun& run = batches.run();
      const bool tagged = batches.is_tagged(name);
      if (!tagged) batches.heights().change(name);
      LedgerDigest& left = batches.digest_of(name, run.cursor.empty());
      const auto change = [tree = *tree, tagged, from = run.from](ChangedRecords& changed,
                                                                  const Entry& entry) {
        const versions::Tagged record = tagged_record(entry.value, tagged, from);
        const auto found = static_cast<std::uint32_t>(record.version);
        if (tagged && found >= Newest::since) return changed.left.add(entry.key, entry.value);
        std::string& bytes = changed.scratch;
        bytes.assign(versions::tag_of<Newest::since>().view());
        read_as<Layouts, last, void>(
            layout_at(Layouts{}, found), record.bytes,
            [&](const auto& raised) { Newest::RecordCodec::encode(raised, bytes); });
        changed.put(tree, entry.key, bytes);
      };
      batches.rewrite_records(*tree, left, run.cursor, Order::ascending, change);
    }
    batches.record(name, TreeState::live, version);
    follow_rewrite<Chain, RecordTree>(batches.engine(), batches.pending(), keeps_entries(batches));
    batches.end_pass();
  }

  template <KvEngine E>
  static void undo(RunBatches<E>& batches, std::uint32_t before) {
    const std::uint32_t rest =
        std::max(before, resting_version<Chain>(name, batches.low(), version));
    const bool tagged = batches.rests_tagged(name, rest);
    if (const auto tree = batches.engine().find_tree(name)) {
      if (!tagged) batches.heights().change(name);
      LedgerDigest& left = batches.digest_behind_cursor(name);
      const auto change = [tree = *tree, tagged, rest](ChangedRecords& changed,
                                                       const Entry& entry) {
        const versions::Tagged record = versions::take_tag(entry.value);
        const auto found = static_cast<std::uint32_t>(record.version);
        // A lazy step has left it as it is to be, or older, and that is read
        // then too.
        if (tagged && found <= rest) return changed.left.add(entry.key, entry.value);
        std::string& bytes = changed.scratch;
        bytes.clear();
        lower_bytes<Layouts>(bytes, layout_at(Layouts{}, found), record.bytes,
                             layout_at(Layouts{}, rest), tagged);
        changed.put(tree, entry.key, bytes);
      };
      batches.rewrite_records(*tree, left, batches.run().cursor, Order::descending, change);
    }
    batches.record_rest(name, rest, tagged);
    if (!keeps_entries(batches)) reset_indexes(batches.engine(), batches.pending(), name);
    batches.end_pass();
  }

 private:
  /// Whether the entries of the indexes are right as they are: those of records that were put aside
  /// are not.
  template <KvEngine E>
  [[nodiscard]] static bool keeps_entries(const RunBatches<E>& batches) {
    return batches.run().refused == 0 && keeps_indexes<Chain>(name, batches.low());
  }
};

}  // namespace varve::detail
