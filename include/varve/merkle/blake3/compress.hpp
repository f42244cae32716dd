// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/blake3/rows.hpp>
#include <varve/merkle/blake3/words.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace varve::merkle::blake3 {

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

/// The state after the seven rounds: `compress_words` and `compress_wide` make their outputs of it.
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

/// The chaining value after a block `m`, of which `size` bytes count, with the plain operations of
/// every compiler.
[[nodiscard]] constexpr Words compress_words(const Words& chain, const std::uint32_t (&m)[16],
                                             std::uint64_t counter, std::size_t size,
                                             std::uint32_t flags) noexcept {
  std::uint32_t s[16]{};
  permute(s, chain, m, counter, size, flags);
  Words out{};
  for (std::size_t i = 0; i < 8; ++i) out[i] = s[i] ^ s[i + 8];
  return out;
}

/// The same, with vectors where there are any.
[[nodiscard]] constexpr Words compress(const Words& chain, const std::uint32_t (&m)[16],
                                       std::uint64_t counter, std::size_t size,
                                       std::uint32_t flags) noexcept {
#if defined(VARVE_BLAKE3_VECTORS)
  if (!std::is_constant_evaluated()) return compress_rows(chain, m, counter, size, flags);
#endif
  return compress_words(chain, m, counter, size, flags);
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

/// The digest of a message of at most one chunk, under `key`.
[[nodiscard]] constexpr Words hash_short(const Words& key, std::uint32_t mode,
                                         BytesView message) noexcept {
  Words chain = key;
  std::uint32_t flags = mode | chunk_start;
  std::uint32_t m[16]{};
  for (; message.size() > block_bytes; message.remove_prefix(block_bytes)) {
    load_block(m, message.data(), block_bytes);
    chain = compress(chain, m, 0, block_bytes, flags);
    flags = mode;
  }
  load_block(m, message.data(), message.size());
  return compress(chain, m, 0, message.size(), flags | chunk_end | root);
}

/// The key of derive_key for a context of at most one chunk, which is computed where it is named.
[[nodiscard]] constexpr Words context_key(BytesView context) noexcept {
  return hash_short(iv, derive_key_context, context);
}

}  // namespace varve::merkle::blake3
