// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace varve::detail::memory {

inline std::uint64_t load_big_endian(const char* bytes) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof(word));
  if constexpr (std::endian::native == std::endian::little) word = __builtin_bswap64(word);
  return word;
}

/// The eight bytes of `key` after its first `skip`, filled up with zeros, as a number: of two keys
/// with the same first `skip` bytes, the lesser key has the lesser word or the same.
inline std::uint64_t key_word(BytesView key, std::size_t skip) noexcept {
  if (key.size() >= skip + 8) return load_big_endian(key.data() + skip);
  if (key.size() <= skip) return 0;
  const std::size_t missing = skip + 8 - key.size();
  if (key.size() >= 8) return load_big_endian(key.data() + key.size() - 8) << (8 * missing);
  std::uint64_t word = 0;
  for (std::size_t i = skip; i != key.size(); ++i) {
    word = word << 8U | static_cast<unsigned char>(key[i]);
  }
  return word << (8 * missing);
}

/// The first bytes of a word as a signed number of the same order: older processors compare only
/// signed lanes.
template <class Prefix>
constexpr Prefix prefix_of(std::uint64_t word) noexcept {
  using Unsigned = std::make_unsigned_t<Prefix>;
  const auto first = static_cast<Unsigned>(word >> (64 - 8 * sizeof(Prefix)));
  return static_cast<Prefix>(first ^ (Unsigned{1} << (8 * sizeof(Prefix) - 1)));
}

inline std::size_t common_bytes(BytesView a, BytesView b) noexcept {
  const std::size_t most = std::min(a.size(), b.size());
  std::size_t same = 0;
  while (same != most && a[same] == b[same]) ++same;
  return same;
}

/// A key on its way down a tree.
class Probe {
 public:
  explicit Probe(BytesView key) noexcept : key_(key), word_(key_word(key, 0)) {}

  [[nodiscard]] BytesView key() const noexcept { return key_; }

  template <class Prefix>
  [[nodiscard]] Prefix prefix(std::uint32_t skip) noexcept {
    if (skip != skip_) [[unlikely]] {
      skip_ = skip;
      word_ = key_word(key_, skip);
    }
    return prefix_of<Prefix>(word_);
  }

 private:
  BytesView key_;
  std::uint64_t word_;
  std::uint32_t skip_ = 0;
};

}  // namespace varve::detail::memory
