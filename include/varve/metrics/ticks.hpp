// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <thread>

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#endif

namespace varve {

/// The cheapest steady clock of the machine: the processor's time stamp counter where it runs at
/// one rate on all cores (CPUID 80000007h, EDX bit 8), else `std::chrono::steady_clock`. Half the
/// cost of the latter. One tick is some fraction of a nanosecond, measured while the program runs.
class Ticks {
 public:
  [[nodiscard]] static std::uint64_t now() noexcept {
#if defined(__x86_64__) && defined(__GNUC__)
    if (invariant_) [[likely]] {
      return __builtin_ia32_rdtsc();
    }
#endif
    return steady_nanoseconds();
  }

  Ticks() noexcept : first_ticks_(now()), first_nanoseconds_(steady_nanoseconds()) {}

  /// Nanoseconds a tick, from the time since this object was made; waits where that is under 2 ms.
  [[nodiscard]] double nanoseconds_each() const {
#if defined(__x86_64__) && defined(__GNUC__)
    if (invariant_) {
      while (steady_nanoseconds() - first_nanoseconds_ < 2'000'000) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      const auto nanoseconds = static_cast<double>(steady_nanoseconds() - first_nanoseconds_);
      return nanoseconds / static_cast<double>(now() - first_ticks_);
    }
#endif
    return 1.0;
  }

 private:
  static std::uint64_t steady_nanoseconds() noexcept {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
  }

#if defined(__x86_64__) && defined(__GNUC__)
  static bool has_invariant_counter() noexcept {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    return __get_cpuid(0x80000007U, &a, &b, &c, &d) != 0 && (d & (1U << 8U)) != 0;
  }

  static inline const bool invariant_ = has_invariant_counter();
#endif

  std::uint64_t first_ticks_;
  std::uint64_t first_nanoseconds_;
};

}  // namespace varve
