// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/blake3/words.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(VARVE_BLAKE3_VECTORS)

/// One block at a time with vectors: the state as four rows of four words, so that the four columns
/// are mixed at once, and then the four diagonals.
namespace varve::merkle::blake3 {

using Row __attribute__((vector_size(16))) = std::uint32_t;

/// Words 0 to 3 are those of `a`, 4 to 7 those of `b`.
template <int I, int J, int K, int L>
[[gnu::always_inline]] inline Row pick(const Row& a, const Row& b) noexcept {
  return __builtin_shufflevector(a, b, I, J, K, L);
}

template <int I, int J, int K, int L>
[[gnu::always_inline]] inline Row turn(const Row& row) noexcept {
  return pick<I, J, K, L>(row, row);
}

struct Rows {
  Row a, b, c, d;
};

template <int First, int Second>
[[gnu::always_inline]] inline void mix_half(Rows& s, const Row& message) noexcept {
  s.a = (s.a + message) + s.b;  // `b` is known last
  s.d ^= s.a;
  s.d = (s.d >> First) | (s.d << (32 - First));
  s.c += s.d;
  s.b ^= s.c;
  s.b = (s.b >> Second) | (s.b << (32 - Second));
}

/// What a round takes of the block: the first and the second words of the columns, then those of
/// the diagonals. These begin with the one of b[0], because `b` is the row that stays in its place.
struct Message {
  Row columns[2];
  Row diagonals[2];

  explicit Message(const std::uint32_t (&m)[16]) noexcept {
    Row w[4];
    std::memcpy(w, m, sizeof w);
    columns[0] = pick<0, 2, 4, 6>(w[0], w[1]);
    columns[1] = pick<1, 3, 5, 7>(w[0], w[1]);
    diagonals[0] = turn<3, 0, 1, 2>(pick<0, 2, 4, 6>(w[2], w[3]));
    diagonals[1] = turn<3, 0, 1, 2>(pick<1, 3, 5, 7>(w[2], w[3]));
  }

  /// The permutation of the words between two rounds.
  [[gnu::always_inline]] void permute() noexcept {
    const Row first = turn<0, 2, 3, 1>(pick<1, 2, 5, 7>(columns[0], columns[1]));
    const Row of_diagonals = pick<2, 2, 7, 7>(diagonals[0], diagonals[1]);
    const Row second = turn<0, 2, 1, 3>(pick<3, 0, 4, 6>(columns[0], of_diagonals));
    const Row outer = pick<0, 0, 7, 7>(columns[1], diagonals[0]);
    const Row third = turn<0, 2, 3, 1>(pick<0, 1, 4, 6>(diagonals[1], outer));
    const Row inner = pick<2, 2, 6, 6>(diagonals[1], columns[1]);
    diagonals[1] = turn<0, 2, 3, 1>(pick<1, 0, 4, 6>(diagonals[0], inner));
    diagonals[0] = third;
    columns[0] = first;
    columns[1] = second;
  }
};

[[gnu::always_inline]] inline void round_of_rows(Rows& s, const Message& m) noexcept {
  mix_half<16, 12>(s, m.columns[0]);
  mix_half<8, 7>(s, m.columns[1]);
  s.a = turn<3, 0, 1, 2>(s.a);
  s.c = turn<1, 2, 3, 0>(s.c);
  s.d = turn<2, 3, 0, 1>(s.d);
  mix_half<16, 12>(s, m.diagonals[0]);
  mix_half<8, 7>(s, m.diagonals[1]);
  s.a = turn<1, 2, 3, 0>(s.a);
  s.c = turn<3, 0, 1, 2>(s.c);
  s.d = turn<2, 3, 0, 1>(s.d);
}

/// The state after the seven rounds.
[[gnu::always_inline]] inline Rows permute_rows(const Words& chain, const std::uint32_t (&m)[16],
                                                std::uint64_t counter, std::size_t size,
                                                std::uint32_t flags) noexcept {
  Rows s;
  std::memcpy(&s.a, chain.data(), sizeof s.a);
  std::memcpy(&s.b, chain.data() + 4, sizeof s.b);
  s.c = Row{iv[0], iv[1], iv[2], iv[3]};
  s.d = Row{static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32U),
            static_cast<std::uint32_t>(size), flags};
  Message message(m);
  for (int i = 0; i != 6; ++i) {
    round_of_rows(s, message);
    message.permute();
  }
  round_of_rows(s, message);
  return s;
}

[[nodiscard]] inline Words compress_rows(const Words& chain, const std::uint32_t (&m)[16],
                                         std::uint64_t counter, std::size_t size,
                                         std::uint32_t flags) noexcept {
  const Rows s = permute_rows(chain, m, counter, size, flags);
  const Row halves[2] = {s.a ^ s.c, s.b ^ s.d};
  Words out;
  std::memcpy(out.data(), halves, sizeof halves);
  return out;
}

}  // namespace varve::merkle::blake3

#endif  // VARVE_BLAKE3_VECTORS
