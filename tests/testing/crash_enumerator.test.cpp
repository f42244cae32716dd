// SPDX-License-Identifier: Apache-2.0
#include <varve/testing/crash_enumerator.hpp>

#include "catch.hpp"
#include "crash/toy_log.hpp"

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>

using varve::testing::CrashEnumerator;
using varve::testing::CrashOptions;
using varve::testing::CrashReport;
using varve::testing::CrashViolation;
using varve::testing::SimulatedFileSystem;
using varve_test::ToyBug;
using varve_test::ToyLog;

namespace {

struct OpenToy {
  ToyBug bug = ToyBug::none;
  ToyLog operator()(const SimulatedFileSystem& disk) const { return ToyLog(disk, bug); }
};

/// Runs seeds until one fails.
CrashReport hunt(ToyBug bug, std::uint64_t seeds) {
  CrashReport all;
  for (std::uint64_t seed = 1; seed <= seeds && !all.failure; ++seed) {
    CrashOptions options{.seed = seed, .tries = 30};
    all += CrashEnumerator(OpenToy{bug}, options).run();
  }
  return all;
}

void expect_found(ToyBug bug) {
  const CrashReport report = hunt(bug, 100);
  REQUIRE(report.failure);
  INFO(to_string(report) << '\n' << to_string(*report.failure));
  const CrashReport again =
      CrashEnumerator(OpenToy{bug}, {.seed = report.failure->seed}).replay(report.failure->script);
  REQUIRE(again.failure);
  CHECK(again.failure->sentence == report.failure->sentence);
  const CrashReport sound =
      CrashEnumerator(OpenToy{}, {.seed = report.failure->seed}).replay(report.failure->script);
  CHECK_FALSE(sound.failure);
}

}  // namespace

TEST_CASE("CrashEnumerator: a log that does all it should loses nothing") {
  const CrashReport report = hunt(ToyBug::none, 20);
  INFO((report.failure ? to_string(*report.failure) : std::string()));
  CHECK_FALSE(report.failure);
  CHECK(report.states > 10'000);
  CHECK(report.inner > 100);
  CHECK(report.faults > 100);
}

TEST_CASE("CrashEnumerator: a log that does not sync is found") {
  expect_found(ToyBug::no_sync);
}
TEST_CASE("CrashEnumerator: a log that does not sync its directory is found") {
  expect_found(ToyBug::no_directory_sync);
}
TEST_CASE("CrashEnumerator: a log without a checksum is found") {
  expect_found(ToyBug::no_checksum);
}
TEST_CASE("CrashEnumerator: a log that tries a failed sync again is found") {
  expect_found(ToyBug::sync_retried);
}
TEST_CASE("CrashEnumerator: a log that renames what is not synced is found") {
  expect_found(ToyBug::rename_without_sync);
}
TEST_CASE("CrashEnumerator: a log that cuts its tail and does not sync that is found") {
  expect_found(ToyBug::truncation_not_synced);
}
TEST_CASE("CrashEnumerator: a log that acknowledges before it syncs is found") {
  expect_found(ToyBug::ack_before_sync);
}
TEST_CASE("CrashEnumerator: a log that uses the sequence of a failed write again is found") {
  expect_found(ToyBug::sequence_reuse);
}

TEST_CASE("CrashEnumerator: a log that reports a torn write where there is none is found") {
  expect_found(ToyBug::torn_misreported);
}

TEST_CASE("CrashEnumerator: as the guide has it") {
  // [enumerate]
  const auto open = [](const SimulatedFileSystem& disk) { return ToyLog(disk); };
  CrashEnumerator enumerator(open, {.seed = 1});
  const CrashReport report = enumerator.run();
  std::cout << to_string(report) << '\n';
  if (report.failure) std::cout << to_string(*report.failure) << '\n';
  // [/enumerate]
  CHECK_FALSE(report.failure);

  // [replay]
  const CrashReport again = enumerator.replay(R"(
    open_tree 0
    write buffered [ put 0 "k1" "99" ]
    write synced [ put 0 "k2" "88" erase 0 "k1" ]
    flush
    reopen
  )");
  // [/replay]
  CHECK_FALSE(again.failure);
}

TEST_CASE("CrashEnumerator: the same seed gives the same figures") {
  const auto run = [] { return CrashEnumerator(OpenToy{}, {.seed = 3}).run(); };
  const CrashReport one = run();
  const CrashReport two = run();
  CHECK(one.states == two.states);
  CHECK(one.distinct == two.distinct);
  CHECK(one.inner == two.inner);
}
