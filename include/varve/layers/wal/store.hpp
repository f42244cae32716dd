// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/io/durable_file.hpp>
#include <varve/layers/wal/committer.hpp>
#include <varve/layers/wal/image.hpp>
#include <varve/layers/wal/opening.hpp>
#include <varve/layers/wal/options.hpp>
#include <varve/layers/wal/recovery.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail {

/// The log of a store and what is done with it: a `Wal` without its operations of reading.
///
/// Threads  any.
template <KvEngine Next, FileSystem FS>
class WalStore {
  static constexpr bool below_is_volatile = VolatileEngine<Next>;

 public:
  WalStore(FS files, const std::string& store_directory, WalOptions options, Next& next)
      : files_(std::move(files)),
        directory_(store_directory + "/wal"),
        options_(std::move(options)),
        lock_(lock(files_, directory_)),
        committer_(WalOpening<Next, FS>(files_, directory_, options_, next).run(recovery_)) {}

  /// Brings what was handed to the system to disk, as far as it can.
  void close(Next& next) noexcept {
    committer_->stop_interval();
    try {
      committer_->alone(next, "close", [&] { committer_->sync_alone("close"); });
    } catch (...) {
      // The log is read when the store is opened again, and decides what is there.
    }
  }

  [[nodiscard]] const WalOptions& options() const noexcept { return options_; }
  [[nodiscard]] const WalRecovery& recovery() const noexcept { return recovery_; }
  [[nodiscard]] WalCommitter<Next, FS>& committer() noexcept { return *committer_; }
  [[nodiscard]] const WalCommitter<Next, FS>& committer() const noexcept { return *committer_; }
  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
  [[nodiscard]] const FS& files() const noexcept { return files_; }

  void write(Next& next, const WriteBatch& batch, std::span<const Tree> dropped,
             Durability durability) {
    committer_->write(next, batch, dropped, durability == Durability::synced);
    trim_when_due(next);
  }

  [[nodiscard]] Tree open_tree(Next& next, BytesView name) {
    const Tree opened = committer_->alone(next, "open_tree", [&] {
      const bool there = next.find_tree(name).has_value();
      const Tree tree = next.open_tree(name);
      if (there) return tree;
      if constexpr (below_is_volatile) {
        committer_->log_alone(LogEntryKind::open_tree, open_tree_payload({tree, std::string(name)}),
                              "open_tree");
        committer_->applied_alone();
      }
      committer_->trees_alone().add(tree);
      return tree;
    });
    trim_when_due(next);
    return opened;
  }

  void drop_tree(Next& next, Tree tree) {
    committer_->alone(next, "drop_tree", [&] {
      committer_->check_tree(next, tree, "drop_tree");
      committer_->log_alone(LogEntryKind::drop_tree, drop_tree_payload(tree), "drop_tree");
      committer_->poisons("drop_tree", [&] {
        next.drop_tree(tree);
        committer_->trees_alone().remove(tree);
        committer_->applied_alone();
        if constexpr (!below_is_volatile) mark(next, wal_applied_key);
      });
    });
    trim_when_due(next);
  }

  /// Everything that was written is on disk when it returns.
  void flush(Next& next) {
    if constexpr (below_is_volatile) {
      committer_->alone(next, "flush", [&] { committer_->sync_alone("flush"); });
      next.flush();
      if (committer_->logged_bytes() >= options_.checkpoint_bytes) trim(next);
    } else {
      trim(next);
    }
  }

  /// Brings what was logged to disk below, or writes an image of a volatile engine, and lets go of
  /// the log.
  void trim(Next& next) {
    committer_->check_process("flush");
    const std::lock_guard lock(trimming_);
    trim_locked(next);
  }

  /// A copy of the engine's files that is a whole store without the log.
  void checkpoint(Next& next, const std::string& directory) {
    committer_->alone(next, "checkpoint", [&] {
      mark(next, wal_complete_key);
      next.checkpoint(directory);
    });
  }

  template <class Loader>
  void finish_load(Next& next, Loader& loader) {
    committer_->check_process("bulk_load");
    const std::lock_guard lock(trimming_);
    if constexpr (below_is_volatile) {
      committer_->alone(next, "bulk_load", [&] { loader.finish(); });
      trim_locked(next);
    } else {
      committer_->alone(next, "bulk_load", [&] {
        // What was logged before must never be replayed over what is loaded.
        committer_->poisons("bulk_load", [&] { next.flush(); });
        loader.finish();
      });
    }
  }

 private:
  static auto lock(FS& files, const std::string& directory) {
    make_directory(files, directory);
    return files.lock(directory + "/LOCK");
  }

  /// Writes down below, under `key`, up to where the log was applied.
  void mark(Next& next, BytesView key) {
    WriteBatch batch;
    batch.put(committer_->own_tree(), key, committer_->sequence_value(committer_->applied()));
    next.write(batch, Durability::buffered);
  }

  /// The thread that finds the log too long mends that, while others go on, until it is twice as
  /// long. The write of that thread has happened, so what fails here is told by later ones.
  void trim_when_due(Next& next) {
    if (committer_->logged_bytes() < options_.checkpoint_bytes) return;
    std::unique_lock lock(trimming_, std::defer_lock);
    if (committer_->logged_bytes() >= 2 * options_.checkpoint_bytes) {
      lock.lock();
    } else if (!lock.try_lock()) {
      return;
    }
    if (committer_->logged_bytes() < next_trim_) return;
    try {
      trim_locked(next);
      next_trim_ = options_.checkpoint_bytes;
    } catch (...) {
      next_trim_ = committer_->logged_bytes() + options_.checkpoint_bytes;
    }
  }

  void trim_locked(Next& next) {
    std::uint64_t sequence = 0;
    std::uint64_t bytes = 0;
    const auto note = [&] {
      committer_->sync_alone("flush");
      sequence = committer_->applied();
      bytes = committer_->logged_bytes();
    };
    if constexpr (!below_is_volatile) {
      committer_->alone(next, "flush", note);
      committer_->poisons("flush", [&] { next.flush(); });
    } else if constexpr (SnapshotEngine<Next>) {
      ImageHead head;
      std::optional<snapshot_t<Next>> snapshot;
      committer_->alone(next, "flush", [&] {
        note();
        head = head_of(next);
        snapshot.emplace(next.snapshot());
      });
      write_image(head, *snapshot);
    } else {
      committer_->alone(next, "flush", [&] {
        note();
        write_image(head_of(next), next);
      });
    }
    if (!options_.archive_directory.empty()) {
      committer_->archive(
          committer_->alone(next, "flush", [&] { return committer_->closed_alone(sequence); }));
    }
    committer_->alone(next, "flush", [&] { committer_->forget_alone(sequence, bytes); });
  }

  [[nodiscard]] ImageHead head_of(const Next& next) {
    ImageHead head{.sequence = committer_->applied(),
                   .last_number = committer_->trees_alone().last_number(),
                   .trees = next.trees()};
    std::sort(head.trees.begin(), head.trees.end(), [](const TreeInfo& a, const TreeInfo& b) {
      return a.tree.number() < b.tree.number();
    });
    if (!head.trees.empty()) {
      head.last_number = std::max(head.last_number, head.trees.back().tree.number());
    }
    return head;
  }

  template <KvReader Reader>
  void write_image(const ImageHead& head, const Reader& reader) {
    ImageWriter<FS> image(files_, directory_);
    image.write(head, reader);
    image.put_in_place();
  }

  FS files_;
  std::string directory_;
  WalOptions options_;
  WalRecovery recovery_;
  decltype(lock(std::declval<FS&>(), std::string())) lock_;
  std::unique_ptr<WalCommitter<Next, FS>> committer_;
  std::mutex trimming_;
  std::uint64_t next_trim_ = 0;  ///< guarded by `trimming_`
};

}  // namespace varve::detail
