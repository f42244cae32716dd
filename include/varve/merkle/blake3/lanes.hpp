// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/blake3/compress.hpp>
#include <varve/merkle/digest.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace varve::merkle::blake3 {

/// One message for each lane, all of equally many blocks, at most a chunk: what a kernel hashes at
/// once. The pointers are arrays of as many entries as the kernel has lanes.
struct LaneJob {
  const Words* key;
  const std::byte* const* starts;      ///< where all blocks but the last stand, one after another
  const std::byte* const* last_lows;   ///< the lower half of the last block, padded with zeros
  const std::byte* const* last_highs;  ///< the upper half of it
  std::byte* const* outs;              ///< where 32 bytes go, after all was read
  const std::uint32_t* last_sizes;
  std::size_t blocks;
  std::uint64_t counter;  ///< of the first lane
  std::uint64_t step;     ///< to the counter of the next lane: 0 or 1
  std::uint32_t flags;    ///< of every block
  std::uint32_t first_flags;
  std::uint32_t last_flags;
};

using Kernel = void (*)(const LaneJob& job) noexcept;

/// One message.
inline void kernel_1(const LaneJob& job) noexcept {
  Words chain = *job.key;
  for (std::size_t b = 0; b < job.blocks; ++b) {
    const bool last = b + 1 == job.blocks;
    std::byte block[block_bytes];
    const std::byte* const start = job.starts[0] + b * block_bytes;
    std::memcpy(block, last ? job.last_lows[0] : start, half_bytes);
    std::memcpy(block + half_bytes, last ? job.last_highs[0] : start + half_bytes, half_bytes);
    std::uint32_t m[16];
    load_block(m, block, block_bytes);
    const std::uint32_t flags =
        job.flags | (b == 0 ? job.first_flags : 0) | (last ? job.last_flags : 0);
    chain = compress(chain, m, job.counter, last ? job.last_sizes[0] : block_bytes, flags);
  }
  const Digest digest = to_digest(chain);
  std::memcpy(job.outs[0], digest.data(), digest.size());
}

#if defined(VARVE_BLAKE3_VECTORS)

/// A word of each of several messages: the vectors of GCC and Clang. They are passed by reference,
/// because how they are passed by value depends on the processor.
template <int Count>
struct Lanes;

template <>
struct Lanes<4> {
  using Words __attribute__((vector_size(16))) = std::uint32_t;
  using Bytes __attribute__((vector_size(16))) = std::uint8_t;
};

template <>
struct Lanes<8> {
  using Words __attribute__((vector_size(32))) = std::uint32_t;
  using Bytes __attribute__((vector_size(32))) = std::uint8_t;
};

template <>
struct Lanes<16> {
  using Words __attribute__((vector_size(64))) = std::uint32_t;
};

/// Whole bytes move with one instruction where there is none that rotates words.
template <int Bits, std::size_t Size>
  requires(Bits % 8 == 0 && (Size == 16 || Size == 32))
struct Rotation<Bits, Size> {
  template <class V>
  [[gnu::always_inline]] static void right(V& word) {
    move_bytes(word, std::make_integer_sequence<int, static_cast<int>(Size)>());
  }

 private:
  template <class V, int... I>
  [[gnu::always_inline]] static void move_bytes(V& word, std::integer_sequence<int, I...>) {
    using Bytes = typename Lanes<static_cast<int>(Size / 4)>::Bytes;
    const auto bytes = reinterpret_cast<Bytes>(word);
    word = reinterpret_cast<V>(
        __builtin_shufflevector(bytes, bytes, (I / 4 * 4 + (I + Bits / 8) % 4)...));
  }
};

// Transposition within the 128-bit parts of vectors: four rows of four words become four columns.

template <class V, int... I>
[[gnu::always_inline]] inline void zip_words(V& low, V& high, const V& a, const V& b,
                                             std::integer_sequence<int, I...>) {
  constexpr int count = sizeof...(I);
  low = __builtin_shufflevector(a, b, (I / 4 * 4 + I % 4 / 2 + I % 2 * count)...);
  high = __builtin_shufflevector(a, b, (I / 4 * 4 + I % 4 / 2 + I % 2 * count + 2)...);
}

template <class V, int... I>
[[gnu::always_inline]] inline void zip_pairs(V& low, V& high, const V& a, const V& b,
                                             std::integer_sequence<int, I...>) {
  constexpr int count = sizeof...(I);
  low = __builtin_shufflevector(a, b, (I / 4 * 4 + I % 2 + I % 4 / 2 * count)...);
  high = __builtin_shufflevector(a, b, (I / 4 * 4 + I % 2 + I % 4 / 2 * count + 2)...);
}

template <int Count, class V>
[[gnu::always_inline]] inline void transpose(V& a, V& b, V& c, V& d) {
  constexpr std::make_integer_sequence<int, Count> all;
  V ab_low, ab_high, cd_low, cd_high;
  zip_words(ab_low, ab_high, a, b, all);
  zip_words(cd_low, cd_high, c, d, all);
  zip_pairs(a, b, ab_low, cd_low, all);
  zip_pairs(c, d, ab_high, cd_high, all);
}

/// 16 bytes from each of the lanes `first`, `first + 4`, `first + 8` ..., side by side.
template <int Count, class V>
[[gnu::always_inline]] inline void load_row(V& row, const std::byte* const* from, std::size_t at) {
  if constexpr (Count == 4) {
    std::memcpy(&row, from[0] + at, 16);
  } else if constexpr (Count == 8) {
    Lanes<4>::Words a, b;
    load_row<4>(a, from, at);
    load_row<4>(b, from + 4, at);
    row = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
  } else {
    Lanes<8>::Words a, b;
    load_row<8>(a, from, at);
    load_row<8>(b, from + 8, at);
    row = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  }
}

template <int Count, class V>
[[gnu::always_inline]] inline void store_row(const V& row, std::byte* const* to, std::size_t at) {
  if constexpr (Count == 4) {
    std::memcpy(to[0] + at, &row, 16);
  } else if constexpr (Count == 8) {
    store_row<4>(__builtin_shufflevector(row, row, 0, 1, 2, 3), to, at);
    store_row<4>(__builtin_shufflevector(row, row, 4, 5, 6, 7), to + 4, at);
  } else {
    store_row<8>(__builtin_shufflevector(row, row, 0, 1, 2, 3, 4, 5, 6, 7), to, at);
    store_row<8>(__builtin_shufflevector(row, row, 8, 9, 10, 11, 12, 13, 14, 15), to + 8, at);
  }
}

/// Four words of each lane.
template <int Count, class V>
[[gnu::always_inline]] inline void load_words(V* w, const std::byte* const* from, std::size_t at) {
  load_row<Count>(w[0], from, at);
  load_row<Count>(w[1], from + 1, at);
  load_row<Count>(w[2], from + 2, at);
  load_row<Count>(w[3], from + 3, at);
  transpose<Count>(w[0], w[1], w[2], w[3]);
}

template <int Count, class V>
[[gnu::always_inline]] inline void store_words(V* w, std::byte* const* to, std::size_t at) {
  transpose<Count>(w[0], w[1], w[2], w[3]);
  store_row<Count>(w[0], to, at);
  store_row<Count>(w[1], to + 1, at);
  store_row<Count>(w[2], to + 2, at);
  store_row<Count>(w[3], to + 3, at);
}

/// `Count` messages at once. Inlined into a function for each set of instructions.
template <int Count>
[[gnu::always_inline]] inline void run_lanes(const LaneJob& job) {
  using V = typename Lanes<Count>::Words;
  const V zero{};
  std::uint32_t low[Count];
  std::uint32_t high[Count];
  for (std::uint32_t lane = 0; lane < Count; ++lane) {
    const std::uint64_t counter = job.counter + lane * job.step;
    low[lane] = static_cast<std::uint32_t>(counter);
    high[lane] = static_cast<std::uint32_t>(counter >> 32U);
  }
  V counter_low, counter_high, last_sizes;
  std::memcpy(&counter_low, low, sizeof low);
  std::memcpy(&counter_high, high, sizeof high);
  std::memcpy(&last_sizes, job.last_sizes, sizeof last_sizes);

  const Words& key = *job.key;
  V h[8] = {zero + key[0], zero + key[1], zero + key[2], zero + key[3],
            zero + key[4], zero + key[5], zero + key[6], zero + key[7]};
  for (std::size_t b = 0; b < job.blocks; ++b) {
    const bool last = b + 1 == job.blocks;
    const std::byte* const* const lows = last ? job.last_lows : job.starts;
    const std::byte* const* const highs = last ? job.last_highs : job.starts;
    const std::size_t low_at = last ? 0 : b * block_bytes;
    const std::size_t high_at = last ? 0 : low_at + half_bytes;
    V m[16];
    load_words<Count>(m, lows, low_at);
    load_words<Count>(m + 4, lows, low_at + 16);
    load_words<Count>(m + 8, highs, high_at);
    load_words<Count>(m + 12, highs, high_at + 16);
    const std::uint32_t flags =
        job.flags | (b == 0 ? job.first_flags : 0) | (last ? job.last_flags : 0);
    V s[16] = {h[0],
               h[1],
               h[2],
               h[3],
               h[4],
               h[5],
               h[6],
               h[7],
               zero + iv[0],
               zero + iv[1],
               zero + iv[2],
               zero + iv[3],
               counter_low,
               counter_high,
               last ? last_sizes : zero + static_cast<std::uint32_t>(block_bytes),
               zero + flags};
    rounds(s, m);
    h[0] = s[0] ^ s[8];
    h[1] = s[1] ^ s[9];
    h[2] = s[2] ^ s[10];
    h[3] = s[3] ^ s[11];
    h[4] = s[4] ^ s[12];
    h[5] = s[5] ^ s[13];
    h[6] = s[6] ^ s[14];
    h[7] = s[7] ^ s[15];
  }
  store_words<Count>(h, job.outs, 0);
  store_words<Count>(h + 4, job.outs, 16);
}

#if defined(__x86_64__)
__attribute__((target("sse4.1"))) inline void kernel_4(const LaneJob& job) noexcept {
  run_lanes<4>(job);
}

__attribute__((target("avx2"))) inline void kernel_8(const LaneJob& job) noexcept {
  run_lanes<8>(job);
}

__attribute__((target("avx512f,avx512vl,avx512bw"))) inline void kernel_16(
    const LaneJob& job) noexcept {
  run_lanes<16>(job);
}
#else
inline void kernel_4(const LaneJob& job) noexcept {
  run_lanes<4>(job);
}
#endif

#endif  // VARVE_BLAKE3_VECTORS

}  // namespace varve::merkle::blake3
