// SPDX-License-Identifier: Apache-2.0
#pragma once

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace varve::lmdb {

/// Lets one thread make every running thread of the process pass a memory barrier, so that the
/// others, who are many, need none.
class MemoryBarrier {
 public:
  MemoryBarrier() noexcept {
#if defined(__linux__)
    works_ = ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
#endif
  }

  /// Whether the system can do that.
  [[nodiscard]] bool works() const noexcept { return works_; }

  /// Whether it was done.
  [[nodiscard]] bool pass() const noexcept {
#if defined(__linux__)
    return works_ && ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
#else
    return false;
#endif
  }

 private:
  bool works_ = false;
};

}  // namespace varve::lmdb
