// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/history/height.hpp>
#include <varve/history/records.hpp>
#include <varve/history/statistics.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <utility>

namespace varve::detail::history {

/// What a step adds to the statistics.
struct StepCounts {
  std::uint64_t commits = 0;
  std::uint64_t changed = 0;
  std::uint64_t pruned = 0;
  std::uint64_t rolled_back = 0;
  std::uint64_t commit_nanoseconds = 0;
  std::uint64_t prune_nanoseconds = 0;
};

/// Where history stands: the head, as the last write left it.
///
/// Threads  `head`, `publish` and `doubt`: one at a time. The others: any, at once with those.
class Standing {
 public:
  [[nodiscard]] const Head& head() const noexcept { return head_; }

  [[nodiscard]] Height latest() const noexcept { return {latest_.load(std::memory_order_acquire)}; }
  [[nodiscard]] Height oldest() const noexcept { return {oldest_.load(std::memory_order_acquire)}; }

  /// Another number after each height that is committed or taken back.
  [[nodiscard]] std::uint64_t state() const noexcept {
    return state_.load(std::memory_order_acquire);
  }

  /// Whether nobody knows if the last write was done. `publish` settles it.
  [[nodiscard]] bool in_doubt() const noexcept { return in_doubt_.load(std::memory_order_acquire); }
  void doubt() noexcept { in_doubt_.store(true, std::memory_order_release); }

  [[nodiscard]] VersionedStatistics statistics() const {
    const std::lock_guard lock(mutex_);
    return shown_;
  }

  /// The store holds this head now.
  void publish(Head head, const StepCounts& counts) {
    if (head.latest != head_.latest) state_.fetch_add(1, std::memory_order_release);
    head_ = std::move(head);
    latest_.store(head_.latest, std::memory_order_release);
    oldest_.store(head_.oldest, std::memory_order_release);
    in_doubt_.store(false, std::memory_order_release);
    const std::lock_guard lock(mutex_);
    shown_.oldest = {head_.oldest};
    shown_.latest = {head_.latest};
    shown_.heights = head_.heights;
    shown_.entries = head_.entries;
    shown_.bytes = head_.bytes;
    shown_.waiting = head_.waiting;
    shown_.commits += counts.commits;
    shown_.changed += counts.changed;
    shown_.pruned += counts.pruned;
    shown_.rolled_back += counts.rolled_back;
    shown_.commit_nanoseconds += counts.commit_nanoseconds;
    shown_.prune_nanoseconds += counts.prune_nanoseconds;
  }

 private:
  Head head_;

  std::atomic<std::uint64_t> latest_{0};
  std::atomic<std::uint64_t> oldest_{0};
  std::atomic<std::uint64_t> state_{0};
  std::atomic<bool> in_doubt_{false};

  mutable std::mutex mutex_;
  VersionedStatistics shown_;
};

}  // namespace varve::detail::history
