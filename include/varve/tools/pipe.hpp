// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace varve {

/// What one thread makes and another uses, at most `depth` pieces at a time. `make(push)` runs in a
/// thread of its own and calls `push(piece)`, which answers false once nobody wants more.
///
/// Destroying it stops the maker and waits for it.
template <class Piece>
class Pipe {
 public:
  template <class Make>
  Pipe(std::size_t depth, Make make)
      : depth_(depth), maker_([this, make = std::move(make)]() mutable { run(make); }) {}

  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  ~Pipe() {
    {
      const std::lock_guard lock(mutex_);
      unwanted_ = true;
    }
    changed_.notify_all();
    maker_.join();
  }

  /// The next piece, or nothing at the end. Throws what the maker threw.
  [[nodiscard]] std::optional<Piece> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !pieces_.empty() || ended_; });
    if (!pieces_.empty()) {
      std::optional<Piece> piece(std::move(pieces_.front()));
      pieces_.pop_front();
      lock.unlock();
      changed_.notify_all();
      return piece;
    }
    if (failure_) std::rethrow_exception(failure_);
    return std::nullopt;
  }

 private:
  template <class Make>
  void run(Make& make) noexcept {
    std::exception_ptr failure;
    try {
      make([this](Piece piece) { return push(std::move(piece)); });
    } catch (...) {
      failure = std::current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      failure_ = failure;
      ended_ = true;
    }
    changed_.notify_all();
  }

  bool push(Piece piece) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return pieces_.size() < depth_ || unwanted_; });
    if (unwanted_) return false;
    pieces_.push_back(std::move(piece));
    lock.unlock();
    changed_.notify_all();
    return true;
  }

  std::size_t depth_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Piece> pieces_;
  std::exception_ptr failure_;
  bool unwanted_ = false;
  bool ended_ = false;
  std::thread maker_;
};

}  // namespace varve
