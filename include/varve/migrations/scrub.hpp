// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/layer.hpp>
#include <varve/migrations/scrub_options.hpp>
#include <varve/migrations/with_tables.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>

namespace varve {

namespace detail {

/// The layer of `part` and what is below it that can scrub.
template <class Part>
[[nodiscard]] auto& scrubbing_layer(Part& part) {
  if constexpr (requires(const ScrubOptions& options) { part.scrub_slice(options); }) {
    return part;
  } else {
    static_assert(LayerShape<Part>, "the stack has no layer Migrated");
    return scrubbing_layer(part.next());
  }
}

/// Slice after slice; `rest` is given the time to rest until, and answers whether to go on.
template <class Store, class Rest>
ScrubProgress scrub_until(Store& store, const ScrubOptions& options, Rest&& rest) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  auto& layer = scrubbing_layer(store);
  using Schema = typename std::remove_cvref_t<decltype(layer)>::Schema;
  const auto build = [&] {
    if (layer.version() == Schema::latest) build_tables<Schema>(store);
  };
  // To build an index is to read every record: what no conversion takes has to be put aside before.
  if (options.refused_at_most == 0) build();
  std::uint64_t looked_at = 0;
  while (true) {
    const ScrubProgress progress = layer.scrub_slice(options);
    looked_at += progress.looked_at;
    if (options.progress) options.progress(progress);
    if (progress.complete) {
      build();
      return progress;
    }
    auto until = Clock::now();
    if (options.records_per_second > 0) {
      const std::chrono::duration<double> due(static_cast<double>(looked_at) /
                                              options.records_per_second);
      until = start + std::chrono::duration_cast<Clock::duration>(due);
    }
    if (!rest(until)) return progress;
  }
}

}  // namespace detail

/// Rewrites what lazy steps have left in older layouts, to the end, while other threads read and
/// write `store`; indexes of the chain's tables that are to be built are built first, or, where
/// records may be put aside, at the end. It may be stopped at any time, by the death of the process
/// too: the next call goes on. When it is complete the store's floor is raised, and code for what
/// is below can go.
///
/// Errors: those of the engine; `invalid_argument` for a record that a conversion refuses, and for
/// a store that was left on an older version; what `options.progress` throws.
template <class Store>
ScrubProgress scrub(Store& store, const ScrubOptions& options = {}) {
  return detail::scrub_until(store, options, [](auto until) {
    std::this_thread::sleep_until(until);
    return true;
  });
}

/// `scrub` in a thread of its own, which ends with this object, complete or not.
///
/// Threads  belongs to one; the store must outlive it and stay where it is.
template <class Store>
class BackgroundScrub {
 public:
  explicit BackgroundScrub(Store& store, ScrubOptions options = {})
      : options_(std::move(options)), thread_([this, &store] { run(store); }) {}
  BackgroundScrub(const BackgroundScrub&) = delete;
  BackgroundScrub& operator=(const BackgroundScrub&) = delete;
  ~BackgroundScrub() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] ScrubProgress progress() const {
    const std::lock_guard lock(mutex_);
    return progress_;
  }

  /// Waits for its end. Throws what it ended with.
  ScrubProgress wait() {
    if (thread_.joinable()) thread_.join();
    if (error_) std::rethrow_exception(error_);
    return progress_;
  }

 private:
  void run(Store& store) noexcept {
    try {
      ScrubOptions options = options_;
      options.progress = [this](const ScrubProgress& now) {
        if (options_.progress) options_.progress(now);
        const std::lock_guard lock(mutex_);
        progress_ = now;
      };
      static_cast<void>(detail::scrub_until(store, options, [this](auto until) {
        std::unique_lock lock(mutex_);
        return !changed_.wait_until(lock, until, [this] { return stop_; });
      }));
    } catch (...) {
      error_ = std::current_exception();
    }
  }

  ScrubOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  ScrubProgress progress_;
  std::exception_ptr error_;
  std::thread thread_;
};

template <class Store>
BackgroundScrub(Store&) -> BackgroundScrub<Store>;
template <class Store>
BackgroundScrub(Store&, ScrubOptions) -> BackgroundScrub<Store>;

}  // namespace varve
