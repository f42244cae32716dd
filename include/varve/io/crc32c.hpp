// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace varve {

namespace detail {

/// Table of the Castagnoli polynomial, reflected: 0x82F63B78 (RFC 3720, appendix B.4).
inline constexpr std::array<std::uint32_t, 256> crc32c_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1U) ^ ((value & 1U) ? 0x82f63b78U : 0U);
    table[i] = value;
  }
  return table;
}();

inline std::uint32_t crc32c_portable(std::uint32_t state, BytesView bytes) noexcept {
  for (const char c : bytes) {
    state = (state >> 8U) ^ crc32c_table[(state ^ static_cast<unsigned char>(c)) & 0xffU];
  }
  return state;
}

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("sse4.2"))) inline std::uint32_t crc32c_sse42(std::uint32_t state,
                                                                    BytesView bytes) noexcept {
  std::uint64_t wide = state;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  auto narrow = static_cast<std::uint32_t>(wide);
  for (; left > 0; ++at, --left) {
    narrow = __builtin_ia32_crc32qi(narrow, static_cast<unsigned char>(*at));
  }
  return narrow;
}
#endif

}  // namespace detail

/// The CRC-32C (Castagnoli) of `bytes`, or of what went before and `bytes`, where `before` is the
/// CRC of what went before. With the processor's own instruction where it has one.
[[nodiscard]] inline std::uint32_t crc32c(BytesView bytes, std::uint32_t before = 0) noexcept {
#if defined(__x86_64__) && defined(__GNUC__)
  if (__builtin_cpu_supports("sse4.2")) return ~detail::crc32c_sse42(~before, bytes);
#endif
  return ~detail::crc32c_portable(~before, bytes);
}

}  // namespace varve
