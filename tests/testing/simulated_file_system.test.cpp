// SPDX-License-Identifier: Apache-2.0
#include <varve/io/durable_file.hpp>
#include <varve/io/posix_file_system.hpp>
#include <varve/testing/simulated_file_system.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

using varve::BytesView;
using varve::Error;
using varve::ErrorKind;
using varve::OpenMode;
using varve::testing::crash_shape;
using varve::testing::CrashShape;
using varve::testing::DiskOperation;
using varve::testing::SimulatedCrash;
using varve::testing::SimulatedFileSystem;

static_assert(varve::assert_file_system<SimulatedFileSystem>());

namespace {

template <class Call>
ErrorKind kind_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  FAIL("nothing was thrown");
  return {};
}

/// A file's contents; "(none)" where it is not there.
std::string contents(SimulatedFileSystem disk, const std::string& path) {
  return varve::read_small_file(disk, path, 1U << 20U).value_or("(none)");
}

/// A file of an empty disk with its name and `bytes` on disk.
SimulatedFileSystem disk_with(const std::string& path, BytesView bytes) {
  SimulatedFileSystem disk;
  auto file = disk.open(path, OpenMode::create);
  file.write_at(0, bytes);
  file.sync();
  disk.sync_directory("");
  return disk;
}

/// Every content of `path` that some crash leaves.
std::set<std::string> left(const SimulatedFileSystem& disk, const std::string& path,
                           std::size_t variants = 2000) {
  std::set<std::string> met;
  for (std::size_t i = 0; i < variants; ++i) {
    met.insert(contents(disk.after_crash(crash_shape(i, i)), path));
  }
  return met;
}

using Met = std::set<std::string>;

}  // namespace

TEST_CASE("SimulatedFileSystem: what was synced is there after every crash") {
  const SimulatedFileSystem disk = disk_with("a", "0123456789");
  CHECK(disk.clean());
  CHECK(left(disk, "a") == Met{"0123456789"});
}

TEST_CASE("SimulatedFileSystem: a name is there after a crash once its directory was synced") {
  SimulatedFileSystem disk;
  auto file = disk.open("a", OpenMode::create);
  file.write_at(0, "bytes");
  file.sync();
  CHECK(left(disk, "a") == Met{"(none)", "bytes"});
  disk.sync_directory("");
  CHECK(left(disk, "a") == Met{"bytes"});
}

TEST_CASE("SimulatedFileSystem: a directory is there after a crash once the one above was synced") {
  SimulatedFileSystem disk;
  disk.create_directory("one/two");
  auto file = disk.open("one/two/a", OpenMode::create);
  disk.sync_directory("one/two");
  CHECK(left(disk, "one/two/a") == Met{"(none)", ""});
  disk.sync_directory("one");
  CHECK(left(disk, "one/two/a") == Met{"(none)", ""});
  disk.sync_directory("");
  CHECK(left(disk, "one/two/a") == Met{""});
}

TEST_CASE("SimulatedFileSystem: a rename leaves one of the two files, or the old bytes") {
  SimulatedFileSystem disk = disk_with("a", "old");
  auto file = disk.open("b", OpenMode::create);
  file.write_at(0, "new");
  file.sync();
  disk.rename("b", "a");
  CHECK(left(disk, "a") == Met{"new", "old"});
  disk.sync_directory("");
  CHECK(left(disk, "a") == Met{"new"});
  CHECK(left(disk, "b") == Met{"(none)"});
}

TEST_CASE("SimulatedFileSystem: a rename of a file that was not synced can leave it empty") {
  SimulatedFileSystem disk = disk_with("a", "old");
  auto file = disk.open("b", OpenMode::create);
  file.write_at(0, "new");
  disk.rename("b", "a");
  CHECK(left(disk, "a").contains(""));
  CHECK(left(disk, "a").contains(std::string(3, '\0')));
}

TEST_CASE("SimulatedFileSystem: a rename and a remove may change places") {
  SimulatedFileSystem disk = disk_with("current", "1");
  auto file = disk.open("next", OpenMode::create);
  file.write_at(0, "2");
  file.sync();
  disk.sync_directory("");
  disk.rename("next", "current");
  disk.remove("current");
  CHECK(left(disk, "current") == Met{"(none)", "1", "2"});
}

TEST_CASE("SimulatedFileSystem: unsynced bytes are old, new, zeros or garbage, and torn") {
  SimulatedFileSystem disk = disk_with("a", "");
  auto file = disk.open("a", OpenMode::write);
  const std::string bytes = "abcdefghABCDEFGH";
  file.write_at(0, bytes);
  const Met met = left(disk, "a");
  CHECK(met.contains(""));
  CHECK(met.contains(bytes));
  CHECK(met.contains(std::string(16, '\0')));
  CHECK(met.contains("abcdefgh" + std::string(8, '\0')));
  CHECK(met.contains(std::string(8, '\0') + "ABCDEFGH"));
  const auto garbage = std::count_if(met.begin(), met.end(), [](const std::string& left) {
    return left.size() == 16 && left[0] != 'a' && left[0] != '\0';
  });
  CHECK(garbage > 10);
}

TEST_CASE("SimulatedFileSystem: bytes that a write does not change are safe from it") {
  SimulatedFileSystem disk = disk_with("a", "abcdefghABCD....");
  auto file = disk.open("a", OpenMode::write);
  file.write_at(0, "abcdefghABCDEFGH");
  for (const std::string& met : left(disk, "a")) {
    CHECK(met.size() == 16);
    CHECK(met.substr(0, 12) == "abcdefghABCD");
  }
}

TEST_CASE("SimulatedFileSystem: as the guide has it") {
  // [disk]
  SimulatedFileSystem disk;
  auto file = disk.open("name.new", OpenMode::create);
  file.write_at(0, "all of it");
  disk.rename("name.new", "name");  // and the file was never synced
  disk.sync_directory("");

  bool torn = false;
  for (std::size_t variant = 0; variant < 16; ++variant) {
    SimulatedFileSystem left = disk.after_crash(crash_shape(variant, variant));
    torn = torn || left.open("name", OpenMode::read).size() == 0;
  }
  // [/disk]
  CHECK(torn);
}

TEST_CASE("SimulatedFileSystem: unsynced writes to two files are lost in any order") {
  SimulatedFileSystem disk = disk_with("a", "-");
  {
    auto file = disk.open("b", OpenMode::create);
    file.write_at(0, "-");
    file.sync();
  }
  disk.sync_directory("");
  auto a = disk.open("a", OpenMode::write);
  auto b = disk.open("b", OpenMode::write);
  a.write_at(0, "1");
  b.write_at(0, "1");
  Met met;
  for (std::size_t i = 0; i < 500; ++i) {
    const SimulatedFileSystem after = disk.after_crash(crash_shape(i, i));
    met.insert(contents(after, "a") + contents(after, "b"));
  }
  for (const char* const both : {"--", "-1", "1-", "11"}) CHECK(met.contains(both));
}

TEST_CASE("SimulatedFileSystem: a failed sync is not made good by the next") {
  SimulatedFileSystem disk = disk_with("a", "--");
  auto file = disk.open("a", OpenMode::write);
  file.write_at(0, "1");
  disk.fail({.at = 2, .operation = DiskOperation::sync});
  CHECK(kind_of([&] { file.sync(); }) == ErrorKind::io);
  CHECK(contents(disk, "a") == "1-");
  file.sync();
  CHECK(left(disk, "a").contains("--"));
  CHECK(left(disk, "a").contains("1-"));
  file.write_at(1, "2");
  file.sync();
  CHECK(left(disk, "a").contains("-2"));
  CHECK_FALSE(left(disk, "a").contains("--"));
  file.write_at(0, "3");
  file.sync();
  CHECK(left(disk, "a") == Met{"32"});
}

TEST_CASE("SimulatedFileSystem: a failed sync of a directory leaves its names to the next") {
  SimulatedFileSystem disk;
  { auto file = disk.open("a", OpenMode::create); }
  disk.fail({.at = 1, .operation = DiskOperation::sync_directory});
  CHECK(kind_of([&] { disk.sync_directory(""); }) == ErrorKind::io);
  CHECK(left(disk, "a") == Met{"(none)", ""});
  disk.sync_directory("");
  CHECK(left(disk, "a") == Met{""});
}

TEST_CASE("SimulatedFileSystem: a write through puts its own bytes on disk and no others") {
  SimulatedFileSystem disk = disk_with("a", "----");
  auto file = disk.open("a", OpenMode::write);
  file.write_at(0, "1");
  file.write_through(2, "34");
  file.write_at(2, "5");
  file.write_through(2, "6");
  const Met met = left(disk, "a");
  CHECK(met.contains("--64"));
  CHECK(met.contains("1-64"));
  for (const std::string& each : met) CHECK(each.substr(1) == "-64");
}

TEST_CASE("SimulatedFileSystem: a write through makes the file as long as it needs") {
  SimulatedFileSystem disk = disk_with("a", "");
  auto file = disk.open("a", OpenMode::write);
  file.truncate(100);
  file.write_through(10, "x");
  for (const std::string& met : left(disk, "a")) {
    CHECK((met.size() == 11 || met.size() == 100));
    CHECK(met[10] == 'x');
  }
  CHECK(left(disk, "a").size() > 1);
}

TEST_CASE("SimulatedFileSystem: what was cut may rise until the file is synced") {
  SimulatedFileSystem disk = disk_with("a", "abcdefghABCDEFGH");
  auto file = disk.open("a", OpenMode::write);
  file.truncate(8);
  CHECK(contents(disk, "a") == "abcdefgh");
  CHECK(left(disk, "a").contains("abcdefghABCDEFGH"));
  CHECK(left(disk, "a").contains("abcdefgh"));
  file.write_through(0, "ABCDEFGH");
  CHECK(left(disk, "a").contains("ABCDEFGHABCDEFGH"));
  file.sync();
  CHECK(left(disk, "a") == Met{"ABCDEFGH"});
}

TEST_CASE("SimulatedFileSystem: when a program dies its writes stay, and are lost with the power") {
  SimulatedFileSystem disk = disk_with("a", "-");
  auto file = disk.open("a", OpenMode::write);
  file.write_at(0, "1");
  const SimulatedFileSystem after = disk.after_kill();
  CHECK(contents(after, "a") == "1");
  CHECK(left(after, "a").contains("-"));
}

TEST_CASE("SimulatedFileSystem: the power goes in the middle of the operation that was named") {
  for (std::uint64_t at = 1; at <= 4; ++at) {
    SimulatedFileSystem disk;
    disk.crash_at(at);
    const auto run = [&] {
      auto file = disk.open("a", OpenMode::create);
      file.write_at(0, "1");
      file.sync();
      disk.sync_directory("");
    };
    CHECK_THROWS_AS(run(), SimulatedCrash);
    CHECK(disk.operations() == at);
    CHECK_THROWS_AS(disk.exists("a"), SimulatedCrash);
    CHECK(left(disk, "a").contains("(none)"));
  }
  SimulatedFileSystem disk;
  disk.crash_at(1, true);
  CHECK(kind_of([&] { disk.create_directory("d"); }) == ErrorKind::io);
  CHECK(kind_of([&] { disk.create_directory("d"); }) == ErrorKind::io);
}

TEST_CASE("SimulatedFileSystem: operations fail as planned, once or for ever") {
  SimulatedFileSystem disk;
  disk.fail({.at = 2, .operation = DiskOperation::rename});
  disk.fail({.at = 1, .operation = DiskOperation::read, .for_ever = true});
  auto file = disk.open("a", OpenMode::create);
  file.write_at(0, "1234");
  disk.rename("a", "b");
  CHECK(kind_of([&] { disk.rename("b", "c"); }) == ErrorKind::io);
  CHECK(disk.exists("b"));
  disk.rename("b", "c");
  std::string buffer(4, ' ');
  for (int i = 0; i < 3; ++i) {
    CHECK(kind_of([&] { (void)file.read_at(0, buffer); }) == ErrorKind::io);
  }
  disk.heal();
  CHECK(file.read_at(0, buffer) == 4);
  disk.fail({.at = disk.operations() + 1, .error = ErrorKind::no_space});
  CHECK(kind_of([&] { file.write_at(4, "5"); }) == ErrorKind::no_space);
}

TEST_CASE("SimulatedFileSystem: a full disk takes what there is room for") {
  SimulatedFileSystem disk;
  disk.set_capacity(10);
  auto file = disk.open("a", OpenMode::create);
  file.write_at(0, "12345678");
  CHECK(disk.free_bytes("") == 2);
  CHECK(kind_of([&] { file.write_at(8, "abcd"); }) == ErrorKind::no_space);
  CHECK(contents(disk, "a") == "12345678ab");
  file.write_at(0, "ABCDEFGHIJ");
  CHECK(kind_of([&] { file.truncate(11); }) == ErrorKind::no_space);
  file.truncate(1);
  CHECK(disk.free_bytes("") == 9);
}

TEST_CASE("SimulatedFileSystem: a lock is held by one until it goes, or the machine does") {
  SimulatedFileSystem disk;
  {
    const auto lock = disk.lock("lock");
    CHECK(kind_of([&] { (void)disk.lock("lock"); }) == ErrorKind::busy);
    CHECK_NOTHROW((void)SimulatedFileSystem(disk.after_kill()).lock("lock"));
  }
  CHECK_NOTHROW((void)disk.lock("lock"));
}

TEST_CASE("SimulatedFileSystem: the same seed gives the same disk") {
  SimulatedFileSystem disk = disk_with("a", "old");
  auto file = disk.open("a", OpenMode::write);
  file.write_at(0, std::string(5000, 'x'));
  std::set<std::uint64_t> hashes;
  for (std::size_t i = 0; i < 100; ++i) {
    const CrashShape shape = crash_shape(i, i);
    CHECK(disk.after_crash(shape).hash() == disk.after_crash(shape).hash());
    hashes.insert(disk.after_crash(shape).hash());
  }
  CHECK(hashes.size() > 20);
}

namespace {

/// Random operations on a few files; whatever is seen, in words.
template <varve::FileSystem FS>
std::vector<std::string> operate(FS files, const std::string& home, std::uint64_t seed) {
  using File = decltype(files.open("", OpenMode::read));
  varve::testing::Random random(seed);
  std::vector<std::string> seen;
  std::optional<File> file;
  const auto path = [&] {
    return home + "/" + (random.one_in(3) ? "d/" : "") + std::string(1, "abc"[random.below(3)]);
  };
  const auto attempt = [&](auto call) {
    try {
      seen.push_back(call());
    } catch (const Error& error) {
      seen.push_back(std::string(to_string(error.kind())) + " in " + error.details().operation);
    }
  };
  const auto done = [&](auto call) {
    attempt([&] {
      call();
      return std::string("done");
    });
  };
  for (int i = 0; i < 400; ++i) {
    const std::uint64_t offset = random.below(3) * 4000 + random.below(300);
    const std::string bytes(1 + random.below(5000), static_cast<char>('a' + random.below(26)));
    switch (random.below(13)) {
      case 0:
        done([&] {
          file.reset();
          file.emplace(files.open(path(), OpenMode::create));
        });
        break;
      case 1:
        done([&] {
          file.reset();
          file.emplace(files.open(path(), OpenMode::write));
        });
        break;
      case 2:
        done([&] {
          file.reset();
          file.emplace(files.open(path(), OpenMode::read));
        });
        break;
      case 3:
        done([&] {
          const auto from = path();
          files.rename(from, path());
        });
        break;
      case 4:
        if (random.one_in(2)) done([&] { files.remove(path()); });
        break;
      case 5: done([&] { files.create_directory(home + "/d"); }); break;
      case 6: done([&] { files.sync_directory(home + (random.one_in(3) ? "/d" : "")); }); break;
      case 7:
        attempt([&] {
          auto names = files.list(home);
          std::sort(names.begin(), names.end());
          std::string all;
          for (const std::string& name : names) all += name + " ";
          return all + (files.exists(home + "/d/a") ? "d/a" : "");
        });
        break;
      case 8:
        if (file) done([&] { file->write_at(offset, bytes); });
        break;
      case 9:
        if (file) done([&] { file->write_through(offset, bytes); });
        break;
      case 10:
        if (file) done([&] { file->truncate(offset); });
        break;
      case 11:
        if (file) done([&] { file->sync(); });
        break;
      default:
        if (!file) break;
        attempt([&] {
          std::string buffer(6000, '?');
          const std::size_t got = file->read_at(offset, buffer);
          return std::to_string(got) + " of " + std::to_string(file->size()) + buffer;
        });
    }
  }
  return seen;
}

}  // namespace

TEST_CASE("SimulatedFileSystem: without a crash it answers as the file system of the machine") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    INFO("seed " << seed);
    const varve_test::TempDirectory directory;
    SimulatedFileSystem disk;
    disk.create_directory("home");
    const auto expected = operate(varve::PosixFileSystem(), directory.path(), seed);
    const auto seen = operate(disk, "home", seed);
    REQUIRE(seen.size() == expected.size());
    for (std::size_t i = 0; i < seen.size(); ++i) {
      INFO("operation " << i);
      REQUIRE(seen[i] == expected[i]);
    }
  }
}
