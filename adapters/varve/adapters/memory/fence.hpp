// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__SANITIZE_THREAD__)
#define VARVE_MEMORY_PLAIN_FENCES 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define VARVE_MEMORY_PLAIN_FENCES 1
#endif
#endif

namespace varve::detail::memory {

/// Whether the system lets one thread put a full fence into all others (Linux 4.14), so that
/// readers, who need one for each read, go without.
inline bool register_remote_fences() noexcept {
#if defined(__linux__) && !defined(VARVE_MEMORY_PLAIN_FENCES)
  return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
#else
  return false;
#endif
}

inline const bool has_remote_fences = register_remote_fences();

/// Orders the store of each reader's announcement before what it loads next, as seen by the caller.
/// False where the system refused: the caller then knows nothing about the readers.
[[nodiscard]] inline bool fence_readers() noexcept {
#if defined(__linux__) && !defined(VARVE_MEMORY_PLAIN_FENCES)
  if (has_remote_fences) {
    return ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
  }
#endif
  return true;
}

/// The reader's side: stores `value` before any later sequentially consistent load.
template <class T>
void announce(std::atomic<T>& place, T value) noexcept {
  if (has_remote_fences) {
    place.store(value, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } else {
    place.store(value, std::memory_order_seq_cst);
  }
}

}  // namespace varve::detail::memory
