// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>

#include <sys/types.h>
#include <unistd.h>

namespace varve {

/// Tells an object with threads, locks or files whether it is still in the process that made it. A
/// child of `fork()` has copies of the locks, held for ever by threads that it has not, and of the
/// files, which its parent goes on to write.
///
/// A destructor asks `left()` and, where that is so, leaks what it owns.
/// Threads  any. A question is a system call: not for the path of a read.
class OwnProcess {
 public:
  /// Whether this process is another, by `fork()`, than the one that made the object.
  [[nodiscard]] bool left() const noexcept { return ::getpid() != process_; }

  /// Throws `invalid_argument` where `left()`.
  void check(const char* operation, const char* layer) const {
    if (!left()) return;
    throw Error(ErrorKind::invalid_argument,
                {.message = "the store was opened in another process (fork); open it in this one "
                            "after the parent has closed it",
                 .operation = operation,
                 .layer = layer});
  }

 private:
  pid_t process_ = ::getpid();
};

}  // namespace varve
