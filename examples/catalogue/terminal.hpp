// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace catalogue {

/// Something that this program claims has turned out to be false.
struct Disproof : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Standard output. In colour where it is a terminal, unless NO_COLOR is set or TERM is "dumb".
class Terminal {
 public:
  Terminal();

  /// Whether lines can be drawn over.
  [[nodiscard]] bool live() const noexcept { return live_; }
  /// Columns; 80 where it is no terminal.
  [[nodiscard]] std::size_t width() const noexcept { return width_; }

  [[nodiscard]] std::string strong(std::string_view text) const { return styled("1", text); }
  [[nodiscard]] std::string faint(std::string_view text) const { return styled("2", text); }

  void chapter(std::string_view title);
  void line(std::string_view text = "");

  /// Prints a claim that holds. Throws `Disproof` for one that does not.
  void check(bool holds, const std::string& claim);

  /// Draws over the last line that was drawn so; nothing where lines cannot be.
  void draw(std::string_view text);

 private:
  [[nodiscard]] std::string styled(std::string_view code, std::string_view text) const;

  bool live_ = false;
  bool colour_ = false;
  std::size_t width_ = 80;
  int chapters_ = 0;
};

/// A bar with the rate and the time left; plain lines, one each quarter, where nothing can be drawn
/// over.
class Progress {
 public:
  /// `done` of `total` are there already.
  Progress(Terminal& terminal, std::string label, std::uint64_t total, std::uint64_t done = 0);

  void at(std::uint64_t done);

  /// Leaves the bar standing where it is.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] std::string in_words() const;
  void draw();

  Terminal* terminal_;
  std::string label_;
  std::uint64_t total_;
  std::uint64_t first_;
  std::uint64_t done_;
  std::uint64_t quarter_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_{};
};

}  // namespace catalogue
