// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/tree.hpp>
#include <varve/concepts/write_batch.hpp>
#include <varve/io/futex.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <thread>

namespace varve::detail {

/// What one thread wants done, in its turn: a batch, or work that is done while nothing else is.
/// Lives on that thread's stack.
struct CommitRequest {
  const WriteBatch* batch = nullptr;
  std::span<const Tree> dropped{};
  bool synced = true;

  void (*work)(void* argument) = nullptr;
  void* argument = nullptr;

  std::exception_ptr failure{};
  CommitRequest* next = nullptr;
  std::atomic<bool> done{false};
};

/// Makes one of the threads that come the leader of all that wait, with no timers: who finds nobody
/// leading takes all requests that are there, a group, and those that come meanwhile are the next.
/// Only a group that is done is woken, and one thread where a new leader is needed.
///
/// Threads  any.
class CommitQueue {
 public:
  /// Has `request` done by this thread or another; rethrows its failure. `lead(first)` does the
  /// requests from `first` on in order, calls `finish` for each, and does not throw.
  template <class Lead>
  void submit(CommitRequest& request, Lead lead) {
    std::uint32_t group = push(request);
    while (!request.done.load(std::memory_order_acquire)) {
      const std::uint32_t seen = done_[group % 2].value();
      if (request.done.load(std::memory_order_acquire)) break;
      if (is_done(group)) {
        ++group;
      } else if (!leading_.exchange(true, std::memory_order_seq_cst)) {
        lead_groups(lead);
      } else {
        done_[group % 2].wait(seen);
      }
    }
    if (request.failure) std::rethrow_exception(request.failure);
  }

  /// Does `work()`, which does not throw, while nobody leads, and leads nobody.
  template <class Work>
  void alone(Work work) noexcept {
    loners_.fetch_add(1, std::memory_order_seq_cst);
    for (;;) {
      const std::uint32_t seen = free_.value();
      if (!leading_.exchange(true, std::memory_order_seq_cst)) break;
      free_.wait(seen);
    }
    loners_.fetch_sub(1, std::memory_order_seq_cst);
    work();
    step_down();
  }

  /// The request is the other thread's again, and may be gone at once.
  static void finish(CommitRequest& request) noexcept {
    request.done.store(true, std::memory_order_release);
  }

 private:
  /// So many groups one leader does: its own caller waits for the others.
  static constexpr int groups_of_leader = 2;

  /// Answers the number of the group that the request will be in; where that cannot be told, the
  /// one before may be meant.
  [[nodiscard]] std::uint32_t push(CommitRequest& request) noexcept {
    const std::uint32_t before = takes_.load(std::memory_order_seq_cst);
    request.next = waiting_.load(std::memory_order_relaxed);
    while (!waiting_.compare_exchange_weak(request.next, &request, std::memory_order_seq_cst,
                                           std::memory_order_relaxed)) {
    }
    const std::uint32_t after = takes_.load(std::memory_order_seq_cst);
    return before == after && before % 2 == 0 ? after / 2 + 1 : (after + 1) / 2;
  }

  [[nodiscard]] bool is_done(std::uint32_t group) const noexcept {
    return static_cast<std::int32_t>(groups_done_.load(std::memory_order_seq_cst) - group) >= 0;
  }

  template <class Lead>
  void lead_groups(Lead& lead) noexcept {
    for (int i = 0; i < groups_of_leader && waiting_.load(std::memory_order_seq_cst) != nullptr;
         ++i) {
      // Those who were just woken come again if they may: the group is the larger, and disks take a
      // group as fast as one. Who leads alone does not let go of the processor.
      if (taken_ > 1) std::this_thread::yield();
      lead(take_all());
      const std::uint32_t group = takes_.load(std::memory_order_relaxed) / 2;
      groups_done_.store(group, std::memory_order_seq_cst);
      done_[group % 2].change();
      done_[group % 2].wake_all();
      if (loners_.load(std::memory_order_seq_cst) != 0) break;
    }
    step_down();
  }

  /// All that wait, the first to come first. `takes_` is odd meanwhile.
  [[nodiscard]] CommitRequest* take_all() noexcept {
    takes_.fetch_add(1, std::memory_order_seq_cst);
    CommitRequest* newest = waiting_.exchange(nullptr, std::memory_order_seq_cst);
    takes_.fetch_add(1, std::memory_order_seq_cst);
    CommitRequest* first = nullptr;
    taken_ = 0;
    while (newest != nullptr) {
      CommitRequest* const older = newest->next;
      newest->next = first;
      first = newest;
      newest = older;
      ++taken_;
    }
    return first;
  }

  /// Leaves the lead first and looks who waits then: who came before that is woken, and who comes
  /// after it finds nobody leading.
  void step_down() noexcept {
    const std::uint32_t following = takes_.load(std::memory_order_relaxed) / 2 + 1;
    leading_.store(false, std::memory_order_seq_cst);
    if (loners_.load(std::memory_order_seq_cst) != 0) {
      free_.change();
      free_.wake_one();
    }
    if (waiting_.load(std::memory_order_seq_cst) != nullptr) {
      done_[following % 2].change();
      done_[following % 2].wake_one();
    }
  }

  alignas(64) std::atomic<CommitRequest*> waiting_{nullptr};
  std::atomic<std::uint32_t> takes_{0};  ///< twice the groups that were taken
  alignas(64) std::atomic<bool> leading_{false};
  std::atomic<std::uint32_t> groups_done_{0};
  std::atomic<int> loners_{0};
  alignas(64) Futex done_[2];  ///< of the groups with even numbers and with odd ones
  Futex free_;
  std::size_t taken_ = 0;  ///< requests in the last group; the leader's
};

}  // namespace varve::detail
