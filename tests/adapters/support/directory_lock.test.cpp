// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/support/directory_lock.hpp>

#include "catch.hpp"
#include "child.hpp"
#include "temp_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <sstream>

namespace {

using varve::Error;
using varve::ErrorKind;
using varve::support::DirectoryLock;
using varve_test::ContainsSubstring;
using varve_test::Sleeper;
using varve_test::TempDirectory;

/// What the refusal of a second lock says; empty where it was given.
std::string refusal(const std::string& directory) {
  try {
    const DirectoryLock second(directory, "test");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::busy);
    CHECK(error.retryable());
    return error.what();
  }
  return {};
}

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("DirectoryLock: a second one in the same process is refused and named as such") {
  const TempDirectory temp;
  auto first = std::make_unique<DirectoryLock>(temp.path(), "test");
  CHECK_THAT(refusal(temp.path()), ContainsSubstring("open in this process already"));
  CHECK_THAT(refusal(temp.path() + "/."), ContainsSubstring("open in this process already"));
  REQUIRE(::symlink(temp.path().c_str(), (temp / "link").c_str()) == 0);
  CHECK_THAT(refusal(temp / "link"), ContainsSubstring("open in this process already"));
  first.reset();
  CHECK(refusal(temp.path()).empty());
}

TEST_CASE("DirectoryLock: removing the lock file does not let the process in twice") {
  const TempDirectory temp;
  const DirectoryLock first(temp.path(), "test");
  REQUIRE(::unlink((temp / "varve.lock").c_str()) == 0);
  CHECK_THAT(refusal(temp.path()), ContainsSubstring("open in this process already"));
}

TEST_CASE("DirectoryLock: another process is refused and told who holds it") {
  const TempDirectory temp;
  Sleeper holder([&] { return DirectoryLock(temp.path(), "test"); });
  const std::string message = refusal(temp.path());
  std::string program = content("/proc/self/comm");
  program.pop_back();
  CHECK_THAT(message, ContainsSubstring("held by process " + std::to_string(holder.pid()) + " (" +
                                        program + ") since 20"));
  CHECK_THAT(message, ContainsSubstring("stop that process or give another directory"));
  holder.kill();
  CHECK(refusal(temp.path()).empty());
}

TEST_CASE("DirectoryLock: what a dead process left in the file is no obstacle") {
  const TempDirectory temp;
  std::ofstream(temp / "varve.lock") << "pid 1\nprogram \x1b[31mold\nsince ever, and longer\n";
  const DirectoryLock lock(temp.path(), "test");
  CHECK(content(temp / "varve.lock").find("pid " + std::to_string(::getpid()) + "\n") == 0);
  CHECK(content(temp / "varve.lock").find("old") == std::string::npos);
}

TEST_CASE("DirectoryLock: it is held through moves and let go once") {
  const TempDirectory one;
  const TempDirectory two;
  DirectoryLock first(one.path(), "test");
  DirectoryLock moved(std::move(first));
  CHECK(moved.held());
  CHECK_FALSE(refusal(one.path()).empty());
  DirectoryLock second(two.path(), "test");
  second = std::move(moved);
  CHECK(refusal(two.path()).empty());
  CHECK_FALSE(refusal(one.path()).empty());
  second = DirectoryLock();
  CHECK(refusal(one.path()).empty());
}

TEST_CASE("DirectoryLock: a child of fork neither holds it nor ends it") {
  const TempDirectory temp;
  auto lock = std::make_unique<DirectoryLock>(temp.path(), "test");
  const Sleeper idle([&] { return 0; });
  const Sleeper destroys([&] {
    lock.reset();
    return 0;
  });
  CHECK_FALSE(refusal(temp.path()).empty());
  const Sleeper told([&] {
    if (refusal(temp.path()).find("held by process " + std::to_string(::getppid())) ==
        std::string::npos) {
      ::_exit(1);
    }
    return 0;
  });
  lock.reset();
  CHECK(refusal(temp.path()).empty());
}

TEST_CASE("DirectoryLock: the file is private and no link is followed") {
  const TempDirectory temp;
  const mode_t old = ::umask(0);
  { const DirectoryLock lock(temp.path(), "test"); }
  ::umask(old);
  struct stat status {};
  REQUIRE(::stat((temp / "varve.lock").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0600);

  const TempDirectory other;
  std::ofstream(other / "victim") << "kept";
  REQUIRE(::symlink("victim", (other / "varve.lock").c_str()) == 0);
  CHECK_THROWS_WITH(DirectoryLock(other.path(), "test"), ContainsSubstring("symbolic link"));
  CHECK(content(other / "victim") == "kept");
}

TEST_CASE("DirectoryLock: a directory that is not there is an error") {
  const TempDirectory temp;
  CHECK_THROWS_AS(DirectoryLock(temp / "none", "test"), Error);
}
