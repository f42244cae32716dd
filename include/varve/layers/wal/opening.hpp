// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/layers/wal/committer.hpp>
#include <varve/layers/wal/image.hpp>
#include <varve/layers/wal/recovery.hpp>
#include <varve/layers/wal/replay.hpp>
#include <varve/wal/log_reader.hpp>
#include <varve/wal/log_writer.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace varve::detail {

[[nodiscard]] inline LogOptions log_options(const WalOptions& options) {
  LogOptions log;
  log.segment_bytes = options.segment_bytes;
  log.spare_segments = options.spare_segments;
  log.archive_directory = options.archive_directory;
  log.salvage = options.salvage;
  return log;
}

/// Brings the layer below to where the log ends, and starts a log to go on with.
template <KvEngine Next, FileSystem FS>
class WalOpening {
  static constexpr bool below_is_volatile = VolatileEngine<Next>;

 public:
  using Committer = WalCommitter<Next, FS>;

  WalOpening(FS& files, std::string directory, const WalOptions& options, Next& next)
      : files_(files), directory_(std::move(directory)), options_(options), next_(next) {}

  [[nodiscard]] std::unique_ptr<Committer> run(WalRecovery& recovery) {
    const auto start = std::chrono::steady_clock::now();
    trees_.refresh(next_.trees());
    if constexpr (below_is_volatile) {
      load_image(recovery);
    } else {
      read_mark();
    }
    LogReader<FS> reader(files_, directory_, log_options(options_));
    replay(reader, recovery);
    check_complete(reader.report());
    if constexpr (!below_is_volatile) {
      if (!applied_) write_first_mark();
      if (recovery.replayed != 0) next_.flush();
    }
    const std::uint64_t last = std::max(applied_.value_or(0), recovery.last_sequence);
    auto log = std::make_unique<LogWriter<FS>>(files_, directory_, log_options(options_), reader,
                                               last + 1);
    log->forget(below_is_volatile ? recovery.image_sequence : last);
    fill(recovery, reader.report(), last);
    recovery.duration = std::chrono::steady_clock::now() - start;
    return std::make_unique<Committer>(options_, std::move(log), std::move(trees_), own_tree_,
                                       last);
  }

 private:
  // The sequence whose effect the layer below has

  void load_image(WalRecovery& recovery) {
    const std::string path = directory_ + "/" + image_file;
    if (!files_.exists(path)) return;
    ImageReader<FS> image(files_, path);
    const ImageHead head = image.head();
    restore_trees(head);
    while (const auto batch = image.next()) next_.write(*batch, Durability::buffered);
    applied_ = recovery.image_sequence = head.sequence;
  }

  /// An engine numbers its trees in order, so those that were dropped are opened and dropped again.
  void restore_trees(const ImageHead& head) {
    auto at = head.trees.begin();
    for (std::uint32_t number = 1; number <= head.last_number; ++number) {
      const bool dropped = at == head.trees.end() || at->tree.number() != number;
      const Tree tree = next_.open_tree(dropped ? wal_tree_name : BytesView((at++)->name));
      if (tree.number() != number) {
        throw_bad_entry("the engine below does not number its trees as it did for the image");
      }
      if (dropped) next_.drop_tree(tree);
    }
    trees_.refresh(head.trees);
    trees_.raise_last_number(head.last_number);
  }

  void read_mark() {
    const auto tree = next_.find_tree(wal_tree_name);
    if (!tree) return;
    own_tree_ = *tree;
    applied_ = read_sequence(wal_applied_key);
  }

  [[nodiscard]] std::optional<std::uint64_t> read_sequence(BytesView key) const {
    const auto value = next_.get(own_tree_, key);
    if (!value) return std::nullopt;
    BytesView bytes = value->view();
    return take_number<std::uint64_t>(bytes);
  }

  void write_first_mark() {
    own_tree_ = next_.open_tree(wal_tree_name);
    trees_.add(own_tree_);
    WriteBatch batch;
    batch.put(own_tree_, wal_applied_key, Committer::sequence_value(0));
    next_.write(batch, Durability::synced);
    applied_ = 0;
  }

  // The log

  void replay(LogReader<FS>& reader, WalRecovery& recovery) {
    const std::uint64_t before = applied_.value_or(0);
    WalReplay<Next> replay(next_, own_tree_, trees_, before,
                           [&] { return dropped_trees_of_log(); });
    std::uint64_t previous = before;
    while (reader.next()) {
      const LogEntry& entry = reader.entry();
      recovery.last_sequence = entry.sequence;
      if (entry.sequence <= before) continue;
      check_known(before);
      if (entry.sequence != previous + 1 && !options_.salvage) {
        throw_bad_entry("the log lacks what was written from " + std::to_string(previous + 1) +
                        " to " + std::to_string(entry.sequence - 1) + advice());
      }
      replay.replay(entry);
      previous = entry.sequence;
    }
    replay.finish();
    recovery.replayed = replay.replayed();
  }

  /// A log that goes with an engine which never saw one is another store's.
  void check_known(std::uint64_t before) const {
    if (below_is_volatile || applied_ || before != 0 || options_.salvage) return;
    throw_bad_entry("the log has batches, but the engine below does not know it" + advice());
  }

  /// An engine that has seen a log, and no log: it was taken away, or the engine was copied alone.
  void check_complete(const LogReport& report) const {
    if constexpr (!below_is_volatile) {
      if (report.segments != 0 || applied_.value_or(0) == 0 || options_.salvage) return;
      if (read_sequence(wal_complete_key) == applied_) return;
      throw_bad_entry("the log is gone" + advice());
    } else {
      static_cast<void>(report);
    }
  }

  [[nodiscard]] std::string advice() const {
    return ": the files in '" + directory_ +
           "' and those of the engine do not belong together; restore both from one backup, or "
           "open once with WalOptions::salvage to go on with what is there";
  }

  [[nodiscard]] std::set<Tree> dropped_trees_of_log() {
    std::set<Tree> found;
    LogReader<FS> reader(files_, directory_, log_options(options_));
    while (reader.next()) {
      const LogEntry& entry = reader.entry();
      if (entry.kind == LogEntryKind::drop_tree) found.insert(dropped_tree(entry.payload));
      if (entry.kind != LogEntryKind::batch_and_drop) continue;
      BytesView payload = entry.payload;
      for (const Tree tree : dropped_trees(payload)) found.insert(tree);
    }
    return found;
  }

  static void fill(WalRecovery& recovery, const LogReport& report, std::uint64_t last) {
    recovery.segments = report.segments;
    recovery.entries = report.entries;
    recovery.bytes = report.bytes;
    recovery.discarded_bytes = report.discarded_bytes;
    recovery.torn_tail = report.torn_tail;
    recovery.dropped_ranges = report.dropped.size();
    recovery.last_sequence = last;
  }

  FS& files_;
  std::string directory_;
  WalOptions options_;
  Next& next_;
  LiveTrees trees_;
  Tree own_tree_;
  std::optional<std::uint64_t> applied_;
};

}  // namespace varve::detail
