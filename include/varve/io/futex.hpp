// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace varve {

/// A number that threads of one process sleep on until it changes; like `std::atomic::wait`, but
/// without turns of the processor spent on the hope that it soon will.
///
/// Threads  any.
class Futex {
 public:
  [[nodiscard]] std::uint32_t value() const noexcept {
    return word_.load(std::memory_order_seq_cst);
  }

  /// Changes the number. Who sleeps sleeps on until woken.
  void change() noexcept { word_.fetch_add(1, std::memory_order_seq_cst); }

  /// Sleeps while the number is `seen`, until woken; also returns for no reason.
  void wait(std::uint32_t seen) const noexcept {
#if defined(__linux__)
    static_cast<void>(::syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0));
#else
    word_.wait(seen, std::memory_order_seq_cst);
#endif
  }

  void wake_one() noexcept {
#if defined(__linux__)
    static_cast<void>(::syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0));
#else
    word_.notify_one();
#endif
  }

  void wake_all() noexcept {
#if defined(__linux__)
    static_cast<void>(
        ::syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 0x7fffffff, nullptr, nullptr, 0));
#else
    word_.notify_all();
#endif
  }

 private:
  static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));
  std::atomic<std::uint32_t> word_{0};
};

}  // namespace varve
