// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/suites/blake3.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace varve::merkle {

/// For tests: as `Blake3`, but K is the key itself, filled up with zeros, so that a test chooses
/// which bits keys share. A key has at most 32 bytes and does not end in a zero byte, unless all
/// have 32; what is longer is cut. The tree's name is not in K.
struct RawKeys : Blake3 {
  static constexpr std::uint8_t id = 255;  // do not change
  static constexpr BytesView name = "raw-keys";

  [[nodiscard]] static Digest key_digest(BytesView, BytesView key) noexcept {
    Digest digest{};
    const std::size_t size = std::min(key.size(), digest.size());
    for (std::size_t i = 0; i < size; ++i) digest[i] = static_cast<std::byte>(key[i]);
    return digest;
  }

  static void key_digests(BytesView tree, std::span<const BytesView> keys,
                          std::span<Digest> out) noexcept {
    for (std::size_t i = 0; i < keys.size(); ++i) out[i] = key_digest(tree, keys[i]);
  }
};

}  // namespace varve::merkle
