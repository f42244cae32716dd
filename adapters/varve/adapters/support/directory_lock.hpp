// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/support/file_descriptor.hpp>
#include <varve/adapters/support/private_directory.hpp>
#include <varve/adapters/support/system_error.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <ctime>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>

namespace varve::support {

namespace detail {

/// A directory that this process holds.
struct HeldDirectory {
  dev_t device{};
  ino_t inode{};
  FileDescriptor file;
  HeldDirectory* previous = nullptr;
  HeldDirectory* next = nullptr;
};

/// The directories that this process holds. A child of `fork()` holds none of them: it drops its
/// copies of the descriptors, or it would keep the lock when its parent is gone.
class HeldDirectories {
 public:
  [[nodiscard]] static HeldDirectories& instance() {
    static HeldDirectories* const held = new HeldDirectories;
    return *held;
  }

  enum class Taken { yes, here, elsewhere };

  /// Opens and locks the file in one step, so that no child of `fork()` is left with a copy. Where
  /// another process has it, the file is open all the same; `here` where this process has it.
  /// `fail()` throws what `errno` says.
  template <class Fail>
  [[nodiscard]] Taken take(HeldDirectory& directory, const std::string& path, BytesView layer,
                           Fail&& fail) {
    const std::lock_guard lock(mutex_);
    for (const HeldDirectory* at = head_; at != nullptr; at = at->next) {
      if (at->device == directory.device && at->inode == directory.inode) return Taken::here;
    }
    directory.file = open_private_file(path, layer);
    int result = 0;
    do {
      result = ::flock(directory.file.get(), LOCK_EX | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    if (result != 0 && errno == EWOULDBLOCK) return Taken::elsewhere;
    if (result != 0) fail();
    directory.next = head_;
    if (head_ != nullptr) head_->previous = &directory;
    head_ = &directory;
    return Taken::yes;
  }

  /// Takes it off the list and lets go of its lock in one step.
  void remove(HeldDirectory& directory) noexcept {
    const std::lock_guard lock(mutex_);
    if (directory.previous != nullptr) directory.previous->next = directory.next;
    if (directory.next != nullptr) directory.next->previous = directory.previous;
    if (head_ == &directory) head_ = directory.next;
    directory.file = FileDescriptor();
  }

 private:
  HeldDirectories() {
    ::pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                     [] { instance().forget_in_child(); });
  }

  void forget_in_child() noexcept {
    while (head_ != nullptr) {
      HeldDirectory* const gone = std::exchange(head_, head_->next);
      gone->file = FileDescriptor();
      gone->next = nullptr;
      gone->previous = nullptr;
    }
    mutex_.unlock();
  }

  std::mutex mutex_;
  HeldDirectory* head_ = nullptr;
};

}  // namespace detail

/// Holds a directory for one engine of one process: `varve.lock` in it is locked, and names the
/// holder. The lock goes with its owner or with the process, however that ends; what a dead process
/// has left in the file is no obstacle. It does not go to a child of `fork()`.
///
/// A second one for the same directory, by whatever path, throws `busy` and names the holder; so
/// does a second one in the same process.
///
/// Move-only. Different locks may be used from different threads.
class DirectoryLock {
 public:
  DirectoryLock() noexcept = default;

  /// Locks `directory`, which must be there. `layer` is named in errors.
  DirectoryLock(const std::string& directory, BytesView layer)
      : held_(std::make_unique<detail::HeldDirectory>()) {
    const std::string path = directory + "/varve.lock";
    struct stat status {};
    if (::stat(directory.c_str(), &status) != 0) fail(path, layer);
    held_->device = status.st_dev;
    held_->inode = status.st_ino;
    using detail::HeldDirectories;
    switch (HeldDirectories::instance().take(*held_, path, layer, [&] { fail(path, layer); })) {
      case HeldDirectories::Taken::yes: break;
      case HeldDirectories::Taken::here: refuse(directory, "this process", layer);
      case HeldDirectories::Taken::elsewhere: refuse(directory, read_holder(), layer);
    }
    describe_holder();
  }

  DirectoryLock(DirectoryLock&& other) noexcept = default;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept {
    DirectoryLock old(std::move(*this));
    held_ = std::move(other.held_);
    return *this;
  }

  ~DirectoryLock() {
    if (held_ != nullptr) detail::HeldDirectories::instance().remove(*held_);
  }

  [[nodiscard]] bool held() const noexcept { return held_ != nullptr; }

 private:
  /// "pid 123\nprogram catalogue\nsince 2026-01-31T10:20:30Z\n". The lock holds without it, as on a
  /// full disk.
  void describe_holder() const noexcept try {
    char program[64] = {};
    const FileDescriptor comm(::open("/proc/self/comm", O_RDONLY | O_CLOEXEC));
    const ssize_t size = comm ? ::read(comm.get(), program, sizeof program - 1) : 0;
    BytesView program_name(program, size > 0 ? static_cast<std::size_t>(size) : 0);
    program_name = program_name.substr(0, program_name.find('\n'));
    char since[32] = {};
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    if (std::strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) return;
    std::string text = "pid " + std::to_string(::getpid()) + "\nprogram ";
    text.append(program_name).append("\nsince ").append(since).append("\n");
    if (::ftruncate(held_->file.get(), 0) != 0) return;
    if (::pwrite(held_->file.get(), text.data(), text.size(), 0) < 0) return;
  } catch (const std::bad_alloc&) {
    return;
  }

  [[nodiscard]] std::string read_holder() const {
    char text[256] = {};
    const ssize_t size = ::pread(held_->file.get(), text, sizeof text, 0);
    const BytesView all(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    const std::string pid = line(all, "pid ");
    if (pid.empty()) return "another process";
    if (pid == std::to_string(::getpid())) return "this process";
    return "process " + pid + " (" + line(all, "program ") + ") since " + line(all, "since ");
  }

  [[nodiscard]] static std::string line(BytesView text, BytesView label) {
    const std::size_t start = text.find(label);
    if (start == BytesView::npos) return {};
    const BytesView rest = text.substr(start + label.size());
    std::string word(rest.substr(0, rest.find('\n')));
    for (char& c : word) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    }
    return word;
  }

  [[noreturn]] static void refuse(const std::string& directory, const std::string& holder,
                                  BytesView layer) {
    const bool own = holder == "this process";
    throw Error(ErrorKind::busy,
                {.message = "the directory '" + directory +
                            (own ? "' is open in this process already; use the store that is open, "
                                   "or destroy it first"
                                 : "' is held by " + holder +
                                       "; stop that process or give another directory"),
                 .operation = "open",
                 .layer = std::string(layer)});
  }

  [[noreturn]] static void fail(const std::string& path, BytesView layer) {
    throw system_error(errno, {.message = "the file '" + path +
                                          "' cannot be locked; put the store on a file system "
                                          "with working locks",
                               .operation = "open",
                               .layer = std::string(layer)});
  }

  std::unique_ptr<detail::HeldDirectory> held_;
};

}  // namespace varve::support
