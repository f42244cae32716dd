// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/file_system.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace varve {

namespace detail {

[[nodiscard]] inline ErrorKind error_kind_of(int system_code) noexcept {
  switch (system_code) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return ErrorKind::no_space;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorKind::read_only;
    case EWOULDBLOCK:
    case EBUSY: return ErrorKind::busy;
    default: return ErrorKind::io;
  }
}

/// What can be done about it, where that is known.
[[nodiscard]] inline const char* advice_on(int system_code) noexcept {
  if (system_code == EROFS) return ": it is mounted to be read only; mount it to be written";
  switch (error_kind_of(system_code)) {
    case ErrorKind::no_space: return ": make room, or raise the quota or the limit of file sizes";
    case ErrorKind::read_only:
      return ": see that this process may use it, by its owner, its mode and its attributes";
    default: return "";
  }
}

[[noreturn]] inline void throw_system(const char* operation, BytesView path, int system_code) {
  throw Error(
      error_kind_of(system_code),
      {.message = "the file system refused '" + std::string(path) + "'" + advice_on(system_code),
       .operation = operation,
       .layer = "file_system",
       .engine_code = system_code,
       .engine_text = std::generic_category().message(system_code)});
}

/// Calls again for as long as a signal comes between.
template <class Call>
auto retried(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace detail

/// An open file of a POSIX system. Models `FileHandle`.
/// Threads: as the descriptor: reads and writes at different offsets may run at once.
class PosixFile {
 public:
  PosixFile(int descriptor, std::string path) noexcept
      : descriptor_(descriptor), path_(std::move(path)) {}

  PosixFile(PosixFile&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        path_(std::move(other.path_)),
        one_call_(other.one_call_) {}

  PosixFile& operator=(PosixFile&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(path_, other.path_);
    std::swap(one_call_, other.one_call_);
    return *this;
  }

  ~PosixFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  void write_at(std::uint64_t offset, BytesView bytes) {
    while (!bytes.empty()) {
      const auto wrote = detail::retried([&] {
        return ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      });
      if (wrote < 0) detail::throw_system("write", path_, errno);
      bytes.remove_prefix(static_cast<std::size_t>(wrote));
      offset += static_cast<std::uint64_t>(wrote);
    }
  }

  [[nodiscard]] std::size_t read_at(std::uint64_t offset, std::span<char> buffer) const {
    std::size_t done = 0;
    while (done < buffer.size()) {
      const auto got = detail::retried([&] {
        return ::pread(descriptor_, buffer.data() + done, buffer.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (got < 0) detail::throw_system("read", path_, errno);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  /// In one call where the file system can; the first that it cannot do tells.
  void write_through(std::uint64_t offset, BytesView bytes) {
#if defined(RWF_DSYNC)
    while (one_call_ && !bytes.empty()) {
      iovec part{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
      const auto wrote = detail::retried(
          [&] { return ::pwritev2(descriptor_, &part, 1, static_cast<off_t>(offset), RWF_DSYNC); });
      if (wrote < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL)) {
        one_call_ = false;
      } else if (wrote < 0) {
        detail::throw_system("write_through", path_, errno);
      } else {
        bytes.remove_prefix(static_cast<std::size_t>(wrote));
        offset += static_cast<std::uint64_t>(wrote);
      }
    }
    if (one_call_) return;
#endif
    write_at(offset, bytes);
    if (detail::retried([&] { return ::fdatasync(descriptor_); }) != 0) {
      detail::throw_system("write_through", path_, errno);
    }
  }

  /// What `write_through` calls.
  [[nodiscard]] const char* write_through_by() const noexcept {
    return one_call_ ? "pwritev2 with RWF_DSYNC" : "pwrite and fdatasync";
  }

  void sync() {
    if (detail::retried([&] { return ::fsync(descriptor_); }) != 0) {
      detail::throw_system("sync", path_, errno);
    }
  }

  void truncate(std::uint64_t size) {
    if (detail::retried([&] { return ::ftruncate(descriptor_, static_cast<off_t>(size)); }) != 0) {
      detail::throw_system("truncate", path_, errno);
    }
  }

  [[nodiscard]] std::uint64_t size() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) detail::throw_system("size", path_, errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
  std::string path_;
#if defined(RWF_DSYNC)
  bool one_call_ = true;
#else
  bool one_call_ = false;
#endif
};

/// The file system of a POSIX machine. Models `FileSystem`; stateless.
class PosixFileSystem {
 public:
  [[nodiscard]] PosixFile open(BytesView path, OpenMode mode) {
    const std::string name(path);
    int flags = O_CLOEXEC | O_NOFOLLOW;
    if (mode == OpenMode::read) flags |= O_RDONLY;
    if (mode == OpenMode::write) flags |= O_RDWR;
    if (mode == OpenMode::create) flags |= O_RDWR | O_CREAT | O_EXCL;
    const int descriptor = detail::retried([&] { return ::open(name.c_str(), flags, 0600); });
    if (descriptor < 0) detail::throw_system("open", path, errno);
    PosixFile file(descriptor, name);
    if (mode == OpenMode::create && ::fchmod(descriptor, 0600) != 0) {
      detail::throw_system("open", path, errno);
    }
    return file;
  }

  [[nodiscard]] bool exists(BytesView path) {
    struct stat status {};
    if (::lstat(std::string(path).c_str(), &status) == 0) return true;
    if (errno != ENOENT && errno != ENOTDIR) detail::throw_system("exists", path, errno);
    return false;
  }

  void rename(BytesView from, BytesView to) {
    if (::rename(std::string(from).c_str(), std::string(to).c_str()) != 0) {
      detail::throw_system("rename", from, errno);
    }
  }

  void remove(BytesView path) {
    if (::unlink(std::string(path).c_str()) != 0) detail::throw_system("remove", path, errno);
  }

  /// Makes the directory and those above it that are missing, each 0700. One that is there is left
  /// as it is.
  void create_directory(BytesView path) {
    const std::string name(path);
    int code = make_directory(name);
    const std::size_t slash = name.rfind('/');
    const std::string above = name.substr(0, slash == std::string::npos ? 0 : slash);
    if (code == ENOENT && !above.empty()) {
      create_directory(above);
      code = make_directory(name);
    }
    if (code == 0) return;
    struct stat status {};
    if (code == EEXIST && ::stat(name.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return;
    if (code == EEXIST || code == ENOTDIR) {
      throw Error(ErrorKind::io, {.message = "'" + name +
                                             "' is, or lies below, something that is no directory; "
                                             "name another path, or move that away",
                                  .operation = "create_directory",
                                  .layer = "file_system",
                                  .engine_code = ENOTDIR});
    }
    detail::throw_system("create_directory", path, code);
  }

  void sync_directory(BytesView path) {
    const std::string name = path.empty() ? std::string(".") : std::string(path);
    const int descriptor =
        detail::retried([&] { return ::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (descriptor < 0) detail::throw_system("sync_directory", path, errno);
    PosixFile(descriptor, name).sync();
  }

  [[nodiscard]] std::vector<std::string> list(BytesView path) {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(std::string(path).c_str()),
                                                        &::closedir);
    if (!directory) detail::throw_system("list", path, errno);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* const entry = ::readdir(directory.get())) {
      const BytesView name(entry->d_name);
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) detail::throw_system("list", path, errno);
    return names;
  }

  [[nodiscard]] std::uint64_t free_bytes(BytesView path) {
    struct statvfs status {};
    if (::statvfs(std::string(path).c_str(), &status) != 0) {
      detail::throw_system("free_bytes", path, errno);
    }
    return std::uint64_t{status.f_bavail} * status.f_frsize;
  }

  /// Holds an exclusive `flock` on the file while it lives, and leaves the holder's process id in
  /// it.
  class Lock {
   public:
    explicit Lock(PosixFile file) noexcept : file_(std::move(file)) {}

   private:
    PosixFile file_;
  };

  [[nodiscard]] Lock lock(BytesView path) {
    PosixFile file = open_or_create(path);
    if (detail::retried([&] { return ::flock(file.descriptor(), LOCK_EX | LOCK_NB); }) != 0) {
      const int code = errno;
      if (code != EWOULDBLOCK) detail::throw_system("lock", path, code);
      std::string holder(32, '\0');
      holder.resize(file.read_at(0, holder));
      throw Error(ErrorKind::busy, {.message = "'" + std::string(path) + "' is held by process " +
                                               holder + "; stop it, or use another directory",
                                    .operation = "lock",
                                    .layer = "file_system"});
    }
    file.truncate(0);
    file.write_at(0, std::to_string(::getpid()));
    return Lock(std::move(file));
  }

 private:
  /// Returns what failed, as `errno` says it; 0 where nothing did.
  [[nodiscard]] static int make_directory(const std::string& name) noexcept {
    if (::mkdir(name.c_str(), 0700) != 0) return errno;
    return ::chmod(name.c_str(), 0700) == 0 ? 0 : errno;
  }

  [[nodiscard]] PosixFile open_or_create(BytesView path) {
    const std::string name(path);
    const int descriptor = detail::retried(
        [&] { return ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600); });
    if (descriptor < 0) detail::throw_system("lock", path, errno);
    return PosixFile(descriptor, name);
  }
};

}  // namespace varve
