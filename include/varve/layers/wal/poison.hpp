// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>

#include <atomic>
#include <mutex>
#include <string>
#include <utility>

namespace varve::detail {

/// Whether a write failed, after which nothing more is written.
///
/// Threads  any.
class WalPoison {
 public:
  /// Throws `poisoned` where `set` was called.
  void check(const char* operation) const {
    if (!poisoned_.load(std::memory_order_acquire)) return;
    const std::lock_guard lock(mutex_);
    throw Error(ErrorKind::poisoned,
                {.message = "an earlier write failed, so nothing more is written; mend the cause "
                            "and open the store again, which decides what became of that write",
                 .operation = operation,
                 .layer = "wal",
                 .engine_text = reason_});
  }

  /// Answers the error of the operation that failed.
  [[nodiscard]] Error set(const char* operation, std::string reason) {
    {
      const std::lock_guard lock(mutex_);
      if (!poisoned_.load(std::memory_order_relaxed)) reason_ = reason;
      poisoned_.store(true, std::memory_order_release);
    }
    return Error(
        ErrorKind::indeterminate,
        {.message = "the write failed on its way to disk; it may or may not be there after "
                    "reopening, and until then the store answers reads and refuses writes",
         .operation = operation,
         .layer = "wal",
         .engine_text = std::move(reason)});
  }

 private:
  std::atomic<bool> poisoned_{false};
  mutable std::mutex mutex_;
  std::string reason_;
};

}  // namespace varve::detail
