// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/support/fork_guard.hpp>

#include "catch.hpp"

#include <sys/wait.h>
#include <unistd.h>

namespace {

using varve::Error;
using varve::ErrorKind;
using varve::support::ForkGuard;

/// Runs `body` in a child of this process; whether it answered yes.
template <class Body>
bool in_child_process(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body() ? 0 : 1);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("ForkGuard: the process that made it may go on, a child may not") {
  const ForkGuard guard;
  CHECK_NOTHROW(guard.check("get", "test"));
  CHECK(in_child_process([&] {
    if (!guard.in_child()) return false;
    try {
      guard.check("get", "test");
    } catch (const Error& error) {
      return error.kind() == ErrorKind::invalid_argument && error.details().operation == "get" &&
             error.details().layer == "test";
    }
    return false;
  }));
  CHECK_FALSE(guard.in_child());
  CHECK_NOTHROW(guard.check("get", "test"));
}

TEST_CASE("ForkGuard: one made in a child is the child's own") {
  const ForkGuard parents;
  CHECK(in_child_process([&] {
    const ForkGuard own;
    return parents.in_child() && !own.in_child() &&
           in_child_process([&] { return own.in_child() && parents.in_child(); });
  }));
}
