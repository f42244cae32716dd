// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/support/file_descriptor.hpp>
#include <varve/adapters/support/system_error.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <vector>

namespace varve::support {

/// Returns when the entries of a directory are on disk.
inline void sync_directory(const std::string& path, BytesView layer) {
  const FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory && ::fsync(directory.get()) == 0) return;
  if (directory && (errno == EINVAL || errno == ENOTSUP)) return;
  throw system_error(errno, {.message = "the directory '" + path + "' cannot be synced",
                             .operation = "open",
                             .layer = std::string(layer)});
}

namespace detail {

/// The directory that holds `path`; of "/" it is "/" and of a bare name it is ".".
[[nodiscard]] inline std::string parent_of(const std::string& path) {
  const std::size_t last = path.find_last_not_of('/');
  if (last == std::string::npos) return "/";
  const std::size_t slash = path.find_last_of('/', last);
  if (slash == std::string::npos) return ".";
  const std::size_t end = path.find_last_not_of('/', slash);
  return end == std::string::npos ? "/" : path.substr(0, end + 1);
}

[[noreturn]] inline void refuse_directory(ErrorKind kind, std::string message, BytesView layer) {
  throw Error(kind,
              {.message = std::move(message), .operation = "open", .layer = std::string(layer)});
}

/// Whether a directory stands at `path`; throws where something else does, or where it is a
/// directory in which this process may not work.
[[nodiscard]] inline bool usable_directory(const std::string& path, BytesView layer) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) {
      throw system_error(errno, {.message = "'" + path + "' cannot be looked at",
                                 .operation = "open",
                                 .layer = std::string(layer)});
    }
    if (::lstat(path.c_str(), &status) != 0) return false;
    refuse_directory(ErrorKind::invalid_argument,
                     "'" + path + "' is a symbolic link to nothing; remove it or make its target",
                     layer);
  }
  if (!S_ISDIR(status.st_mode)) {
    refuse_directory(ErrorKind::invalid_argument,
                     "'" + path + "' is not a directory; give the path of a directory", layer);
  }
  if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
    throw system_error(errno, {.message = "the directory '" + path +
                                          "' may not be written by this process; change its owner "
                                          "or its mode, or give another",
                               .operation = "open",
                               .layer = std::string(layer)});
  }
  return true;
}

}  // namespace detail

/// Sees to it that `path` is a directory in which this process can work, making it and its parents
/// where they are not there, each with mode 0700 under any umask; what is made is on disk when
/// this returns. A directory that is there keeps its mode.
///
/// Errors: `invalid_argument` for what is no directory, `read_only` for one that may not be
/// written, `no_space`, `io`; all found before anything is changed, but for what the system refuses
/// only when it is tried.
inline void make_private_directory(const std::string& path, BytesView layer) {
  if (path.empty() || path.find('\0') != std::string::npos) {
    detail::refuse_directory(ErrorKind::invalid_argument, "a store needs the path of a directory",
                             layer);
  }
  std::vector<std::string> missing;
  for (std::string at = path; !detail::usable_directory(at, layer); at = detail::parent_of(at)) {
    missing.push_back(at);
  }
  for (; !missing.empty(); missing.pop_back()) {
    const std::string& next = missing.back();
    if (::mkdir(next.c_str(), 0700) == 0) {
      if (::chmod(next.c_str(), 0700) == 0) {
        sync_directory(detail::parent_of(next), layer);
        continue;
      }
    } else if (errno == EEXIST && detail::usable_directory(next, layer)) {
      continue;
    }
    throw system_error(errno, {.message = "the directory '" + next + "' cannot be made",
                               .operation = "open",
                               .layer = std::string(layer)});
  }
}

/// Opens the file `path` for reading and writing, and makes it with mode 0600 under any umask where
/// it is not there. Never follows a symbolic link, and is closed at `exec`. Errors as above.
[[nodiscard]] inline FileDescriptor open_private_file(const std::string& path, BytesView layer) {
  constexpr int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  FileDescriptor file(::open(path.c_str(), flags | O_CREAT | O_EXCL, 0600));
  if (file) {
    if (::fchmod(file.get(), 0600) == 0) return file;
  } else if (errno == EEXIST) {
    file = FileDescriptor(::open(path.c_str(), flags));
    struct stat status {};
    if (file && ::fstat(file.get(), &status) == 0) {
      if (S_ISREG(status.st_mode)) return file;
      detail::refuse_directory(ErrorKind::invalid_argument,
                               "'" + path + "' is not a plain file; move it away", layer);
    }
  }
  throw system_error(errno, {.message = errno == ELOOP ? "'" + path +
                                                             "' is a symbolic link, which is not "
                                                             "followed; put the file itself there"
                                                       : "the file '" + path + "' cannot be opened",
                             .operation = "open",
                             .layer = std::string(layer)});
}

}  // namespace varve::support
