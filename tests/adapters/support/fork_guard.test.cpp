// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/support/fork_guard.hpp>

#include "catch.hpp"
#include "child.hpp"

namespace {

using varve::Error;
using varve::ErrorKind;
using varve::support::ForkGuard;
using varve_test::child_succeeds;

}  // namespace

TEST_CASE("ForkGuard: the process that made it may go on, a child may not") {
  const ForkGuard guard;
  CHECK_NOTHROW(guard.check("get", "test"));
  CHECK(child_succeeds([&] {
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
  CHECK(child_succeeds([&] {
    const ForkGuard own;
    return parents.in_child() && !own.in_child() &&
           child_succeeds([&] { return own.in_child() && parents.in_child(); });
  }));
}
