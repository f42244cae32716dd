// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/blake3/lanes.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>

namespace varve::merkle {

namespace blake3 {

/// How many messages this processor hashes at once: 16 with AVX-512, 8 with AVX2, 4 with SSE4.1 or
/// on other processors, 1 where the compiler has no vectors or VARVE_PORTABLE is defined, which is
/// for a whole program.
[[nodiscard]] inline std::size_t supported_lanes() noexcept {
#if defined(VARVE_BLAKE3_VECTORS) && defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw")) {
    return 16;
  }
  if (__builtin_cpu_supports("avx2")) return 8;
  return __builtin_cpu_supports("sse4.1") ? 4 : 1;
#elif defined(VARVE_BLAKE3_VECTORS)
  return 4;
#else
  return 1;
#endif
}

inline std::atomic<std::size_t>& lane_limit() noexcept {
  static std::atomic<std::size_t> limit{supported_lanes()};
  return limit;
}

struct Width {
  std::size_t lanes;
  Kernel run;
};

/// The narrowest kernel that takes `count` messages at once, or the widest within `limit`.
[[nodiscard]] inline Width width_for(std::size_t count, std::size_t limit) noexcept {
#if defined(VARVE_BLAKE3_VECTORS)
#if defined(__x86_64__)
  if (count > 8 && limit >= 16) return {16, &kernel_16};
  if (count > 4 && limit >= 8) return {8, &kernel_8};
#endif
  if (count > 1 && limit >= 4) return {4, &kernel_4};
#endif
  static_cast<void>(count);
  static_cast<void>(limit);
  return {1, &kernel_1};
}

}  // namespace blake3

/// How many hashes are computed at once from now on: 1, 4, 8 or 16.
[[nodiscard]] inline std::size_t lanes() noexcept {
  return blake3::lane_limit().load(std::memory_order_relaxed);
}

/// Lets at most `most` hashes be computed at once, in this process, from now on: to compare speeds,
/// and to see that the results are the same. More than the processor can do changes nothing.
inline void limit_lanes(std::size_t most) noexcept {
  blake3::lane_limit().store(std::clamp<std::size_t>(most, 1, blake3::supported_lanes()),
                             std::memory_order_relaxed);
}

}  // namespace varve::merkle
