// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/engine.hpp>
#include <varve/adapters/lmdb/error.hpp>
#include <varve/adapters/support/private_directory.hpp>
#include <varve/adapters/support/system_error.hpp>
#include <varve/concepts/error.hpp>

#include <lmdb.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

namespace varve::lmdb {

/// A directory that becomes another's in one step, or is removed with the file in it.
class DirectoryInTheMaking {
 public:
  explicit DirectoryInTheMaking(const std::string& target) : path_(target + ".XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) fail("cannot be made");
    made_ = true;
  }
  DirectoryInTheMaking(const DirectoryInTheMaking&) = delete;
  DirectoryInTheMaking& operator=(const DirectoryInTheMaking&) = delete;
  ~DirectoryInTheMaking() {
    if (!made_) return;
    ::unlink(file().c_str());
    ::rmdir(path_.c_str());
  }

  [[nodiscard]] std::string file() const { return path_ + "/data.mdb"; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Throws where something stands at `target`.
  void become(const std::string& target) {
    if (rename_new(path_.c_str(), target.c_str()) != 0) fail("cannot be renamed");
    made_ = false;
  }

  [[noreturn]] void fail(const char* what) const {
    throw support::system_error(errno, {.message = "the checkpoint '" + path_ + "' " + what,
                                        .operation = "checkpoint",
                                        .layer = std::string(engine_name)});
  }

 private:
  /// `rename` that never replaces, where the file system can promise that.
  static int rename_new(const char* from, const char* to) noexcept {
#if defined(RENAME_NOREPLACE)
    if (::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -1;
#endif
    return ::rename(from, to);
  }

  std::string path_;
  bool made_ = false;
};

/// Lets the copy go to the disk without a stay in the page cache, as `mdb_env_copy2` does; LMDB
/// writes whole pages straight from the map. Where the file system cannot, nothing changes.
inline void write_directly(const Engine& engine, int file) noexcept {
#if defined(O_DIRECT)
  MDB_stat stat{};
  if (mdb_env_stat(engine.environment.get(), &stat) != MDB_SUCCESS) return;
  if (static_cast<long>(stat.ms_psize) < ::sysconf(_SC_PAGESIZE)) return;
  const int flags = ::fcntl(file, F_GETFL);
  if (flags != -1) static_cast<void>(::fcntl(file, F_SETFL, flags | O_DIRECT));
#endif
}

/// Copies one state of the store into a new directory, which appears whole or not at all.
inline void checkpoint(const Engine& engine, const std::string& directory) {
  std::string target = directory;
  while (target.size() > 1 && target.back() == '/') target.pop_back();
  struct stat status {};
  if (target.empty() || ::lstat(target.c_str(), &status) == 0) {
    throw adapter_error(ErrorKind::invalid_argument,
                        "'" + target + "' is there already; a checkpoint needs a new directory",
                        "checkpoint");
  }
  const std::string parent = support::detail::parent_of(target);
  support::make_private_directory(parent, engine_name);
  DirectoryInTheMaking making(target);
  {
    const auto file = support::open_private_file(making.file(), engine_name);
    write_directly(engine, file.get());
    // The map must not be moved under the copy.
    const ReadHold hold = engine.readers.take_counted();
    const int code = mdb_env_copyfd2(engine.environment.get(), file.get(), 0);
    if (code != MDB_SUCCESS) throw engine_error(code, "checkpoint");
    if (::fsync(file.get()) != 0) making.fail("cannot be synced");
  }
  support::sync_directory(making.path(), engine_name);
  making.become(target);
  support::sync_directory(parent, engine_name);
}

}  // namespace varve::lmdb
