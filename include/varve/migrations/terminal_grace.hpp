// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/migrations/plan.hpp>
#include <varve/migrations/terminal_line.hpp>

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

namespace varve {

namespace detail {

/// Takes SIGINT, of the whole process, as long as it lives. A process that ignores the signal goes
/// on ignoring it.
class InterruptWatch {
 public:
  InterruptWatch() : one_at_a_time_(mutex_) {
    seen_ = false;
    struct sigaction mine {};
    mine.sa_handler = [](int) { seen_ = true; };
    ::sigemptyset(&mine.sa_mask);
    ::sigaction(SIGINT, nullptr, &before_);
    watching_ = before_.sa_handler != SIG_IGN;
    if (watching_) ::sigaction(SIGINT, &mine, nullptr);
  }

  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  /// A handler that the program had set hears of the signal now.
  ~InterruptWatch() {
    if (!watching_) return;
    ::sigaction(SIGINT, &before_, nullptr);
    if (seen_ && before_.sa_handler != SIG_DFL) static_cast<void>(::raise(SIGINT));
  }

  [[nodiscard]] bool interrupted() const noexcept { return seen_; }

 private:
  static_assert(std::atomic<bool>::is_always_lock_free);
  static inline std::mutex mutex_;
  static inline std::atomic<bool> seen_ = false;

  std::lock_guard<std::mutex> one_at_a_time_;
  struct sigaction before_ {};
  bool watching_ = false;
};

[[noreturn]] inline void refuse_interrupted() {
  throw Error(ErrorKind::schema_loss,
              {.message = "the run was stopped before it began; nothing was changed. It begins "
                          "when the store is opened again",
               .operation = "open",
               .layer = "migrated"});
}

}  // namespace detail

/// Says on a terminal what a lossy plan loses, and counts down from `grace` before it returns, so
/// that whoever sits there can still stop it. Returns at once where the plan loses nothing, `grace`
/// is zero or `descriptor` is no terminal.
///
/// Ctrl-C (SIGINT) stops it: throws `schema_loss`, and nothing has been changed. A handler that the
/// program has for the signal is called after that.
///
/// Threads: one countdown at a time; a second one waits.
inline void terminal_grace(const MigrationPlan& plan, std::chrono::milliseconds grace,
                           int descriptor = STDERR_FILENO) {
  using Clock = std::chrono::steady_clock;
  detail::TerminalLine line(descriptor);
  if (!plan.lossy() || grace <= std::chrono::milliseconds::zero() || !line.live()) return;

  line.line("varve: bringing the store from version " + std::to_string(plan.from) + " to " +
            std::to_string(plan.to) + " loses data:");
  for (const StepFacts& step : plan.steps) {
    if (step.loss.lossy) line.line("  " + std::string(step.loss.reason));
  }
  const detail::InterruptWatch watch;
  const auto end = Clock::now() + grace;
  std::uint64_t shown = 0;
  for (auto now = Clock::now(); now < end; now = Clock::now()) {
    const std::chrono::duration<double> left = end - now;
    const auto seconds = static_cast<std::uint64_t>(left.count()) + 1;
    if (seconds != shown) {
      line.draw("It begins in " + std::to_string(seconds) + " s. Ctrl-C stops it.");
    }
    shown = seconds;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (watch.interrupted()) {
      line.draw("Stopped: nothing was changed.");
      detail::refuse_interrupted();
    }
  }
  line.draw("It has begun.");
}

}  // namespace varve
