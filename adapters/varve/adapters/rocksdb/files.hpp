// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb/errors.hpp>
#include <varve/adapters/support/file_descriptor.hpp>
#include <varve/adapters/support/system_error.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

namespace varve::detail::rocks {

[[noreturn]] inline void fail_on_file(int code, const std::string& path, const char* operation,
                                      const char* what) {
  throw support::system_error(code, {.message = "'" + path + "' " + what,
                                     .operation = operation,
                                     .layer = std::string(engine_name)});
}

/// An open listing of a directory.
struct Listing {
  explicit Listing(const std::string& directory) : opened(::opendir(directory.c_str())) {}
  Listing(const Listing&) = delete;
  Listing& operator=(const Listing&) = delete;
  ~Listing() {
    if (opened != nullptr) ::closedir(opened);
  }

  DIR* opened;
};

/// The names of the plain files in a directory; none where there is no directory.
[[nodiscard]] inline std::vector<std::string> files_in(const std::string& directory,
                                                       const char* operation) {
  const Listing listing(directory);
  std::vector<std::string> names;
  if (listing.opened == nullptr) {
    if (errno == ENOENT) return names;
    fail_on_file(errno, directory, operation, "cannot be listed");
  }
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(listing.opened);
    if (entry == nullptr) {
      if (errno != 0) fail_on_file(errno, directory, operation, "cannot be listed");
      return names;
    }
    struct stat status {};
    if (::fstatat(::dirfd(listing.opened), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(status.st_mode)) {
      names.emplace_back(entry->d_name);
    }
  }
}

[[nodiscard]] inline bool exists(const std::string& path) noexcept {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

/// The disk space of a directory's files. A file that goes while this looks counts nothing.
[[nodiscard]] inline std::uint64_t disk_bytes(const std::string& directory) {
  std::uint64_t bytes = 0;
  for (const std::string& file : files_in(directory, "size_on_disk")) {
    struct stat status {};
    if (::lstat((directory + "/" + file).c_str(), &status) != 0) continue;
    bytes += static_cast<std::uint64_t>(status.st_blocks) * 512U;
  }
  return bytes;
}

/// Gives a file mode 0600, where that can be helped.
inline void make_private(const std::string& path) noexcept {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || (status.st_mode & 0077U) == 0) return;
  static_cast<void>(::chmod(path.c_str(), 0600));
}

/// Gives every file of a directory mode 0600: RocksDB makes them as the umask lets it. Files come
/// and go while this looks, and what cannot be helped is left to the directory's own mode.
inline void make_files_private(const std::string& directory) {
  for (const std::string& file : files_in(directory, "open")) {
    make_private(directory + "/" + file);
  }
}

/// Returns when every file of a directory is on disk.
inline void sync_files(const std::string& directory, const char* operation) {
  for (const std::string& file : files_in(directory, operation)) {
    const std::string path = directory + "/" + file;
    const support::FileDescriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!opened || ::fsync(opened.get()) != 0) {
      fail_on_file(errno, path, operation, "cannot be synced");
    }
  }
}

/// Removes a directory and the plain files in it, as far as that goes.
inline void remove_directory(const std::string& directory) {
  for (const std::string& file : files_in(directory, "open")) {
    static_cast<void>(::unlink((directory + "/" + file).c_str()));
  }
  static_cast<void>(::rmdir(directory.c_str()));
}

[[nodiscard]] inline bool ends_with(BytesView name, BytesView suffix) noexcept {
  return name.size() >= suffix.size() && name.substr(name.size() - suffix.size()) == suffix;
}

}  // namespace varve::detail::rocks
