// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

namespace varve::detail {

/// Lets a writer wait until nobody looks any more at what it has taken away. Readers stay for the
/// blink of an eye, and neither wait nor share a cache line as long as they are few. After
/// sleepable RCU: P. McKenney, "Sleepable RCU", LWN 2006.
///
/// Threads  any readers; one writer at a time.
class ReaderPins {
  struct alignas(64) Slot {
    std::array<std::atomic<std::uint32_t>, 2> readers{};
  };

 public:
  /// While it lives, what was reachable when it was made is not taken away.
  class Pin {
   public:
    explicit Pin(ReaderPins& pins) noexcept
        : readers_(pins.slots_[slot_of_thread()].readers[pins.phase_.load() & 1U]) {
      readers_.fetch_add(1);
    }
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    ~Pin() { readers_.fetch_sub(1, std::memory_order_release); }

   private:
    std::atomic<std::uint32_t>& readers_;
  };

  /// Returns when every pin is gone that was there when it was called.
  void wait() noexcept {
    // Twice: a reader may have read the phase long before it is counted under it.
    for (int turn = 0; turn != 2; ++turn) {
      const unsigned old = phase_.fetch_add(1) & 1U;
      for (const Slot& slot : slots_) {
        while (slot.readers[old].load() != 0) std::this_thread::yield();
      }
    }
  }

 private:
  static constexpr std::size_t slot_count = 32;

  static std::size_t slot_of_thread() noexcept {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t mine =
        threads.fetch_add(1, std::memory_order_relaxed) % slot_count;
    return mine;
  }

  std::array<Slot, slot_count> slots_{};
  std::atomic<unsigned> phase_{0};
};

}  // namespace varve::detail
