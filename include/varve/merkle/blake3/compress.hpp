// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/digest.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

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

/// Which word of the block each step of each round takes.
inline constexpr auto schedule = [] {
  constexpr std::array<std::uint8_t, 16> permutation{2, 6,  3,  10, 7, 0,  4,  13,
                                                     1, 11, 12, 5,  9, 14, 15, 8};
  std::array<std::array<std::uint8_t, 16>, 7> rounds{};
  for (std::uint8_t i = 0; i < 16; ++i) rounds[0][i] = i;
  for (std::size_t r = 1; r < 7; ++r) {
    for (std::size_t i = 0; i < 16; ++i) rounds[r][i] = rounds[r - 1][permutation[i]];
  }
  return rounds;
}();

// A `Word` is a number here, and a vector of numbers in lanes.hpp.

template <int Bits, std::size_t Size>
struct Rotation {
  template <class Word>
  [[gnu::always_inline]] static constexpr void right(Word& word) {
    word = (word >> Bits) | (word << (32 - Bits));
  }
};

template <int A, int B, int C, int D, class Word>
[[gnu::always_inline]] constexpr void mix(Word (&s)[16], const Word& x, const Word& y) {
  s[A] = s[A] + s[B] + x;
  s[D] ^= s[A];
  Rotation<16, sizeof(Word)>::right(s[D]);
  s[C] += s[D];
  s[B] ^= s[C];
  Rotation<12, sizeof(Word)>::right(s[B]);
  s[A] = s[A] + s[B] + y;
  s[D] ^= s[A];
  Rotation<8, sizeof(Word)>::right(s[D]);
  s[C] += s[D];
  s[B] ^= s[C];
  Rotation<7, sizeof(Word)>::right(s[B]);
}

template <int Round, class Word>
[[gnu::always_inline]] constexpr void round(Word (&s)[16], const Word (&m)[16]) {
  constexpr auto at = schedule[Round];
  mix<0, 4, 8, 12>(s, m[at[0]], m[at[1]]);
  mix<1, 5, 9, 13>(s, m[at[2]], m[at[3]]);
  mix<2, 6, 10, 14>(s, m[at[4]], m[at[5]]);
  mix<3, 7, 11, 15>(s, m[at[6]], m[at[7]]);
  mix<0, 5, 10, 15>(s, m[at[8]], m[at[9]]);
  mix<1, 6, 11, 12>(s, m[at[10]], m[at[11]]);
  mix<2, 7, 8, 13>(s, m[at[12]], m[at[13]]);
  mix<3, 4, 9, 14>(s, m[at[14]], m[at[15]]);
}

template <class Word>
[[gnu::always_inline]] constexpr void rounds(Word (&s)[16], const Word (&m)[16]) {
  round<0>(s, m);
  round<1>(s, m);
  round<2>(s, m);
  round<3>(s, m);
  round<4>(s, m);
  round<5>(s, m);
  round<6>(s, m);
}

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

/// The state after the seven rounds: `compress` and `compress_wide` make their outputs of it.
constexpr void permute(std::uint32_t (&s)[16], const Words& chain, const std::uint32_t (&m)[16],
                       std::uint64_t counter, std::size_t size, std::uint32_t flags) noexcept {
  for (std::size_t i = 0; i < 8; ++i) s[i] = chain[i];
  for (std::size_t i = 0; i < 4; ++i) s[8 + i] = iv[i];
  s[12] = static_cast<std::uint32_t>(counter);
  s[13] = static_cast<std::uint32_t>(counter >> 32U);
  s[14] = static_cast<std::uint32_t>(size);
  s[15] = flags;
  rounds(s, m);
}

/// The chaining value after a block `m`, of which `size` bytes count.
[[nodiscard]] constexpr Words compress(const Words& chain, const std::uint32_t (&m)[16],
                                       std::uint64_t counter, std::size_t size,
                                       std::uint32_t flags) noexcept {
  std::uint32_t s[16]{};
  permute(s, chain, m, counter, size, flags);
  Words out{};
  for (std::size_t i = 0; i < 8; ++i) out[i] = s[i] ^ s[i + 8];
  return out;
}

/// All 64 bytes that the root gives for one `counter` of the extended output.
[[nodiscard]] constexpr Block compress_wide(const Words& chain, const std::uint32_t (&m)[16],
                                            std::uint64_t counter, std::size_t size,
                                            std::uint32_t flags) noexcept {
  std::uint32_t s[16]{};
  permute(s, chain, m, counter, size, flags);
  Block out{};
  for (std::size_t i = 0; i < 8; ++i) {
    out[i] = s[i] ^ s[i + 8];
    out[i + 8] = s[i + 8] ^ chain[i];
  }
  return out;
}

/// The chaining value of the two children of a parent, or, with `root`, its digest.
[[nodiscard]] constexpr Words join(const Words& key, const Words& left, const Words& right,
                                   std::uint32_t flags) noexcept {
  std::uint32_t m[16]{};
  for (std::size_t i = 0; i < 8; ++i) {
    m[i] = left[i];
    m[i + 8] = right[i];
  }
  return compress(key, m, 0, block_bytes, flags | parent);
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

/// The key of derive_key for a context of at most one chunk, which is computed where it is named.
[[nodiscard]] constexpr Words context_key(BytesView context) noexcept {
  Words chain = iv;
  std::uint32_t flags = derive_key_context | chunk_start;
  std::size_t at = 0;
  for (; context.size() - at > block_bytes; at += block_bytes) {
    std::uint32_t m[16]{};
    load_block(m, context.data() + at, block_bytes);
    chain = compress(chain, m, 0, block_bytes, flags);
    flags = derive_key_context;
  }
  std::uint32_t m[16]{};
  load_block(m, context.data() + at, context.size() - at);
  return compress(chain, m, 0, context.size() - at, flags | chunk_end | root);
}

}  // namespace varve::merkle::blake3
