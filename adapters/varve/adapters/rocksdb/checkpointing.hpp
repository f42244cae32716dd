// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb/errors.hpp>
#include <varve/adapters/rocksdb/files.hpp>
#include <varve/adapters/rocksdb/store.hpp>
#include <varve/adapters/support/private_directory.hpp>

#include <rocksdb/utilities/checkpoint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

namespace varve::detail::rocks {

/// Makes a checkpoint: in a directory beside the one wanted that only the owner enters, then by one
/// rename to its place.
class Checkpointing {
 public:
  static void run(const Store& store, const std::string& directory) {
    if (directory.empty() || exists(directory)) {
      refuse(ErrorKind::invalid_argument,
             "a checkpoint needs the path of a directory that is not there yet; '" + directory +
                 "' is no such path",
             operation);
    }
    const Workplace workplace(directory);
    const std::string made = workplace.path() + "/store";
    make(store, made);
    if (exists(store.default_marker())) {
      static_cast<void>(support::open_private_file(made + "/varve.default", engine_name));
    }
    if (::chmod(made.c_str(), 0700) != 0)
      fail_on_file(errno, made, operation, "cannot be made private");
    make_files_private(made);
    sync_files(made, operation);
    support::sync_directory(made, engine_name);
    move(made, directory);
    support::sync_directory(parent_of(directory), engine_name);
  }

 private:
  static constexpr const char* operation = "checkpoint";

  /// A directory of its own, gone at the end.
  class Workplace {
   public:
    explicit Workplace(const std::string& beside) : path_(without_slashes(beside) + ".XXXXXX") {
      if (::mkdtemp(path_.data()) == nullptr) {
        fail_on_file(errno, path_, operation, "cannot be made; a checkpoint is made there first");
      }
    }
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;
    ~Workplace() {
      for (const char* const left : {"/store", "/store.tmp"}) remove_quietly(path_ + left);
      static_cast<void>(::rmdir(path_.c_str()));
    }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

   private:
    static void remove_quietly(const std::string& directory) noexcept {
      try {
        remove_directory(directory);
      } catch (...) {
        // What is left has a name that says what it was.
      }
    }

    std::string path_;
  };

  static void make(const Store& store, const std::string& directory) {
    rocksdb::Checkpoint* raw = nullptr;
    check(rocksdb::Checkpoint::Create(&store.database(), &raw), operation);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
    check(checkpoint->CreateCheckpoint(directory), operation);
  }

  static void move(const std::string& from, const std::string& to) {
#if defined(__linux__) && defined(RENAME_NOREPLACE)
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return;
    if (errno != EINVAL && errno != ENOSYS) fail_on_file(errno, to, operation, "cannot be made");
#endif
    if (::rename(from.c_str(), to.c_str()) != 0)
      fail_on_file(errno, to, operation, "cannot be made");
  }

  [[nodiscard]] static std::string without_slashes(const std::string& path) {
    return path.substr(0, path.find_last_not_of('/') + 1);
  }

  [[nodiscard]] static std::string parent_of(const std::string& path) {
    const std::string trimmed = without_slashes(path);
    const std::size_t slash = trimmed.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : trimmed.substr(0, slash);
  }
};

}  // namespace varve::detail::rocks
