// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/support/private_directory.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <fstream>

namespace {

using varve::Error;
using varve::ErrorKind;
using varve::support::make_private_directory;
using varve::support::open_private_file;
using varve_test::ContainsSubstring;
using varve_test::TempDirectory;

class Umask {
 public:
  explicit Umask(mode_t mask) : old_(::umask(mask)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() { ::umask(old_); }

 private:
  mode_t old_;
};

unsigned mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

bool there(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

ErrorKind kind_of_refusal(const std::string& path) {
  try {
    make_private_directory(path, "test");
  } catch (const Error& error) {
    CHECK(error.details().layer == "test");
    CHECK(error.details().operation == "open");
    return error.kind();
  }
  FAIL("'" << path << "' was not refused");
  return {};
}

}  // namespace

TEST_CASE("make_private_directory: all that is made is 0700 under any umask") {
  const TempDirectory temp;
  for (const mode_t mask : {0000U, 0022U, 0277U, 0777U}) {
    const std::string top = temp / ("umask" + std::to_string(mask));
    {
      const Umask umask(mask);
      make_private_directory(top + "/parent//child/", "test");
    }
    CHECK(mode_of(top) == 0700);
    CHECK(mode_of(top + "/parent") == 0700);
    CHECK(mode_of(top + "/parent/child") == 0700);
  }
}

TEST_CASE("make_private_directory: a directory that is there keeps its mode") {
  const TempDirectory temp;
  const std::string path = temp / "shared";
  make_private_directory(path, "test");
  REQUIRE(::chmod(path.c_str(), 0750) == 0);
  make_private_directory(path, "test");
  CHECK(mode_of(path) == 0750);
}

TEST_CASE("make_private_directory: what is no directory is refused and left alone") {
  const TempDirectory temp;
  std::ofstream(temp / "file") << "kept";
  CHECK(kind_of_refusal(temp / "file") == ErrorKind::invalid_argument);
  CHECK(kind_of_refusal(temp / "file/below") == ErrorKind::invalid_argument);
  REQUIRE(::symlink("nowhere", (temp / "link").c_str()) == 0);
  CHECK(kind_of_refusal(temp / "link") == ErrorKind::invalid_argument);
  CHECK(kind_of_refusal("") == ErrorKind::invalid_argument);
  CHECK(kind_of_refusal(std::string("a\0b", 3)) == ErrorKind::invalid_argument);
  CHECK_FALSE(there(temp / "nowhere"));
}

TEST_CASE("make_private_directory: one that may not be written is refused before any change") {
  // The root user may write everywhere but here.
  const std::string path = ::geteuid() == 0 ? "/proc/varve/below" : "/varve/below";
  try {
    make_private_directory(path, "test");
    FAIL("not refused");
  } catch (const Error& error) {
    CHECK((error.kind() == ErrorKind::read_only || error.kind() == ErrorKind::io));
    CHECK(error.details().engine_code != 0);
    CHECK_THAT(error.what(), ContainsSubstring("/"));
  }
}

TEST_CASE("open_private_file: a new file is 0600 under any umask") {
  const TempDirectory temp;
  for (const mode_t mask : {0000U, 0022U, 0777U}) {
    const std::string path = temp / ("umask" + std::to_string(mask));
    const Umask umask(mask);
    CHECK(open_private_file(path, "test"));
    CHECK(mode_of(path) == 0600);
    CHECK(open_private_file(path, "test"));
  }
}

TEST_CASE("open_private_file: neither links nor pipes are opened") {
  const TempDirectory temp;
  std::ofstream(temp / "target") << "kept";
  REQUIRE(::symlink("target", (temp / "link").c_str()) == 0);
  REQUIRE(::mkfifo((temp / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS_WITH(open_private_file(temp / "link", "test"), ContainsSubstring("symbolic link"));
  CHECK_THROWS_WITH(open_private_file(temp / "pipe", "test"), ContainsSubstring("plain file"));
}
