// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/error.hpp>
#include <varve/concepts/durability.hpp>
#include <varve/concepts/error.hpp>
#include <varve/concepts/tree.hpp>
#include <varve/concepts/write_batch.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <span>

namespace varve::lmdb {

/// A number of this thread that no other gets, even when this one has ended, unlike
/// `std::thread::id`. Never 0.
[[nodiscard]] inline std::uint64_t number_of_this_thread() noexcept {
  static constinit std::atomic<std::uint64_t> last{0};
  static constinit thread_local std::uint64_t number = 0;
  if (number == 0) number = last.fetch_add(1, std::memory_order_relaxed) + 1;
  return number;
}

/// Somebody who wants to write: a batch, which may share its transaction with others, or whoever
/// needs the writer's place alone.
struct WriteRequest {
  const WriteBatch* batch = nullptr;  ///< null: alone
  std::span<const Tree> dropped{};    ///< not empty: alone
  Durability durability = Durability::synced;
  std::uint64_t drops_seen = 0;  ///< how many trees had been dropped when the batch was checked

  bool refused = false;  ///< by a check; `failure` says why
  std::exception_ptr failure{};

  WriteRequest* next = nullptr;
  bool leads = false;
  bool done = false;
  std::condition_variable changed{};

  [[nodiscard]] bool alone() const noexcept { return batch == nullptr || !dropped.empty(); }
};

/// The line of those who want to write. The first leads: it takes the batches that wait behind it
/// into its own transaction, commits once, and wakes them; those that came meanwhile make the next
/// group. So the more wait for the disk, the fewer times it is waited for.
class CommitQueue {
 public:
  CommitQueue() = default;
  CommitQueue(const CommitQueue&) = delete;
  CommitQueue& operator=(const CommitQueue&) = delete;

  /// Waits until `request` is done by somebody else (false) or leads (true); who leads calls
  /// `leave`. Throws `busy` where this thread has a bulk loader in the writer's place.
  [[nodiscard]] bool enter(WriteRequest& request, const char* operation) {
    std::unique_lock lock(mutex_);
    refuse_own_loader(operation);
    if (!taken_) {
      taken_ = true;
      request.leads = true;
      return true;
    }
    (last_ == nullptr ? first_ : last_->next) = &request;
    last_ = &request;
    request.changed.wait(lock, [&] { return request.done || request.leads; });
    return request.leads;
  }

  /// The group that `leader` leads: itself and, linked by `next`, the batches that wait.
  void gather(WriteRequest& leader) {
    leader.next = nullptr;
    if (leader.alone()) return;
    const std::lock_guard lock(mutex_);
    WriteRequest* last = &leader;
    std::size_t bytes = leader.batch->bytes().size();
    while (first_ != nullptr && !first_->alone() && bytes < group_bytes) {
      last->next = pop();
      last = last->next;
      last->next = nullptr;
      bytes += last->batch->bytes().size();
    }
  }

  /// Wakes the group and gives the writer's place to the next.
  void leave(WriteRequest* group) noexcept {
    const std::lock_guard lock(mutex_);
    while (group != nullptr) {
      WriteRequest* const next = group->next;
      if (!group->leads) {
        group->done = true;
        group->changed.notify_one();
      }
      group = next;
    }
    if (first_ == nullptr) {
      taken_ = false;
      return;
    }
    WriteRequest* const leader = pop();
    leader->leads = true;
    leader->changed.notify_one();
  }

  /// Says which thread uses the bulk loader that has the writer's place; 0 when it is given up.
  void set_loader(std::uint64_t thread) {
    const std::lock_guard lock(mutex_);
    loader_ = thread;
  }

  /// Throws `busy` where this thread has a bulk loader in the writer's place, for which it would
  /// wait for ever.
  void check_loader(const char* operation) {
    const std::lock_guard lock(mutex_);
    refuse_own_loader(operation);
  }

 private:
  static constexpr std::size_t group_bytes = 16U << 20U;

  void refuse_own_loader(const char* operation) const {
    if (loader_ != number_of_this_thread()) return;
    throw adapter_error(ErrorKind::busy,
                        "this thread has a bulk loader of the store, which keeps everybody else "
                        "from writing; finish or destroy it first",
                        operation);
  }

  WriteRequest* pop() noexcept {
    WriteRequest* const request = first_;
    first_ = request->next;
    if (first_ == nullptr) last_ = nullptr;
    request->next = nullptr;
    return request;
  }

  std::mutex mutex_;
  WriteRequest* first_ = nullptr;
  WriteRequest* last_ = nullptr;
  bool taken_ = false;
  std::uint64_t loader_ = 0;
};

}  // namespace varve::lmdb
