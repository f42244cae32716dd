// SPDX-License-Identifier: Apache-2.0
#include <varve/io/durable_file.hpp>
#include <varve/io/posix_file_system.hpp>
#include <varve/testing/simulated_file_system.hpp>
#include <varve/testing/tracing_file_system.hpp>

#include "catch.hpp"

#include <iostream>
#include <string>
#include <utility>
#include <vector>

using varve::OpenMode;
using varve::testing::DiskOperation;
using varve::testing::SimulatedFileSystem;
using varve::testing::TracingFileSystem;
using varve_test::ContainsSubstring;

using Traced = TracingFileSystem<SimulatedFileSystem>;

static_assert(varve::assert_file_system<Traced>());
static_assert(varve::assert_file_system<TracingFileSystem<varve::PosixFileSystem>>());

namespace {

void expect_one(const Traced& files, const std::string& words) {
  const std::vector<std::string> breaches = files.breaches();
  REQUIRE(breaches.size() == 1);
  CHECK_THAT(breaches[0], ContainsSubstring(words));
}

}  // namespace

TEST_CASE("TracingFileSystem: writes down what was done, in order") {
  Traced files;
  files.create_directory("d");
  varve::replace_file(files, "d", "name", "bytes");
  std::vector<DiskOperation> kinds;
  for (const auto& done : files.operations()) kinds.push_back(done.operation);
  CHECK(kinds == std::vector{DiskOperation::create_directory, DiskOperation::create,
                             DiskOperation::write, DiskOperation::sync, DiskOperation::rename,
                             DiskOperation::sync_directory});
  CHECK(files.operations()[4].to == "d/name");
  files.acknowledged();
  CHECK(files.breaches().empty());
  CHECK(varve::read_small_file(files, "d/name", 100) == "bytes");
}

TEST_CASE("TracingFileSystem: nothing is acknowledged before it is synced") {
  // [trace]
  TracingFileSystem<SimulatedFileSystem> files;
  auto file = files.open("a", OpenMode::create);
  files.sync_directory("");
  file.write_at(0, "1");
  files.acknowledged();  // "a write is acknowledged before 'a' is synced"
  for (const std::string& breach : files.breaches()) std::cout << breach << '\n';
  // [/trace]
  expect_one(files, "acknowledged before 'a' is synced");
}

TEST_CASE("TracingFileSystem: what is written through needs no sync") {
  Traced files;
  auto file = files.open("a", OpenMode::create);
  files.sync_directory("");
  file.write_through(0, "1");
  files.acknowledged();
  CHECK(files.breaches().empty());
}

TEST_CASE("TracingFileSystem: nothing is acknowledged in a file before its directory is synced") {
  Traced files;
  auto file = files.open("a", OpenMode::create);
  file.write_at(0, "1");
  file.sync();
  files.acknowledged();
  expect_one(files, "before its directory is synced");
}

TEST_CASE("TracingFileSystem: the old file is synced before the first answer from the new one") {
  Traced files;
  auto old_one = files.open("1", OpenMode::create);
  auto new_one = files.open("2", OpenMode::create);
  files.sync_directory("");
  old_one.write_at(0, "1");
  new_one.write_at(0, "2");
  new_one.sync();
  files.acknowledged();
  expect_one(files, "while the old one, '1', is not synced");
}

TEST_CASE("TracingFileSystem: nothing is renamed before it is synced") {
  Traced files;
  auto file = files.open("a", OpenMode::create);
  file.write_at(0, "1");
  files.rename("a", "b");
  files.sync_directory("");
  expect_one(files, "'a' is renamed to 'b' before it is synced");
}

TEST_CASE("TracingFileSystem: nothing is removed before its replacement is in a synced directory") {
  Traced files;
  { auto file = files.open("old", OpenMode::create); }
  files.sync_directory("");
  varve::replace_file(files, "", "new", "bytes");
  files.remove("old");
  CHECK(files.breaches().empty());
  { auto file = files.open("newer", OpenMode::create); }
  files.remove("/new");
  expect_one(files, "'/new' is removed before the directory is synced");
}

TEST_CASE("TracingFileSystem: files that may be unsynced are left out") {
  Traced files;
  files.watch_only([](varve::BytesView path) { return path != "spare"; });
  auto file = files.open("spare", OpenMode::create);
  file.write_at(0, "1");
  files.acknowledged();
  CHECK(files.breaches().empty());
}
