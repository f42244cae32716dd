// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/migrations/terminal_grace.hpp>
#include <varve/migrations/terminal_progress.hpp>
#include <varve/open.hpp>

#include "catch.hpp"
#include "migrations/blocks.hpp"
#include "temp_directory.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>

using namespace varve;
using namespace varve_test::blocks;
using namespace std::chrono_literals;
using varve_test::ContainsSubstring;
using varve_test::TempDirectory;

namespace {

/// What has been written to the other end, once nothing has come for some time.
std::string read_all(int descriptor, int patience_ms = 100) {
  std::string text;
  std::array<char, 4096> some{};
  pollfd ready{.fd = descriptor, .events = POLLIN, .revents = 0};
  while (::poll(&ready, 1, patience_ms) > 0) {
    const ssize_t size = ::read(descriptor, some.data(), some.size());
    if (size <= 0) break;
    text.append(some.data(), static_cast<std::size_t>(size));
  }
  return text;
}

/// Two ends: what is written to `inner` is read from `outer`.
struct Ends {
  int outer = -1;
  int inner = -1;

  Ends() = default;
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;
  ~Ends() {
    ::close(inner);
    ::close(outer);
  }
};

struct Pseudoterminal : Ends {
  explicit Pseudoterminal(unsigned short columns) {
    const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    REQUIRE(::openpty(&outer, &inner, nullptr, nullptr, &size) == 0);
    REQUIRE(::setenv("TERM", "xterm", 1) == 0);
  }
};

struct Pipe : Ends {
  Pipe() {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    outer = ends[0];
    inner = ends[1];
  }
};

MigrationProgress half_done(std::uint64_t done) {
  return {.tree = "blocks",
          .done = done,
          .total = 2'000'000,
          .records_per_second = 250'000.4,
          .seconds_left = 4.1};
}

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  std::size_t length = 0;
  for (const char c : text) {
    length = c == '\n' || c == '\r' || c == '\x1b' ? 0 : length + 1;
    longest = std::max(longest, length);
  }
  return longest;
}

MigrationPlan lossy_plan() {
  MigrationPlan plan{.from = 1, .to = 3};
  const auto steps = steps_of<ToThree>();
  plan.steps.assign(steps.begin(), steps.end());
  return plan;
}

}  // namespace

TEST_CASE("terminal_progress: on a terminal one line is drawn over, with all that is known") {
  const Pseudoterminal terminal(120);
  const auto progress = terminal_progress(terminal.inner);
  progress(half_done(1'000'000));
  progress(half_done(1'000'001));  // too soon to be seen
  const std::string first = read_all(terminal.outer);
  CHECK(std::count(first.begin(), first.end(), '\n') == 1);
  CHECK_THAT(first, ContainsSubstring("migrating blocks: 50% 1,000,000 of 2,000,000 records, "
                                      "250,000 a second, 4 s left"));
  CHECK_THAT(first, ContainsSubstring("[=============="));
  CHECK_THAT(first, !ContainsSubstring("\x1b[A"));
  std::this_thread::sleep_for(100ms);
  progress(half_done(1'500'000));
  const std::string second = read_all(terminal.outer);
  CHECK_THAT(second, varve_test::StartsWith("\x1b[A\r\x1b[K"));
  CHECK_THAT(second, ContainsSubstring("75%"));
  MigrationProgress last = half_done(2'000'000);
  last.finished = true;
  progress(last);
  CHECK_THAT(read_all(terminal.outer), ContainsSubstring("migrated: 2,000,000 records"));
}

TEST_CASE("terminal_progress: there is a bar on a terminal of 80 columns") {
  const Pseudoterminal terminal(80);
  terminal_progress(terminal.inner)(half_done(1'000'000));
  const std::string text = read_all(terminal.outer);
  CHECK_THAT(text, ContainsSubstring("blocks: 50% 1,000,000 of 2,000,000, 250,000/s, 4 s left  ["));
  CHECK_THAT(text, ContainsSubstring("=  "));
  CHECK(longest_line(text) < 80 + 5);  // "[K" is counted
}

TEST_CASE("terminal_progress: a line is never wider than the terminal") {
  const Pseudoterminal terminal(40);
  terminal_progress(terminal.inner)(half_done(1'000'000));
  const std::string text = read_all(terminal.outer);
  CHECK_THAT(text, ContainsSubstring("migrating blocks: 50%"));
  CHECK(longest_line(text) < 45);  // "[K" is counted
}

TEST_CASE("terminal_progress: elsewhere a line now and then, without a word for the terminal") {
  const Pipe pipe;
  const auto progress = terminal_progress(pipe.inner, 50ms);
  for (std::uint64_t done = 0; done != 100; ++done) progress(half_done(done));
  std::string text = read_all(pipe.outer);
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  std::this_thread::sleep_for(60ms);
  progress(half_done(1'000'000));
  progress(half_done(1'000'001));
  text += read_all(pipe.outer);
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  MigrationProgress verifying = half_done(2'000'000);
  verifying.verifying = true;
  progress(verifying);
  progress(verifying);
  text += read_all(pipe.outer);
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
  CHECK_THAT(text, ContainsSubstring("varve: verifying blocks"));
  CHECK_THAT(text, !ContainsSubstring("\x1b"));
}

TEST_CASE("terminal_progress: what nobody knows is left out") {
  CHECK(detail::progress_in_words({.tree = "blocks", .done = 12'345}) ==
        "migrating blocks: 12,345 records");
  CHECK(detail::progress_in_words({.tree = "blocks", .done = 9, .total = 8}) ==
        "migrating blocks: 100% 9 of 8 records");
  CHECK(detail::time_in_words(0.2) == "0 s");
  CHECK(detail::time_in_words(200) == "3 min 20 s");
  CHECK(detail::time_in_words(7500) == "2 h 5 min");
  CHECK(detail::grouped_digits(999) == "999");
  CHECK(detail::grouped_digits(1'234'567) == "1,234,567");
}

TEST_CASE("terminal_progress: a run is shown from its beginning to its end") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    auto store = open<LmdbAdapter>(directory);
    fill_version_1(store, 300);
  }
  const Pipe pipe;
  MigratedOptions options{.adopt_as = 1};
  options.run.progress = terminal_progress(pipe.inner);
  static_cast<void>(open<Migrated<ToTwo, LmdbAdapter>>(directory, options));
  const std::string text = read_all(pipe.outer);
  CHECK_THAT(text, ContainsSubstring("100% 300 of 300 records"));
  CHECK_THAT(text, ContainsSubstring("migrated: 300 records\n"));
}

TEST_CASE("terminal_progress: an output that is gone does not end the run") {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  ::close(pipe.outer);
  pipe.outer = -1;
  CHECK_NOTHROW(terminal_progress(pipe.inner)(half_done(1)));
  std::signal(SIGPIPE, before);
}

TEST_CASE("terminal_grace: on a terminal it says what is lost and counts down") {
  const Pseudoterminal terminal(80);
  const auto start = std::chrono::steady_clock::now();
  terminal_grace(lossy_plan(), 1100ms, terminal.inner);
  CHECK(std::chrono::steady_clock::now() - start >= 1100ms);
  const std::string text = read_all(terminal.outer);
  CHECK_THAT(text, ContainsSubstring("from version 1 to 3 loses data"));
  CHECK_THAT(text, ContainsSubstring("work: it can be computed again"));
  CHECK_THAT(text, ContainsSubstring("It begins in 2 s."));
  CHECK_THAT(text, ContainsSubstring("It begins in 1 s."));
  CHECK_THAT(text, ContainsSubstring("It has begun."));
}

TEST_CASE("terminal_grace: nobody is waited for where nobody can be, or nothing is lost") {
  const auto start = std::chrono::steady_clock::now();
  const Pipe pipe;
  terminal_grace(lossy_plan(), 1h, pipe.inner);
  CHECK(read_all(pipe.outer).empty());
  const Pseudoterminal terminal(80);
  terminal_grace(lossy_plan(), 0ms, terminal.inner);
  MigrationPlan harmless = lossy_plan();
  harmless.steps.pop_back();
  terminal_grace(harmless, 1h, terminal.inner);
  CHECK(read_all(terminal.outer).empty());
  CHECK(std::chrono::steady_clock::now() - start < 1min);
}

TEST_CASE("terminal_grace: Ctrl-C stops the run before it begins, and nothing was changed") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  using Store = Migrated<ToThree, LmdbAdapter>;
  {
    auto store = open<LmdbAdapter>(directory);
    fill_version_1(store, 300);
  }
  CHECK_THROWS_AS((open<Store>(directory, MigratedOptions{.adopt_as = 1})), Error);
  const std::uint64_t accepted = plan<Store>(directory).hash();
  const winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  REQUIRE(::setenv("TERM", "xterm", 1) == 0);

  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, &size);
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGINT, SIG_DFL);  // Catch2 has a handler of its own
    int code = 1;
    try {
      static_cast<void>(
          open<Store>(directory, MigratedOptions{.accept_loss = accepted, .grace = 1h}));
    } catch (const Error& error) {
      const bool told = BytesView(error.what()).find("stopped before it began") != BytesView::npos;
      code = error.kind() == ErrorKind::schema_loss && told ? 7 : 2;
    }
    ::_exit(code);
  }
  std::string text;
  for (int i = 0; i != 100 && text.find("Ctrl-C stops it") == std::string::npos; ++i) {
    text += read_all(terminal);
  }
  CHECK_THAT(text, ContainsSubstring("It begins in 3600 s"));
  REQUIRE(::write(terminal, "\x03", 1) == 1);
  text = read_all(terminal, 2'000);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  ::close(terminal);
  CAPTURE(text, status);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
  CHECK_THAT(text, ContainsSubstring("Stopped: nothing was changed."));

  CHECK(plan<Store>(directory).hash() == accepted);
  auto store = open<Store>(directory, MigratedOptions{.accept_loss = accepted});
  CHECK(contents(store).at("blocks").size() == 300);
}
