// SPDX-License-Identifier: Apache-2.0
#include "terminal.hpp"

#include "text.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace catalogue {

Terminal::Terminal() {
  const char* const term = std::getenv("TERM");
  const char* const no_color = std::getenv("NO_COLOR");
  live_ = ::isatty(STDOUT_FILENO) != 0 && term != nullptr && std::string_view(term) != "dumb";
  colour_ = live_ && (no_color == nullptr || *no_color == '\0');
  winsize size{};
  if (live_ && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    width_ = size.ws_col;
  }
}

void Terminal::chapter(std::string_view title) {
  line();
  line(strong(std::to_string(++chapters_) + "  " + std::string(title)));
  line();
}

void Terminal::line(std::string_view text) {
  std::printf("%.*s\n", static_cast<int>(text.size()), text.data());
  std::fflush(stdout);
}

void Terminal::check(bool holds, const std::string& claim) {
  if (!holds) throw Disproof("not true: " + claim);
  line("   " + styled("32", "ok") + "  " + claim);
}

void Terminal::draw(std::string_view text) {
  if (!live_) return;
  std::printf("\r\x1b[K%.*s", static_cast<int>(text.size()), text.data());
  std::fflush(stdout);
}

std::string Terminal::styled(std::string_view code, std::string_view text) const {
  if (!colour_) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

Progress::Progress(Terminal& terminal, std::string label, std::uint64_t total, std::uint64_t done)
    : terminal_(&terminal),
      label_(std::move(label)),
      total_(std::max<std::uint64_t>(total, 1)),
      first_(done),
      done_(done),
      quarter_(4 * done / total_) {}

void Progress::at(std::uint64_t done) {
  done_ = done;
  if (!terminal_->live()) {
    const std::uint64_t quarter = 4 * done_ / total_;
    if (quarter > quarter_ && quarter < 4) terminal_->line(in_words());
    quarter_ = quarter;
    return;
  }
  if (Clock::now() - drawn_ < std::chrono::milliseconds(50)) return;
  drawn_ = Clock::now();
  draw();
}

void Progress::stop() {
  if (!terminal_->live()) return terminal_->line(in_words());
  draw();
  terminal_->line();
}

std::string Progress::in_words() const {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const auto fresh = static_cast<double>(done_ - first_);
  std::string text = "   " + left(label_, 10) + right(std::to_string(100 * done_ / total_), 4) +
                     "%  " + right(grouped(done_), 9) + " of " + grouped(total_);
  if (fresh == 0 || seconds == 0) return text;
  text += "  " + right(grouped(static_cast<std::uint64_t>(fresh / seconds)), 9) + "/s";
  const double left_over = static_cast<double>(total_ - done_) * seconds / fresh;
  if (done_ < total_ && seconds > 0.2) text += "  " + duration(left_over * 1e9) + " left";
  return text;
}

void Progress::draw() {
  const std::string words = in_words();
  const std::size_t room = std::min<std::size_t>(terminal_->width(), 100);
  const std::size_t bar = room > words.size() + 8 ? room - words.size() - 4 : 0;
  const std::size_t full = bar * done_ / total_;
  terminal_->draw(words + "  " + std::string(full, '=') +
                  terminal_->faint(std::string(bar - full, '-')));
}

}  // namespace catalogue
