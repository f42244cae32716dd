// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/durability.hpp>
#include <varve/concepts/error.hpp>
#include <varve/concepts/file_system.hpp>
#include <varve/concepts/refinements.hpp>
#include <varve/io/own_process.hpp>
#include <varve/layers/wal/commit_queue.hpp>
#include <varve/layers/wal/entries.hpp>
#include <varve/layers/wal/interval_sync.hpp>
#include <varve/layers/wal/live_trees.hpp>
#include <varve/layers/wal/options.hpp>
#include <varve/layers/wal/poison.hpp>
#include <varve/layers/wal/statistics.hpp>
#include <varve/wal/closed_segment.hpp>
#include <varve/wal/log_entry.hpp>
#include <varve/wal/log_writer.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace varve::detail {

/// Logs what threads write, a group at a time, does it to the layer below, and only then says so.
///
/// Threads  any; what is called `...alone` by the leader only.
template <KvEngine Next, FileSystem FS>
class WalCommitter {
  static constexpr bool below_is_volatile = VolatileEngine<Next>;
  static constexpr std::size_t group_bytes = std::size_t{4} << 20U;

 public:
  WalCommitter(const WalOptions& options, std::unique_ptr<LogWriter<FS>> log, LiveTrees trees,
               Tree own_tree, std::uint64_t last_sequence)
      : options_(options),
        log_(std::move(log)),
        trees_(std::move(trees)),
        own_tree_(own_tree),
        last_(last_sequence),
        applied_(last_sequence) {
    counters_.look_at(*log_);
    if (options_.sync != WalSync::interval) return;
    interval_.emplace(std::chrono::milliseconds(options_.sync_interval_ms),
                      [this] { sync_by_itself(); });
  }

  /// Logs and applies a batch that is within the limits, and drops trees with it.
  void write(Next& next, const WriteBatch& batch, std::span<const Tree> dropped, bool synced) {
    CommitRequest request;
    request.batch = &batch;
    request.dropped = dropped;
    request.synced = synced;
    submit(next, request);
  }

  /// Does `work()` after what was written before and before what comes later, while nothing else
  /// is written; on the thread of whoever leads.
  template <class Work>
  auto alone(Next& next, const char* operation, Work work) {
    using Result = std::invoke_result_t<Work&>;
    struct Call {
      WalCommitter& committer;
      const char* operation;
      Work& work;
      std::conditional_t<std::is_void_v<Result>, char, std::optional<Result>> result{};
    } call{*this, operation, work};
    CommitRequest request;
    request.argument = &call;
    request.work = [](void* argument) {
      Call& asked = *static_cast<Call*>(argument);
      asked.committer.check_writable(asked.operation);
      if constexpr (std::is_void_v<Result>) {
        asked.work();
      } else {
        asked.result.emplace(asked.work());
      }
    };
    submit(next, request);
    if constexpr (!std::is_void_v<Result>) return *std::move(call.result);
  }

  // What follows is for `work` of `alone`.

  [[nodiscard]] LiveTrees& trees_alone() noexcept { return trees_; }

  /// Logs one entry by itself, on disk when it returns.
  void log_alone(LogEntryKind kind, BytesView payload, const char* operation) {
    poisons(operation, [&] {
      log_->append(kind, ++last_, payload);
      log_->write(Durability::synced);
    });
    logged_bytes_.fetch_add(payload.size() + record_head_bytes, std::memory_order_relaxed);
  }

  /// Everything that was logged is on disk when it returns.
  void sync_alone(const char* operation) {
    poisons(operation, [&] { log_->sync(); });
  }

  /// The segments that `forget_alone` will let go of.
  [[nodiscard]] std::vector<ClosedSegment> closed_alone(std::uint64_t sequence) const {
    return log_->closed(sequence);
  }

  /// Lets go of the entries up to `sequence`, `bytes` of batches.
  void forget_alone(std::uint64_t sequence, std::uint64_t bytes) {
    log_->forget(sequence);
    logged_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    counters_.look_at(*log_);
  }

  /// What was logged is done.
  void applied_alone() noexcept { applied_.store(last_, std::memory_order_release); }

  /// Throws `invalid_argument` where there is no such tree, or it is the layer's own.
  void check_tree(const Next& next, Tree tree, const char* operation) {
    if (tree != own_tree_ || below_is_volatile) {
      if (trees_.has(tree)) return;
      trees_.refresh(next.trees());  // It may have been opened below.
      if (trees_.has(tree)) return;
    }
    throw Error(ErrorKind::invalid_argument,
                {.message = "there is no such tree, or it is the log's own; open_tree gives one by "
                            "its name",
                 .operation = operation,
                 .tree = "#" + std::to_string(tree.id()),
                 .layer = "wal"});
  }

  /// Runs `act`; where it throws nothing more is written to the store, and what the caller wanted
  /// may or may not have happened.
  template <class Act>
  void poisons(const char* operation, Act act) {
    try {
      act();
    } catch (const std::exception& failure) {
      throw poison_.set(operation, failure.what());
    } catch (...) {
      static_cast<void>(poison_.set(operation, "unknown"));
      throw;
    }
  }

  // What follows is for anybody.

  [[nodiscard]] std::uint64_t applied() const noexcept {
    return applied_.load(std::memory_order_acquire);
  }

  /// The place of `applied()`, for those who read the log beside the leader.
  [[nodiscard]] const std::atomic<std::uint64_t>& applied_place() const noexcept {
    return applied_;
  }

  /// Of entries that were logged and that `forget_alone` did not let go of.
  [[nodiscard]] std::uint64_t logged_bytes() const noexcept {
    return logged_bytes_.load(std::memory_order_relaxed);
  }

  /// As it was when something was last written or forgotten.
  [[nodiscard]] WalStatistics statistics() const noexcept { return counters_.get(); }

  /// Copies segments into the archive. One thread at a time, beside writers.
  void archive(const std::vector<ClosedSegment>& segments) {
    for (const ClosedSegment& segment : segments) log_->archive().keep(segment);
  }

  [[nodiscard]] Tree own_tree() const noexcept { return own_tree_; }

  void check_writable(const char* operation) const { poison_.check(operation); }

  /// The record that says up to where the engine below has what was logged.
  [[nodiscard]] static std::string sequence_value(std::uint64_t sequence) {
    std::string value;
    append_number(value, sequence);
    return value;
  }

  /// A child of `fork()` has the files of its parent, which goes on to write them, and its locks as
  /// they were: throws `invalid_argument` there, before any lock is taken.
  void check_process(const char* operation) const { process_.check(operation, "wal"); }

  /// Whether this is such a child's copy, which must not be destroyed.
  [[nodiscard]] bool in_child() const noexcept { return process_.left(); }

  /// Ends the thread that syncs, where there is one.
  void stop_interval() noexcept { interval_.reset(); }

 private:
  /// What fails here is told to who writes next.
  void sync_by_itself() noexcept {
    queue_.alone([&] {
      try {
        check_writable("sync");
        sync_alone("sync");
      } catch (...) {
      }
    });
  }

  void submit(Next& next, CommitRequest& request) {
    check_process("write");
    queue_.submit(request, [&](CommitRequest* first) { lead(next, first); });
  }

  void lead(Next& next, CommitRequest* first) noexcept {
    while (first != nullptr) {
      CommitRequest* const end = end_of_group(first);
      try {
        if (first->work != nullptr) {
          first->work(first->argument);
        } else {
          write_group(next, first, end);
        }
      } catch (...) {
        fail_group(first, end, std::current_exception());
      }
      while (first != end) {
        CommitRequest* const following = first->next;
        CommitQueue::finish(*first);
        first = following;
      }
    }
  }

  /// Work, and a batch that drops trees, are groups by themselves.
  [[nodiscard]] static CommitRequest* end_of_group(const CommitRequest* first) noexcept {
    if (first->work != nullptr || !first->dropped.empty()) return first->next;
    std::size_t bytes = first->batch->bytes().size();
    CommitRequest* end = first->next;
    while (end != nullptr && end->work == nullptr && end->dropped.empty()) {
      bytes += end->batch->bytes().size();
      if (bytes > group_bytes) break;
      end = end->next;
    }
    return end;
  }

  static void fail_group(CommitRequest* first, const CommitRequest* end,
                         const std::exception_ptr& failure) noexcept {
    for (CommitRequest* at = first; at != end; at = at->next) {
      if (!at->failure) at->failure = failure;
    }
  }

  void write_group(Next& next, CommitRequest* first, CommitRequest* end) {
    check_writable("write");
    for (CommitRequest* at = first; at != end; at = at->next) {
      try {
        check_trees(next, *at);
      } catch (...) {
        at->failure = std::current_exception();
      }
    }
    poisons("write", [&] {
      if (!log_group(first, end)) return;
      apply_group(next, first, end);
      applied_.store(last_, std::memory_order_release);
    });
  }

  /// Answers whether there was anything to log.
  bool log_group(const CommitRequest* first, const CommitRequest* end) {
    bool synced = false;
    std::uint64_t bytes = 0;
    std::uint64_t batches = 0;
    for (const CommitRequest* at = first; at != end; at = at->next) {
      if (at->failure) continue;
      if (at->dropped.empty()) {
        log_->append(LogEntryKind::batch, last_ + 1, at->batch->bytes());
      } else {
        log_->append(LogEntryKind::batch_and_drop, last_ + 1,
                     batch_and_drop_payload(*at->batch, at->dropped));
      }
      ++last_;
      synced = synced || at->synced;
      bytes += at->batch->bytes().size() + record_head_bytes;
      ++batches;
    }
    if (batches == 0) return false;
    const bool at_once = synced && options_.sync == WalSync::always;
    log_->write(at_once ? Durability::synced : Durability::buffered);
    if (interval_ && log_->durable_sequence() != last_) interval_->wrote();
    logged_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    counters_.logged(batches, *log_);
    return true;
  }

  void apply_group(Next& next, const CommitRequest* first, const CommitRequest* end) {
    if constexpr (TransactionalDropEngine<Next>) {
      if (!first->dropped.empty()) {
        merge(first, end);
        next.write_and_drop(merged_, first->dropped, Durability::buffered);
        for (const Tree tree : first->dropped) trees_.remove(tree);
        return;
      }
    }
    if constexpr (below_is_volatile) {
      if (first->next == end) return next.write(*first->batch, Durability::buffered);
    }
    merge(first, end);
    next.write(merged_, Durability::buffered);
  }

  void merge(const CommitRequest* first, const CommitRequest* end) {
    merged_.clear();
    for (const CommitRequest* at = first; at != end; at = at->next) {
      if (!at->failure) merged_.append(*at->batch);
    }
    if constexpr (!below_is_volatile) {
      merged_.put(own_tree_, wal_applied_key, sequence_value(last_));
    }
  }

  /// Refuses a batch on a tree that is not there, before it is logged.
  void check_trees(const Next& next, const CommitRequest& request) {
    Tree good = own_tree_;
    for (const WriteOp op : *request.batch) {
      if (op.tree == good && good != own_tree_) continue;
      check_tree(next, op.tree, "write");
      good = op.tree;
    }
    for (const Tree tree : request.dropped) check_tree(next, tree, "write_and_drop");
  }

  WalOptions options_;
  OwnProcess process_;
  CommitQueue queue_;
  std::unique_ptr<LogWriter<FS>> log_;
  LiveTrees trees_;
  Tree own_tree_;
  WriteBatch merged_;
  std::uint64_t last_;  ///< the last sequence that was given
  std::atomic<std::uint64_t> applied_;
  std::atomic<std::uint64_t> logged_bytes_{0};
  WalCounters counters_;
  WalPoison poison_;
  std::optional<IntervalSync> interval_;  // last: its thread uses the others
};

}  // namespace varve::detail
