// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/laws/support.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace varve::testing::detail {

/// Threads that do their work again and again at once, until the time is up or one of them fails.
class Race {
 public:
  explicit Race(std::chrono::milliseconds duration)
      : end_(std::chrono::steady_clock::now() + duration) {}

  Race(const Race&) = delete;
  Race& operator=(const Race&) = delete;
  ~Race() { join(); }

  /// Starts a thread that calls `work(round)` with 1, 2 and so on, at least once.
  template <class Work>
  void start(Work work) {
    threads_.emplace_back([this, work = std::move(work)]() mutable {
      try {
        for (std::uint64_t round = 1; round == 1 || goes_on(); ++round) work(round);
      } catch (const Broken& broken) {
        stop(broken.evidence);
      } catch (const std::exception& error) {
        stop(std::string("it threw ") + error.what());
      }
    });
  }

  /// Waits for all threads, and throws the first failure.
  void finish() {
    join();
    if (evidence_) fail(*evidence_);
  }

 private:
  [[nodiscard]] bool goes_on() const {
    return !stopped_.load(std::memory_order_relaxed) && std::chrono::steady_clock::now() < end_;
  }

  void stop(std::string evidence) {
    const std::lock_guard lock(mutex_);
    if (!evidence_) evidence_ = std::move(evidence);
    stopped_.store(true, std::memory_order_relaxed);
  }

  void join() {
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  std::chrono::steady_clock::time_point end_;
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::optional<std::string> evidence_;
  std::vector<std::thread> threads_;
};

/// Now and then a write is synced.
inline Durability durability_of(std::uint64_t round) {
  return round % 16 == 0 ? Durability::synced : Durability::buffered;
}

/// Raises `highest` to `number`.
inline void raise(std::atomic<std::uint64_t>& highest, std::uint64_t number) {
  std::uint64_t seen = highest.load(std::memory_order_acquire);
  while (seen < number && !highest.compare_exchange_weak(seen, number, std::memory_order_acq_rel)) {
  }
}

}  // namespace varve::testing::detail
