// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <utility>

namespace varve::detail::rocks {

/// Lets any number of threads change what is in the trees, or one thread alone: while it drops a
/// tree, for RocksDB takes a batch for a tree that is gone as a failure of its own memory; or while
/// it looks for the last key of a tree that it is to empty.
///
/// Whoever wants to be alone gets in before those who come later.
class ChangeGate {
 public:
  class Alone {
   public:
    explicit Alone(ChangeGate& gate) : turn_(gate.turn_) {
      gate.waiting_.fetch_add(1, std::memory_order_relaxed);
      all_ = std::unique_lock(gate.mutex_);
      gate.waiting_.fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    std::unique_lock<std::mutex> turn_;
    std::unique_lock<std::shared_mutex> all_;
  };

  [[nodiscard]] std::shared_lock<std::shared_mutex> share() {
    if (waiting_.load(std::memory_order_relaxed) != 0) [[unlikely]] {
      const std::lock_guard queue(turn_);
    }
    return std::shared_lock(mutex_);
  }

  [[nodiscard]] Alone alone() { return Alone(*this); }

 private:
  std::shared_mutex mutex_;
  std::mutex turn_;
  std::atomic<int> waiting_{0};
};

}  // namespace varve::detail::rocks
