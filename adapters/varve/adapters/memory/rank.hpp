// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#if defined(__x86_64__) && defined(__GNUC__)
#define VARVE_MEMORY_X86 1
#include <immintrin.h>
#endif

namespace varve::detail::memory {

// Each rank answers how many of `count` ascending lanes are less than a prefix; `count` is a power
// of two, 32 or more, and unused lanes hold the largest number.

/// Branchless binary search, for any processor.
struct PortableRank {
  template <unsigned count, class Prefix>
  static unsigned count_less(const Prefix* lanes, Prefix prefix) noexcept {
    const Prefix* at = lanes;
    for (unsigned half = count / 2; half != 0; half /= 2) at += at[half - 1] < prefix ? half : 0;
    return static_cast<unsigned>(at - lanes) + (*at < prefix ? 1U : 0U);
  }
};

#if defined(VARVE_MEMORY_X86)

struct Avx2Rank {
  template <unsigned count>
  [[gnu::target("avx2,popcnt")]] static unsigned count_less(const std::int64_t* lanes,
                                                            std::int64_t prefix) noexcept {
    const __m256i wanted = _mm256_set1_epi64x(prefix);
    __m256i less = _mm256_setzero_si256();
    for (unsigned i = 0; i != count; i += 4) {
      const auto four = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lanes + i));
      less = _mm256_sub_epi64(less, _mm256_cmpgt_epi64(wanted, four));
    }
    const __m128i two =
        _mm_add_epi64(_mm256_castsi256_si128(less), _mm256_extracti128_si256(less, 1));
    return static_cast<unsigned>(_mm_cvtsi128_si64(two) + _mm_extract_epi64(two, 1));
  }

  template <unsigned count>
  [[gnu::target("avx2,popcnt")]] static unsigned count_less(const std::int32_t* lanes,
                                                            std::int32_t prefix) noexcept {
    const __m256i wanted = _mm256_set1_epi32(prefix);
    unsigned less = 0;
    for (unsigned i = 0; i != count; i += 8) {
      const auto eight = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lanes + i));
      const __m256i mask = _mm256_cmpgt_epi32(wanted, eight);
      less += static_cast<unsigned>(
          _mm_popcnt_u32(static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(mask)))));
    }
    return less;
  }
};

struct Avx512Rank {
  template <unsigned count>
  [[gnu::target("avx512f,popcnt")]] static unsigned count_less(const std::int64_t* lanes,
                                                               std::int64_t prefix) noexcept {
    const __m512i wanted = _mm512_set1_epi64(prefix);
    unsigned less = 0;
    for (unsigned i = 0; i != count; i += 8) {
      const unsigned mask = _mm512_cmplt_epi64_mask(_mm512_loadu_si512(lanes + i), wanted);
      less += static_cast<unsigned>(_mm_popcnt_u32(mask));
    }
    return less;
  }

  template <unsigned count>
  [[gnu::target("avx512f,popcnt")]] static unsigned count_less(const std::int32_t* lanes,
                                                               std::int32_t prefix) noexcept {
    const __m512i wanted = _mm512_set1_epi32(prefix);
    unsigned less = 0;
    for (unsigned i = 0; i != count; i += 16) {
      const unsigned mask = _mm512_cmplt_epi32_mask(_mm512_loadu_si512(lanes + i), wanted);
      less += static_cast<unsigned>(_mm_popcnt_u32(mask));
    }
    return less;
  }
};

#endif

}  // namespace varve::detail::memory
