// SPDX-License-Identifier: Apache-2.0
#include <varve/io/posix_file_system.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

using varve::Error;
using varve::ErrorKind;
using varve::OpenMode;
using varve::PosixFileSystem;

static_assert(varve::assert_file_system<PosixFileSystem>());

namespace {

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777U;
}

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

}  // namespace

TEST_CASE("PosixFileSystem: what is written is read, and no more") {
  const varve_test::TempDirectory directory;
  PosixFileSystem files;
  auto file = files.open(directory / "a", OpenMode::create);
  file.write_at(3, "def");
  file.write_at(0, "abc");
  file.sync();
  CHECK(file.size() == 6);
  std::string buffer(10, '?');
  CHECK(file.read_at(1, buffer) == 5);
  CHECK(buffer == "bcdef?????");
  file.truncate(2);
  CHECK(file.read_at(0, buffer) == 2);
  CHECK(file.read_at(9, buffer) == 0);
}

TEST_CASE("PosixFileSystem: files are 0600 and directories 0700 under any umask") {
  const varve_test::TempDirectory directory;
  PosixFileSystem files;
  for (const mode_t mask : {0000U, 0077U, 0777U}) {
    const mode_t before = ::umask(mask);
    const std::string name = directory / std::to_string(mask);
    files.create_directory(name + "/deep/er");
    { auto file = files.open(name + "/deep/er/file", OpenMode::create); }
    ::umask(before);
    CHECK(mode_of(name) == 0700U);
    CHECK(mode_of(name + "/deep/er") == 0700U);
    CHECK(mode_of(name + "/deep/er/file") == 0600U);
  }
}

TEST_CASE("PosixFileSystem: a file is created once, and opened only where it is") {
  const varve_test::TempDirectory directory;
  PosixFileSystem files;
  CHECK_FALSE(files.exists(directory / "a"));
  CHECK(kind_of([&] { (void)files.open(directory / "a", OpenMode::read); }) == ErrorKind::io);
  { auto file = files.open(directory / "a", OpenMode::create); }
  CHECK(files.exists(directory / "a"));
  CHECK(kind_of([&] { (void)files.open(directory / "a", OpenMode::create); }) == ErrorKind::io);
  files.rename(directory / "a", directory / "b");
  files.sync_directory(directory.path());
  CHECK(files.list(directory.path()) == std::vector<std::string>{"b"});
  files.remove(directory / "b");
  CHECK(files.list(directory.path()).empty());
}

TEST_CASE("PosixFileSystem: a link is not followed, and a file is no directory") {
  const varve_test::TempDirectory directory;
  PosixFileSystem files;
  { auto file = files.open(directory / "a", OpenMode::create); }
  std::filesystem::create_symlink(directory / "a", directory / "link");
  CHECK(kind_of([&] { (void)files.open(directory / "link", OpenMode::write); }) == ErrorKind::io);
  CHECK(kind_of([&] { files.create_directory(directory / "a"); }) == ErrorKind::io);
  CHECK(kind_of([&] { (void)files.list(directory / "none"); }) == ErrorKind::io);
  // It is there and takes no directory, and says so as if it were missing.
  CHECK(kind_of([&] { files.create_directory("/proc/none/deeper"); }) == ErrorKind::io);
}

TEST_CASE("PosixFileSystem: a lock is held by one, and its holder is named") {
  const varve_test::TempDirectory directory;
  PosixFileSystem files;
  {
    const auto lock = files.lock(directory / "lock");
    CHECK(kind_of([&] { (void)files.lock(directory / "lock"); }) == ErrorKind::busy);
    CHECK_THROWS_WITH((void)files.lock(directory / "lock"),
                      varve_test::ContainsSubstring("process " + std::to_string(::getpid())));
  }
  CHECK_NOTHROW((void)files.lock(directory / "lock"));
}

TEST_CASE("PosixFileSystem: tells how much room is left") {
  const varve_test::TempDirectory directory;
  CHECK(PosixFileSystem().free_bytes(directory.path()) > 0);
}
