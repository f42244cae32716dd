// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/engine.hpp>
#include <varve/adapters/memory/pin.hpp>

#include <atomic>
#include <utility>

namespace varve::detail::memory {

/// A pin that may be held for long: giving it up frees what waited for it.
class VersionPin {
 public:
  VersionPin(const Engine& engine, Pin pin) noexcept : pin_(std::move(pin)), engine_(&engine) {}

  VersionPin(VersionPin&&) noexcept = default;
  VersionPin& operator=(VersionPin&& other) noexcept {
    release();
    pin_ = std::move(other.pin_);
    engine_ = other.engine_;
    return *this;
  }
  ~VersionPin() { release(); }

  [[nodiscard]] const Version& version() const noexcept { return pin_.version(); }
  [[nodiscard]] const Engine& engine() const noexcept { return *engine_; }

 private:
  void release() noexcept {
    if (!pin_) return;
    const bool was_waited_for = version().holds_garbage.load(std::memory_order_relaxed);
    pin_.reset();
    if (was_waited_for) engine_->collect_soon();
  }

  Pin pin_;
  const Engine* engine_;
};

}  // namespace varve::detail::memory
