// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/migrations/run_options.hpp>

#include <chrono>
#include <cstdint>
#include <thread>

namespace varve::detail {

[[nodiscard]] inline std::int64_t seconds_since_1970() {
  using namespace std::chrono;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

/// The clock of a run over all processes that had a part in it: reports and
/// slows down.
class RunMeter {
 public:
  using Clock = std::chrono::steady_clock;

  RunMeter(const RunOptions& options, std::uint64_t milliseconds_before, std::uint64_t done,
           std::uint64_t total)
      : options_(options), before_(milliseconds_before), done_(done), total_(total) {}

  [[nodiscard]] std::uint64_t milliseconds() const {
    const auto here = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start_);
    return before_ + static_cast<std::uint64_t>(here.count());
  }

  void did(BytesView tree, std::uint64_t records, bool verifying) {
    done_ += verifying ? 0 : records;
    here_ += records;
    if (options_.records_per_second > 0) {
      const std::chrono::duration<double> due(static_cast<double>(here_) /
                                              options_.records_per_second);
      std::this_thread::sleep_until(start_ + std::chrono::duration_cast<Clock::duration>(due));
    }
    if (!options_.progress) return;
    const double seconds = static_cast<double>(milliseconds()) / 1000.0;
    const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
    const std::uint64_t left = total_ > done_ ? total_ - done_ : 0;
    options_.progress({.tree = tree,
                       .verifying = verifying,
                       .done = done_,
                       .total = total_,
                       .records_per_second = rate,
                       .seconds_left = rate > 0 ? static_cast<double>(left) / rate : 0});
  }

 private:
  const RunOptions& options_;
  Clock::time_point start_ = Clock::now();
  std::uint64_t before_;
  std::uint64_t done_;
  std::uint64_t total_;
  std::uint64_t here_ = 0;
};

}  // namespace varve::detail
