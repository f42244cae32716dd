// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/fence.hpp>
#include <varve/adapters/memory/reader_slots.hpp>
#include <varve/adapters/memory/version.hpp>

#include <atomic>
#include <concepts>
#include <utility>

namespace varve::detail::memory {

/// Keeps all that one version shows from being freed. Taking and giving up a pin costs two plain
/// stores, neither waits for anybody. May be given up by another thread than took it.
class Pin {
 public:
  /// Pins the version that is current, by `std::atomic<const Version*>`. (A hazard pointer: M.
  /// Michael, IEEE TPDS 15(6), 2004.)
  template <class Current>
    requires(!std::same_as<Current, Version>)
  explicit Pin(const Current& current) : slot_(&ReaderSlots::mine().take()) {
    const Version* version = current.load(std::memory_order_relaxed);
    while (true) {
      announce<const void*>(*slot_, version);
      const Version* const now = current.load(std::memory_order_seq_cst);
      if (now == version) [[likely]]
        return;
      version = now;
    }
  }

  /// Pins a version that the caller has pinned already.
  explicit Pin(const Version& version) : slot_(&ReaderSlots::mine().take()) {
    slot_->store(&version, std::memory_order_release);
  }

  Pin(Pin&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
  Pin& operator=(Pin&& other) noexcept {
    Pin moved(std::move(other));
    std::swap(slot_, moved.slot_);
    return *this;
  }

  ~Pin() { reset(); }

  void reset() noexcept {
    if (slot_ == nullptr) return;
    slot_->store(nullptr, std::memory_order_release);
    slot_ = nullptr;
  }

  /// Not of one that was moved from.
  [[nodiscard]] const Version& version() const noexcept {
    return *static_cast<const Version*>(slot_->load(std::memory_order_relaxed));
  }

  explicit operator bool() const noexcept { return slot_ != nullptr; }

 private:
  Slot* slot_;
};

}  // namespace varve::detail::memory
