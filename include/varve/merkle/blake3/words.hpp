// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/digest.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#if defined(__GNUC__) && !defined(VARVE_PORTABLE) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define VARVE_BLAKE3_VECTORS
#endif

/// The parts of BLAKE3 (github.com/BLAKE3-team/BLAKE3-specs, sections 2.1 to 2.5), one at a time.
namespace varve::merkle::blake3 {

/// A key or a chaining value, as the words that the compression works on.
using Words = std::array<std::uint32_t, 8>;
using Block = std::array<std::uint32_t, 16>;

inline constexpr std::size_t block_bytes = 64;
inline constexpr std::size_t half_bytes = block_bytes / 2;
inline constexpr std::size_t chunk_bytes = 1024;

inline constexpr Words iv{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                          0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

inline constexpr std::uint32_t chunk_start = 1;
inline constexpr std::uint32_t chunk_end = 2;
inline constexpr std::uint32_t parent = 4;
inline constexpr std::uint32_t root = 8;
inline constexpr std::uint32_t keyed_hash = 16;
inline constexpr std::uint32_t derive_key_context = 32;
inline constexpr std::uint32_t derive_key_material = 64;

/// The words of up to 64 bytes, padded with zeros.
template <class Byte>
constexpr void load_block(std::uint32_t (&m)[16], const Byte* bytes, std::size_t size) noexcept {
  for (std::uint32_t& word : m) word = 0;
  if constexpr (std::endian::native == std::endian::little) {
    if (!std::is_constant_evaluated()) {
      if (size > 0) std::memcpy(m, bytes, size);
      return;
    }
  }
  for (std::size_t i = 0; i < size; ++i) {
    m[i / 4] |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (i % 4 * 8);
  }
}

[[nodiscard]] constexpr Digest to_digest(const Words& words) noexcept {
  if constexpr (std::endian::native == std::endian::little) return std::bit_cast<Digest>(words);
  Digest digest{};
  for (std::size_t i = 0; i < 32; ++i) {
    digest[i] = static_cast<std::byte>(words[i / 4] >> (i % 4 * 8) & 0xffU);
  }
  return digest;
}

[[nodiscard]] constexpr Words to_words(const Digest& digest) noexcept {
  if constexpr (std::endian::native == std::endian::little) return std::bit_cast<Words>(digest);
  Words words{};
  for (std::size_t i = 0; i < 32; ++i) {
    words[i / 4] |= std::to_integer<std::uint32_t>(digest[i]) << (i % 4 * 8);
  }
  return words;
}

}  // namespace varve::merkle::blake3
