// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

namespace varve::detail {

/// Lets many writers through at once, or one scrub alone. Who keeps a writer's place for long - a
/// bulk loader, a transaction - may write besides in the same thread; so while there is one nobody
/// waits for the scrub, and the scrub waits.
class WriteGate {
 public:
  enum class Stay : bool { brief, lasting };

  /// Writers wait while a scrub writes, or while one waits for them and nobody stays.
  void enter(Stay stay) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !closed_ && (waiting_ == 0 || lasting_ != 0); });
    ++count_of(stay);
  }

  void leave(Stay stay) noexcept {
    const std::lock_guard lock(mutex_);
    if (--count_of(stay) == 0) changed_.notify_all();
  }

  void close() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.wait(lock, [&] { return !closed_ && brief_ == 0 && lasting_ == 0; });
    --waiting_;
    closed_ = true;
  }

  void open() noexcept {
    const std::lock_guard lock(mutex_);
    closed_ = false;
    changed_.notify_all();
  }

 private:
  [[nodiscard]] std::size_t& count_of(Stay stay) noexcept {
    return stay == Stay::brief ? brief_ : lasting_;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t brief_ = 0;
  std::size_t lasting_ = 0;
  std::size_t waiting_ = 0;
  bool closed_ = false;
};

/// In the gate while it lives; does nothing without one. The gate is kept.
class InGate {
 public:
  InGate(std::shared_ptr<WriteGate> gate, WriteGate::Stay stay)
      : gate_(std::move(gate)), stay_(stay) {
    if (gate_) gate_->enter(stay_);
  }
  InGate(InGate&& other) noexcept
      : gate_(std::exchange(other.gate_, nullptr)), stay_(other.stay_) {}
  InGate& operator=(InGate&& other) noexcept {
    std::swap(gate_, other.gate_);
    std::swap(stay_, other.stay_);
    return *this;
  }
  ~InGate() {
    if (gate_) gate_->leave(stay_);
  }

 private:
  std::shared_ptr<WriteGate> gate_;
  WriteGate::Stay stay_;
};

/// Alone in the gate while it lives; does nothing without one.
class GateClosed {
 public:
  explicit GateClosed(WriteGate* gate) : gate_(gate) {
    if (gate_ != nullptr) gate_->close();
  }
  GateClosed(const GateClosed&) = delete;
  GateClosed& operator=(const GateClosed&) = delete;
  ~GateClosed() {
    if (gate_ != nullptr) gate_->open();
  }

 private:
  WriteGate* gate_;
};

/// What keeps a writer's place - a bulk loader, a transaction - in the gate while it lives.
template <class Writer>
class Gated : private InGate, public Writer {
 public:
  template <class Make>
  Gated(std::shared_ptr<WriteGate> gate, Make&& make)
      : InGate(std::move(gate), WriteGate::Stay::lasting), Writer(make()) {}
  Gated(Gated&&) noexcept = default;
  Gated& operator=(Gated&&) noexcept = default;
};

}  // namespace varve::detail
