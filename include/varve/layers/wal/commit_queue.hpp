// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/tree.hpp>
#include <varve/concepts/write_batch.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <span>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

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
/// leading takes all requests that are there, and those that come meanwhile are the next group.
///
/// Threads  any.
class CommitQueue {
 public:
  /// Has `request` done by this thread or another; rethrows its failure. `lead(first)` does the
  /// requests from `first` on in order, calls `finish` for each, and does not throw.
  template <class Lead>
  void submit(CommitRequest& request, Lead lead) {
    push(request);
    while (!request.done.load(std::memory_order_acquire)) {
      if (!leading_.exchange(true, std::memory_order_acquire)) {
        if (CommitRequest* const first = take_all()) lead(first);
        step_down();
      } else {
        wait(request);
      }
    }
    if (request.failure) std::rethrow_exception(request.failure);
  }

  /// Does `work()`, which does not throw, while nobody leads, and leads nobody.
  template <class Work>
  void alone(Work work) noexcept {
    while (leading_.exchange(true, std::memory_order_acquire)) {
      const int epoch = epoch_.load(std::memory_order_seq_cst);
      if (leading_.load(std::memory_order_acquire)) epoch_.wait(epoch, std::memory_order_acquire);
    }
    work();
    step_down();
  }

  /// The request is the other thread's again, and may be gone at once.
  static void finish(CommitRequest& request) noexcept {
    request.done.store(true, std::memory_order_release);
  }

 private:
  void step_down() noexcept {
    leading_.store(false, std::memory_order_release);
    epoch_.fetch_add(1, std::memory_order_seq_cst);
    epoch_.notify_all();
  }

  void push(CommitRequest& request) noexcept {
    request.next = waiting_.load(std::memory_order_relaxed);
    while (!waiting_.compare_exchange_weak(request.next, &request, std::memory_order_release,
                                           std::memory_order_relaxed)) {
    }
  }

  /// All that wait, the first to come first.
  [[nodiscard]] CommitRequest* take_all() noexcept {
    CommitRequest* newest = waiting_.exchange(nullptr, std::memory_order_acquire);
    CommitRequest* first = nullptr;
    while (newest != nullptr) {
      CommitRequest* const older = newest->next;
      newest->next = first;
      first = newest;
      newest = older;
    }
    return first;
  }

  // The leader leaves its place before it moves the epoch: who reads the epoch first and then still
  // sees a leader is woken by that one.
  void wait(const CommitRequest& request) const noexcept {
    const auto over = [&] {
      return request.done.load(std::memory_order_acquire) ||
             !leading_.load(std::memory_order_acquire);
    };
    for (int spin = 0; spin < 100; ++spin) {
      if (over()) return;
#if defined(__x86_64__) || defined(__i386__)
      _mm_pause();
#endif
    }
    const int epoch = epoch_.load(std::memory_order_seq_cst);
    if (!over()) epoch_.wait(epoch, std::memory_order_acquire);
  }

  alignas(64) std::atomic<CommitRequest*> waiting_{nullptr};
  alignas(64) std::atomic<bool> leading_{false};
  alignas(64) std::atomic<int> epoch_{0};  // an int, for which the library waits on a futex itself
};

}  // namespace varve::detail
