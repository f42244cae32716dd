// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/digest.hpp>
#include <varve/merkle/suite.hpp>
#include <varve/merkle/suites.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace varve::merkle {

/// A height, tied to those before it. A root says nothing of heights; whoever trusts the hash of a
/// link trusts the root and the number of keys at its height and, with the links before it at hand,
/// at all earlier heights of the chain.
struct ChainLink {
  Digest previous{};  ///< the hash of the link before; zeros in the first of a chain
  std::uint64_t height = 0;
  Digest root{};
  std::uint64_t count = 0;  ///< of the keys that the root is of

  friend bool operator==(const ChainLink&, const ChainLink&) = default;
};

/// The hash of a link (docs/formats/trie.md).
template <Suite S = Blake3>
[[nodiscard]] Digest hash_of_link(const ChainLink& link) noexcept {
  std::array<char, 80> bytes;
  char* to = bytes.data();
  const auto put_digest = [&](const Digest& digest) {
    std::memcpy(to, digest.data(), digest.size());
    to += digest.size();
  };
  const auto put_number = [&](std::uint64_t number) {
    for (unsigned shift = 0; shift != 64; shift += 8) *to++ = static_cast<char>(number >> shift);
  };
  put_digest(link.previous);
  put_number(link.height);
  put_digest(link.root);
  put_number(link.count);
  return S::link_digest({bytes.data(), bytes.size()});
}

}  // namespace varve::merkle
