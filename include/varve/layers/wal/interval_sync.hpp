// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace varve::detail {

/// A thread that syncs an interval after the first write that is not on disk. It sleeps while there
/// is none, and ends with the object.
///
/// Threads  `wrote` any.
class IntervalSync {
 public:
  /// `sync()` is called by the thread, and does not throw.
  template <class Sync>
  IntervalSync(std::chrono::milliseconds interval, Sync sync) {
    try {
      thread_ = std::thread([this, interval, sync = std::move(sync)] { run(interval, sync); });
    } catch (const std::system_error& failure) {
      throw Error(ErrorKind::io, {.message = "no thread could be started, which "
                                             "WalSync::interval needs; raise the limit of threads, "
                                             "or use another policy",
                                  .operation = "open",
                                  .layer = "wal",
                                  .engine_code = failure.code().value(),
                                  .engine_text = failure.what()});
    }
  }

  IntervalSync(const IntervalSync&) = delete;
  IntervalSync& operator=(const IntervalSync&) = delete;

  ~IntervalSync() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  /// Something was written that is not on disk. `sync` is called afterwards.
  void wrote() noexcept {
    if (wrote_.load(std::memory_order_relaxed)) return;
    {
      const std::lock_guard lock(mutex_);
      wrote_.store(true, std::memory_order_relaxed);
    }
    wake_.notify_one();
  }

 private:
  template <class Sync>
  void run(std::chrono::milliseconds interval, const Sync& sync) {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return stop_ || wrote_.load(std::memory_order_relaxed); });
      if (wake_.wait_for(lock, interval, [&] { return stop_; })) return;
      wrote_.store(false, std::memory_order_relaxed);
      lock.unlock();
      sync();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;               ///< guarded by `mutex_`
  std::atomic<bool> wrote_{false};  ///< set under `mutex_`
  std::thread thread_;
};

}  // namespace varve::detail
