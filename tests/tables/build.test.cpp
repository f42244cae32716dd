// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/operations.hpp>

#include "catch.hpp"
#include "tables/records.hpp"

#include <optional>
#include <string>

using namespace varve_test;
using varve::Error;
using varve::ErrorKind;
using varve::IndexFault;
using varve::IndexState;
using varve::MemoryAdapter;

namespace {

using Bare = varve::Table<"users", varve::Key<&User::name>, User, Plain>;
std::uint32_t decade_of(const User& user) {
  return user.age / 10;
}

using Again = varve::Table<"users", varve::Key<&User::name>, User, Plain,
                           varve::Unique<"by_email", &User::email>,
                           varve::Index<"by_age", &decade_of, varve::revision<2>>>;

template <class Call>
std::optional<ErrorKind> kind_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  return std::nullopt;
}

User user(std::uint32_t number) {
  return {"user" + std::to_string(number), "mail" + std::to_string(number), number % 7};
}

std::string key_of(const std::string& name) {
  std::string key;
  varve::Ordered::encode(name, key);
  return key;
}

}  // namespace

TEST_CASE("Table: an index added later is built in steps while records change") {
  MemoryAdapter store;
  {
    const Bare::On users{store};
    for (std::uint32_t i = 0; i != 50; ++i) users.put(user(i));
  }
  const Users::On users{store};
  CHECK(users.index_state<"by_age">() == IndexState::building);
  CHECK(kind_of([&] { (void)users.by<"by_age">().count(); }) == ErrorKind::busy);
  CHECK(users.verify_indexes().skipped.size() == 2);
  std::uint32_t i = 0;
  do {
    // One before, one behind the place of the building, one new and one that goes.
    users.put({"user" + std::to_string(i % 50), "changed" + std::to_string(i), 9});
    users.put({"user" + std::to_string(49 - i % 50), "turned" + std::to_string(i), 10});
    users.put(user(100 + i));
    users.erase("user" + std::to_string(i * 7 % 50));
    ++i;
  } while (users.build_step(5));
  CHECK(i > 10);
  CHECK(users.index_state<"by_age">() == IndexState::readable);
  const auto report = users.verify_indexes();
  CHECK(report.good());
  CHECK(report.skipped.empty());
  CHECK(report.entries == 2 * report.records);
  CHECK(users.by<"by_age">().count() == users.count());
}

TEST_CASE("Table: an index that is defined otherwise is emptied and built anew") {
  MemoryAdapter store;
  const Users::On before{store};
  for (std::uint32_t i = 0; i != 10; ++i) before.put(user(i));
  const Again::On again{store};
  CHECK(again.index_state<"by_age">() == IndexState::building);
  CHECK(again.index_state<"by_email">() == IndexState::readable);
  CHECK(kind_of([&] { (void)before.by<"by_age">().count(); }) == ErrorKind::busy);
  again.build_indexes();
  CHECK(again.by<"by_age">().count() == 10);
  CHECK(again.by<"by_age">().equal(0U).count() == 10);
  CHECK(again.verify_indexes().good());
}

TEST_CASE("Table: two records that want one entry of a unique index stop its building") {
  MemoryAdapter store;
  {
    const Bare::On users{store};
    users.put({"ann", "same", 1});
    users.put({"bob", "same", 2});
    users.put({"cyd", "other", 3});
  }
  const Users::On users{store};
  try {
    users.build_indexes();
    FAIL("it was built");
  } catch (const varve::UniqueViolation& error) {
    CHECK(error.index() == "by_email");
    CHECK(error.key() != error.held_by());
  }
  CHECK(users.index_state<"by_email">() == IndexState::building);
  users.put({"bob", "own", 2});
  users.build_indexes();
  CHECK(users.by<"by_email">().equal("same").first()->name == "ann");
  CHECK(users.verify_indexes().good());
}

TEST_CASE("Table: while a unique index is built, a record that leaves an entry takes no other's") {
  MemoryAdapter store;
  {
    const Bare::On users{store};
    users.put({"ann", "same", 1});
    users.put({"bob", "same", 2});
  }
  const Users::On users{store};
  CHECK(users.build_step(1));  // ann's
  users.put({"bob", "own", 2});
  users.build_indexes();
  CHECK(users.by<"by_email">().equal("same").first()->name == "ann");
  CHECK(users.verify_indexes().good());
}

TEST_CASE("Table: verify_indexes finds what is missing, extra and wrong, and rebuild mends it") {
  MemoryAdapter store;
  const Users::On users{store};
  const Vertices::On vertices{store};
  for (std::uint32_t i = 0; i != 10; ++i) users.put(user(i));
  vertices.put(vertex(1, 2, 3));
  const varve::Tree by_age = *store.find_tree("users.by_age");
  const varve::Tree by_email = *store.find_tree("users.by_email");

  const auto some = store.scan(by_age, varve::KeyRange::all());
  const std::string missing(some.entry().key);
  std::string extra = varve::leading<std::tuple<std::uint32_t, std::string>>(77U);
  extra += key_of("user5");
  store.write(varve::WriteBatch()
                  .erase(by_age, missing)
                  .put(by_age, extra, "")
                  .put(by_age, "rubbish", "")
                  .put(by_email, key_of("mail3"), "\x06wrong!"));
  auto report = users.verify_indexes();
  CHECK_FALSE(report.good());
  CHECK(report.records == 10);
  CHECK(report.missing == 1);
  CHECK(report.wrong == 1);
  CHECK(report.extra == 3);  // the one that names a record which is not there, too
  bool found_missing = false;
  bool found_extra = false;
  for (const auto& problem : report.problems) {
    found_missing = found_missing || problem == varve::IndexProblem{IndexFault::missing, "by_age",
                                                                    missing, key_of("user0")};
    found_extra = found_extra || problem == varve::IndexProblem{IndexFault::extra, "by_age", extra,
                                                                key_of("user5")};
  }
  CHECK(found_missing);
  CHECK(found_extra);
  CHECK(users.verify_indexes(2).problems.size() == 2);
  CHECK(users.verify_indexes(2).extra == 3);

  users.rebuild<"by_age">();
  report = users.verify_indexes();
  CHECK(report.missing == 0);
  CHECK(report.wrong == 1);
  users.rebuild<"by_email">();
  CHECK(users.verify_indexes().good());

  const varve::Tree by_time = *store.find_tree("vertices.by_time");
  const std::string covered(store.scan(by_time, varve::KeyRange::all()).entry().key);
  varve::put(store, by_time, covered, "not what is stored");
  CHECK(vertices.verify_indexes().wrong == 1);
}
