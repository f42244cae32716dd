// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <string>

namespace varve::support {

/// The number of forks between the first process of the program and this one, as far as a guard was
/// there to count them.
inline std::atomic<std::uint32_t> fork_generation{0};

/// Tells an engine whether it is still in the process that opened it. An engine's locks, threads
/// and maps do not survive `fork()`; a child that used or closed them would harm its parent's
/// files.
///
/// A destructor asks `in_child()` and, where that is so, leaks what it owns.
/// Safe to use from several threads. `check` costs a load and a compare.
class ForkGuard {
 public:
  ForkGuard() : generation_(current()) {}

  /// Whether this process is a child, by `fork()`, of the one that made the guard.
  [[nodiscard]] bool in_child() const noexcept {
    return fork_generation.load(std::memory_order_relaxed) != generation_;
  }

  /// Throws `invalid_argument` where `in_child()`.
  void check(const char* operation, BytesView layer) const {
    if (in_child()) [[unlikely]]
      refuse(operation, layer);
  }

 private:
  static std::uint32_t current() {
    static const int registered = ::pthread_atfork(
        nullptr, nullptr, [] { fork_generation.fetch_add(1, std::memory_order_relaxed); });
    if (registered != 0) {
      throw Error(ErrorKind::io, {.message = "no memory to watch for fork()",
                                  .operation = "open",
                                  .engine_code = registered});
    }
    return fork_generation.load(std::memory_order_relaxed);
  }

  [[noreturn, gnu::cold, gnu::noinline]] static void refuse(const char* operation,
                                                            BytesView layer) {
    throw Error(ErrorKind::invalid_argument,
                {.message = "the store was opened in another process (fork); open it in this one "
                            "after the parent has closed it",
                 .operation = operation,
                 .layer = std::string(layer)});
  }

  std::uint32_t generation_;
};

}  // namespace varve::support
