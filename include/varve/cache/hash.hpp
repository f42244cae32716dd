// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace varve::detail::cache {

inline std::uint64_t multiply_mix(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

inline std::uint64_t load_word(const char* from, std::size_t bytes = 8) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, from, bytes);
  return word;
}

/// A hash of a key of a tree, every bit of which depends on every bit of the key and of the seed.
/// Two multiplications for keys of up to 16 bytes.
inline std::uint64_t hash_key(std::uint64_t seed, std::uint64_t identity, BytesView key) noexcept {
  constexpr std::uint64_t odd_a = 0x9e37'79b9'7f4a'7c15U;
  constexpr std::uint64_t odd_b = 0xd6e8'feb8'6659'fd93U;
  const char* at = key.data();
  std::size_t left = key.size();
  std::uint64_t state = seed ^ (identity * odd_a);
  for (; left > 16; left -= 16, at += 16)
    state = multiply_mix(load_word(at) ^ state, load_word(at + 8) ^ odd_b);
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  if (left >= 8) {
    low = load_word(at);
    high = load_word(at + left - 8);
  } else if (left >= 4) {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::memcpy(&first, at, 4);
    std::memcpy(&last, at + left - 4, 4);
    low = first;
    high = last;
  } else if (left != 0) {
    const auto byte = [at](std::size_t i) {
      return std::uint64_t{static_cast<unsigned char>(at[i])};
    };
    low = byte(0) | byte(left / 2) << 8U | byte(left - 1) << 16U;
  }
  return multiply_mix(multiply_mix(low ^ state ^ odd_a, high ^ seed ^ odd_b) ^ key.size(), odd_a);
}

}  // namespace varve::detail::cache
