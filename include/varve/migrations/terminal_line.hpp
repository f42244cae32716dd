// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <string>

namespace varve::detail {

/// A line on a terminal that is drawn over again and again; elsewhere each is a line of its own.
///
/// It ends with a newline that the next one takes back, so whatever is written after it begins on a
/// line of its own. Failures to write are ignored: nobody is there who could be told.
class TerminalLine {
 public:
  explicit TerminalLine(int descriptor) : descriptor_(descriptor) {
    const char* const kind = std::getenv("TERM");
    live_ = ::isatty(descriptor) != 0 && (kind == nullptr || BytesView(kind) != "dumb");
  }

  /// Whether lines can be drawn over.
  [[nodiscard]] bool live() const noexcept { return live_; }

  /// Columns: 80 where nobody knows.
  [[nodiscard]] std::size_t width() const {
    winsize size{};
    if (::ioctl(descriptor_, TIOCGWINSZ, &size) == 0 && size.ws_col != 0) return size.ws_col;
    return 80;
  }

  void line(BytesView text) {
    drawn_ = false;
    write(std::string(text) + "\n");
  }

  /// A line over the one that was drawn before it. Cut to the width, since what wraps cannot be
  /// drawn over.
  void draw(BytesView text) {
    if (!live_) return line(text);
    const char* const back = drawn_ ? "\x1b[A\r\x1b[K" : "\r\x1b[K";
    drawn_ = true;
    write(back + std::string(text.substr(0, width() - 1)) + "\n");
  }

 private:
  void write(BytesView text) const {
    while (!text.empty()) {
      const ssize_t written = ::write(descriptor_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  int descriptor_;
  bool live_;
  bool drawn_ = false;
};

}  // namespace varve::detail
