// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/poll.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace varve::testing::detail {

/// One thing that a child of a kill loop says. It goes through the pipe in one piece.
struct KillMessage {
  enum class Kind : std::uint32_t {
    sent,          ///< a batch is about to be written
    acknowledged,  ///< its write has returned
    flushing,      ///< a flush is about to begin
    flushed,       ///< it has returned
    found,         ///< the store that was opened holds so many batches of the writer
    opened,        ///< and that was all
    wrong,         ///< the store is not what it must be; text follows
    failed         ///< an operation threw; text follows
  };

  Kind kind{};
  std::uint32_t writer = 0;
  std::uint64_t number = 0;   ///< of the batch; of a text, its bytes
  std::uint64_t durable = 0;  ///< whether the batch was written as such
};

/// The child's end of the pipe.
class KillPipe {
 public:
  explicit KillPipe(int descriptor) noexcept : descriptor_(descriptor) {}

  void say(const KillMessage& message) const {
    write_whole(reinterpret_cast<const char*>(&message), sizeof message);
  }

  void say(KillMessage::Kind kind, std::string text) const {
    constexpr std::size_t whole_at_once = 2048;
    text.resize(std::min(text.size(), whole_at_once));
    KillMessage message{kind};
    message.number = text.size();
    std::string bytes(reinterpret_cast<const char*>(&message), sizeof message);
    bytes += text;
    write_whole(bytes.data(), bytes.size());
  }

 private:
  void write_whole(const char* bytes, std::size_t size) const {
    if (::write(descriptor_, bytes, size) != static_cast<ssize_t>(size)) ::_exit(3);
  }

  int descriptor_;
};

/// A forked process that can be killed, and what it says.
///
/// It may be forked only from a process of one thread: another one's locks would stay locked for
/// ever in the child. The constructor refuses anything else where it can tell.
class KillChild {
 public:
  template <class Body>
  explicit KillChild(Body body) {
    refuse_threads();
    int ends[2] = {};
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) fail("fork");
    if (pid_ == 0) {
      ::close(ends[0]);
      die_with(parent);
      const KillPipe pipe(ends[1]);
      try {
        body(pipe);
      } catch (const std::exception& error) {
        pipe.say(KillMessage::Kind::failed, error.what());
      }
      ::_exit(0);
    }
    ::close(ends[1]);
    from_ = ends[0];
  }

  KillChild(const KillChild&) = delete;
  KillChild& operator=(const KillChild&) = delete;

  ~KillChild() {
    kill();
    static_cast<void>(wait());
    ::close(from_);
  }

  void kill() const noexcept {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
  }

  /// The next message, or nothing where none comes in time or the child is gone.
  [[nodiscard]] std::optional<KillMessage> next(std::chrono::microseconds patience) {
    if (!ended_ && unread() < sizeof(KillMessage)) fill(patience);
    if (unread() < sizeof(KillMessage)) return std::nullopt;
    KillMessage message;
    std::memcpy(&message, buffer_.data() + at_, sizeof message);
    at_ += sizeof message;
    return message;
  }

  /// The text of a message that has one; it came in one piece with the message.
  [[nodiscard]] std::string text(const KillMessage& message) {
    std::string text = buffer_.substr(at_, message.number);
    at_ += text.size();
    return text;
  }

  /// Whether all that it said was read, and nothing more can come.
  [[nodiscard]] bool ended() const noexcept { return ended_ && unread() < sizeof(KillMessage); }

  /// How it ended, as `waitpid` says it.
  int wait() noexcept {
    while (pid_ > 0 && ::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) continue;
    pid_ = -1;
    return status_;
  }

 private:
  [[noreturn]] static void fail(const char* operation) {
    throw Error(ErrorKind::io, {.message = std::generic_category().message(errno),
                                .operation = operation,
                                .layer = "kill_loop",
                                .engine_code = errno});
  }

  static void refuse_threads() {
#if defined(__linux__) && !defined(__SANITIZE_THREAD__)
    std::error_code unknown;
    const std::filesystem::directory_iterator tasks("/proc/self/task", unknown);
    if (unknown || std::distance(begin(tasks), end(tasks)) == 1) return;
    throw Error(ErrorKind::invalid_argument,
                {.message = "the process has more than one thread, and a fork of it would inherit "
                            "their locks: run the kill loop before any engine is opened, in a "
                            "program or a test of its own",
                 .operation = "fork",
                 .layer = "kill_loop"});
#endif
  }

  /// Lest it writes on for ever where the parent is stopped.
  static void die_with([[maybe_unused]] pid_t parent) noexcept {
#if defined(__linux__)
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(3);
#endif
  }

  [[nodiscard]] std::size_t unread() const noexcept { return buffer_.size() - at_; }

  void fill(std::chrono::microseconds patience) {
    pollfd poll{from_, POLLIN, 0};
    const timespec time{patience.count() / 1'000'000, (patience.count() % 1'000'000) * 1000};
    if (::ppoll(&poll, 1, &time, nullptr) <= 0) return;
    buffer_.erase(0, at_);
    at_ = 0;
    char bytes[16384];
    const ssize_t count = ::read(from_, bytes, sizeof bytes);
    if (count < 0 && errno == EINTR) return;
    ended_ = count <= 0;
    if (count > 0) buffer_.append(bytes, static_cast<std::size_t>(count));
  }

  pid_t pid_ = -1;
  int from_ = -1;
  int status_ = 0;
  bool ended_ = false;
  std::string buffer_;
  std::size_t at_ = 0;
};

}  // namespace varve::testing::detail
