// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catch.hpp"

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>

/// Children of the process of a test: for what a process does not leave, for what it may not do in
/// the child of another, and for how it ends.
namespace varve_test {

/// Runs `body` in a child of this process, which ends with 0 where it answers true; what it throws
/// is said. Answers the child. It has none of the threads of this process: it may open an engine
/// where this process has none open.
template <class Body>
[[nodiscard]] pid_t start_child(Body&& body) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child != 0) return child;
  std::signal(SIGABRT, SIG_DFL);  // Catch2 has a handler of its own
  int code = 1;
  try {
    code = body() ? 0 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "child: %s\n", error.what());
  }
  ::_exit(code);
}

/// How it ended, as `waitpid` says it.
[[nodiscard]] inline int wait_for(pid_t child) {
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

/// Whether `body` answers true in a child of this process.
template <class Body>
[[nodiscard]] bool child_succeeds(Body&& body) {
  return wait_for(start_child(std::forward<Body>(body))) == 0;
}

/// What is said of a child that did not end with 0.
[[nodiscard]] inline std::string ended_with(int status) {
  return " (ended with the status " + std::to_string(status) + ")";
}

/// What `body` answers in a child of this process. A child that throws, or dies, has said so.
template <class Body>
[[nodiscard]] std::string in_child(Body&& body) {
  // Not a pipe: `body` may have it that nothing can be written.
  int ends[2] = {};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const pid_t child = start_child([&] {
    std::string said;
    try {
      said = body();
    } catch (const std::exception& error) {
      said = std::string("threw ") + error.what();
    }
    return ::send(ends[1], said.data(), said.size(), 0) >= 0;
  });
  ::close(ends[1]);
  std::string said(4096, '\0');
  const ssize_t size = ::read(ends[0], said.data(), said.size());
  said.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  ::close(ends[0]);
  if (const int status = wait_for(child); status != 0) said += ended_with(status);
  return said;
}

/// A child that has run `body`, holds what that answers, and sleeps until it is killed.
class Sleeper {
 public:
  template <class Body>
  explicit Sleeper(Body&& body) {
    int ends[2] = {};
    REQUIRE(::pipe(ends) == 0);
    pid_ = start_child([&] {
      [[maybe_unused]] const auto held = body();
      if (::write(ends[1], "r", 1) != 1) return false;
      for (;;) ::pause();
    });
    ::close(ends[1]);
    char ready = 0;
    REQUIRE(::read(ends[0], &ready, 1) == 1);
    ::close(ends[0]);
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  ~Sleeper() { kill(); }

  void kill() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

 private:
  pid_t pid_ = -1;
};

}  // namespace varve_test
