// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/digest.hpp>

#include <cstddef>
#include <random>
#include <vector>

namespace varve_test {

using Random = std::mt19937_64;

inline varve::merkle::Digest random_digest(Random& random) {
  varve::merkle::Digest digest{};
  for (std::byte& byte : digest) byte = static_cast<std::byte>(random() & 0xffU);
  return digest;
}

/// A key that shares the first `bits` bits with `other`, not one more, and nothing but chance
/// behind.
inline varve::merkle::Digest key_that_shares(const varve::merkle::Digest& other, std::size_t bits,
                                             Random& random) {
  varve::merkle::Digest key = random_digest(random);
  for (std::size_t at = 0; at <= bits; ++at) {
    const std::byte mask{static_cast<unsigned char>(0x80U >> (at % 8))};
    const bool want = varve::merkle::bit_of(other, at) != (at == bits);
    key[at / 8] = want ? key[at / 8] | mask : key[at / 8] & ~mask;
  }
  return key;
}

/// Half of them far apart and half of them alike in many bits.
inline std::vector<varve::merkle::Digest> random_keys(std::size_t count, Random& random) {
  std::vector<varve::merkle::Digest> keys;
  while (keys.size() != count) {
    const bool alike = !keys.empty() && random() % 2 == 0;
    keys.push_back(alike ? key_that_shares(keys[random() % keys.size()], random() % 256, random)
                         : random_digest(random));
  }
  return keys;
}

/// Far apart, all of them.
inline std::vector<varve::merkle::DigestPair> random_leaves(std::size_t count, Random& random) {
  std::vector<varve::merkle::DigestPair> leaves;
  while (leaves.size() != count) leaves.push_back({random_digest(random), random_digest(random)});
  return leaves;
}

}  // namespace varve_test
