// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/migrations/run_options.hpp>
#include <varve/migrations/run_words.hpp>
#include <varve/migrations/terminal_line.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace varve {

namespace detail {

/// "migrating blocks: 42% 420,000 of 1,000,000 records, 310,000 a second, 2 s left", or briefly
/// "blocks: 42% 420,000 of 1,000,000, 310,000/s, 2 s left".
[[nodiscard]] inline std::string progress_in_words(const MigrationProgress& progress,
                                                   bool briefly = false) {
  const std::string tree(progress.tree);
  if (progress.finished) return "migrated: " + grouped_digits(progress.done) + " records";
  if (progress.verifying) return "verifying " + tree + ": all of it is read again";
  if (progress.compacting) return "compacting " + tree + ": the new version is in force";
  std::string text = (briefly ? "" : "migrating ") + tree + ": ";
  if (progress.total != 0) {
    const std::uint64_t done = progress.done < progress.total ? progress.done : progress.total;
    text += std::to_string(100 * done / progress.total) + "% ";
  }
  text += grouped_digits(progress.done);
  if (progress.total != 0) text += " of " + grouped_digits(progress.total);
  text += briefly ? "" : " records";
  if (progress.records_per_second < 1) return text;
  text += ", " + grouped_digits(static_cast<std::uint64_t>(progress.records_per_second)) +
          (briefly ? "/s" : " a second");
  if (progress.total <= progress.done) return text;
  return text + ", " + time_in_words(progress.seconds_left) + " left";
}

/// The words, and a bar where there is room for one: the brief words on a terminal of usual width.
[[nodiscard]] inline std::string progress_with_bar(const MigrationProgress& progress,
                                                   std::size_t width) {
  constexpr std::size_t least_bar = 10;
  constexpr std::size_t most_bar = 40;
  constexpr std::size_t around = 4;  // two blanks and two brackets
  constexpr std::size_t wide = 100;
  const auto fits = [&](const std::string& words) {
    return words.size() + around + least_bar < width;
  };
  std::string text = progress_in_words(progress);
  if (progress.total == 0 || progress.verifying || progress.finished || progress.compacting) {
    return text;
  }
  if (width < wide || !fits(text)) {
    std::string brief = progress_in_words(progress, true);
    if (!fits(brief)) return text;
    text = std::move(brief);
  }
  const std::size_t room = width - 1 - text.size() - around;
  const std::size_t bar = room < most_bar ? room : most_bar;
  const std::uint64_t done = progress.done < progress.total ? progress.done : progress.total;
  const auto full = static_cast<std::size_t>(static_cast<double>(bar) * static_cast<double>(done) /
                                             static_cast<double>(progress.total));
  return text + "  [" + std::string(full, '=') + std::string(bar - full, ' ') + "]";
}

class TerminalProgress {
 public:
  TerminalProgress(int descriptor, std::chrono::milliseconds between_lines)
      : line_(descriptor),
        between_(line_.live() ? std::chrono::milliseconds(100) : between_lines) {}

  void operator()(const MigrationProgress& progress) {
    const auto now = std::chrono::steady_clock::now();
    const bool complete = progress.total != 0 && progress.done >= progress.total;
    const bool turns = progress.finished || progress.compacting ||
                       (progress.verifying && !verifying_) || (complete && !complete_);
    if (shown_ && !turns && now - last_ < between_) return;
    shown_ = true;
    last_ = now;
    verifying_ = progress.verifying;
    complete_ = complete;
    if (line_.live()) return line_.draw(progress_with_bar(progress, line_.width()));
    line_.line("varve: " + progress_in_words(progress));
  }

 private:
  TerminalLine line_;
  std::chrono::milliseconds between_;
  std::chrono::steady_clock::time_point last_{};
  bool shown_ = false;
  bool verifying_ = false;
  bool complete_ = false;
};

}  // namespace detail

/// Shows a run to people: `RunOptions{.progress = terminal_progress()}`. On a terminal, one line
/// that is drawn over: what is done, of how much, the rate, the time left, a bar. Elsewhere - a
/// file, a pipe, a journal - a line at the beginning, at each turn and after `between_lines`.
///
/// `descriptor` is that of the standard error output; it must stay open as long as the run lasts.
/// What cannot be written there is left out: a run does not end for it.
[[nodiscard]] inline std::function<void(const MigrationProgress&)> terminal_progress(
    int descriptor = STDERR_FILENO,
    std::chrono::milliseconds between_lines = std::chrono::seconds(10)) {
  return detail::TerminalProgress(descriptor, between_lines);
}

}  // namespace varve
