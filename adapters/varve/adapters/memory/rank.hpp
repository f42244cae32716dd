// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>

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

#if defined(__GNUC__)

/// Compares all lanes, so many bytes at once. In vectors of the language: it becomes the
/// instructions of the function that it is inlined into, and spares every user <immintrin.h>.
template <std::size_t vector_bytes>
struct VectorRank {
  template <unsigned count, class Prefix>
  [[gnu::always_inline]] static unsigned count_less(const Prefix* lanes, Prefix prefix) noexcept {
    using Vector [[gnu::vector_size(vector_bytes)]] = Prefix;
    constexpr unsigned width = vector_bytes / sizeof(Prefix);
    Vector less{};
#pragma GCC unroll 16
    for (unsigned i = 0; i != count; i += width) {
      Vector some;
      std::memcpy(&some, lanes + i, vector_bytes);
      less -= some < prefix;  // A lane that is less is -1, any other 0.
    }
    Prefix sum = 0;
    for (unsigned i = 0; i != width; ++i) sum += less[i];
    return static_cast<unsigned>(sum);
  }
};

#endif

}  // namespace varve::detail::memory
