// SPDX-License-Identifier: Apache-2.0
#include <varve/authority.hpp>
#include <varve/io/posix_file_system.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <string>

using namespace varve;

namespace {

void overwrite(const std::string& path, BytesView bytes) {
  PosixFileSystem files;
  if (files.exists(path)) files.remove(path);
  files.open(path, OpenMode::create).write_at(0, bytes);
}

}  // namespace

TEST_CASE("Authority: is read as it was written") {
  const varve_test::TempDirectory directory;
  PosixFileSystem files;
  CHECK_FALSE(read_authority(files, directory.path()));
  const Authority authority{.engine = "rocksdb", .uuid = std::string(32, 'a'), .epoch = 7};
  write_authority(files, directory.path(), authority);
  CHECK(read_authority(files, directory.path()) == authority);
  CHECK(files.list(directory.path()) == std::vector<std::string>{"AUTHORITY"});
}

TEST_CASE("Authority: is the text that docs/formats/store-directory.md gives") {
  const Authority authority{.engine = "lmdb", .uuid = "0123456789abcdef0123456789abcdef"};
  CHECK(detail::authority_text(authority) ==
        "varve-store 1\nengine lmdb\nuuid 0123456789abcdef0123456789abcdef\nepoch 1\n"
        "crc32c 0849a54f\n");
}

TEST_CASE("Authority: every cut and every flipped bit is corruption") {
  const varve_test::TempDirectory directory;
  PosixFileSystem files;
  const std::string good = detail::authority_text(new_authority("rocksdb"));
  const std::string path = directory / "AUTHORITY";
  const auto refused = [&](const std::string& text) {
    overwrite(path, text);
    try {
      (void)read_authority(files, directory.path());
    } catch (const Error& error) {
      return error.kind() == ErrorKind::corruption;
    }
    return false;
  };
  for (std::size_t size = 0; size < good.size(); ++size) CHECK(refused(good.substr(0, size)));
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string flipped = good;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    CHECK(refused(flipped));
  }
  CHECK(refused(good + "\n"));
  CHECK(refused(std::string(1 << 20, 'x')));
}

TEST_CASE("Authority: no two stores have one uuid") {
  CHECK(new_authority("lmdb").uuid != new_authority("lmdb").uuid);
  CHECK(new_authority("lmdb").uuid.size() == 32);
}

TEST_CASE("replace_file: what an attempt left behind is no obstacle") {
  const varve_test::TempDirectory directory;
  PosixFileSystem files;
  overwrite(directory / "name.new", "half of someth");
  replace_file(files, directory.path(), "name", "whole");
  CHECK(read_small_file(files, directory / "name", 100) == "whole");
  replace_file(files, directory.path(), "name", "again");
  CHECK(read_small_file(files, directory / "name", 100) == "again");
}
