// SPDX-License-Identifier: Apache-2.0
#include <varve/concepts/error.hpp>
#include <varve/concepts/limits.hpp>

#include "catch.hpp"

#include <string>
#include <type_traits>

using namespace varve;

static_assert(std::is_nothrow_copy_constructible_v<Error>);

TEST_CASE("Error: says what, where and what the engine said") {
  const Error error(ErrorKind::no_space, {.message = "the disk is full; make room",
                                          .operation = "write",
                                          .tree = "users",
                                          .layer = "lmdb",
                                          .engine_code = -30792,
                                          .engine_text = "MDB_MAP_FULL"});
  CHECK(std::string(error.what()) ==
        "varve: no_space: write of tree 'users' in lmdb: the disk is full; make room "
        "[MDB_MAP_FULL (code -30792)]");
  CHECK(error.kind() == ErrorKind::no_space);
  CHECK(error.details().engine_code == -30792);
}

TEST_CASE("Error: leaves out what it does not know") {
  CHECK(std::string(Error(ErrorKind::io, {.message = "gone"}).what()) == "varve: io: gone");
  CHECK(std::string(Error(ErrorKind::io, {.message = "gone", .layer = "wal"}).what()) ==
        "varve: io: in wal: gone");
}

TEST_CASE("Error: copies share their text and outlive the original") {
  Error copy(ErrorKind::io, {.message = "first"});
  {
    const Error other(ErrorKind::busy, {.message = "second"});
    const Error third = other;
    copy = third;
  }
  CHECK(std::string(copy.what()) == "varve: busy: second");
  CHECK(copy.retryable());
  const Error& same = copy;
  copy = same;
  CHECK(std::string(copy.what()) == "varve: busy: second");
}

TEST_CASE("Error: every kind has a name of its own") {
  std::string names;
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::schema_loss); ++kind) {
    const std::string name(to_string(static_cast<ErrorKind>(kind)));
    CHECK(name != "unknown");
    CHECK(names.find("<" + name + ">") == std::string::npos);
    names += "<" + name + ">";
  }
}

TEST_CASE("check_tree_name: takes 1 to 255 bytes without control characters") {
  CHECK_NOTHROW(check_tree_name("a", "x"));
  CHECK_NOTHROW(check_tree_name(std::string(255, 'a'), "x"));
  CHECK_NOTHROW(check_tree_name("m\xc3\xbcsli and more", "x"));
  for (const std::string& bad : {std::string(), std::string(256, 'a'), std::string("a\0b", 3),
                                 std::string("a\n"), std::string("\x7f")}) {
    CHECK_THROWS_AS(check_tree_name(bad, "x"), Error);
  }
}
