// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/fixed_text.hpp>
#include <varve/concepts/bytes.hpp>

#include <cstdint>
#include <string>

namespace varve {

/// A number that stands for a layout: the FNV-1a hash, of 64 bits, of its description. Equal on all
/// compilers and machines.
struct Fingerprint {
  std::uint64_t value = 0;

  [[nodiscard]] friend constexpr bool operator==(Fingerprint, Fingerprint) = default;

  /// Of a description such as `Packed::identity` gives.
  [[nodiscard]] static constexpr Fingerprint of(BytesView description) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char letter : description) {
      hash ^= static_cast<unsigned char>(letter);
      hash *= 0x100000001b3;
    }
    return {hash};
  }
};

namespace detail {

constexpr FixedText<18> literal_of(Fingerprint fingerprint) noexcept {
  FixedText<18> text("0x0000000000000000");
  for (unsigned digit = 0; digit != 16; ++digit) {
    text.text[17 - digit] = "0123456789abcdef"[(fingerprint.value >> (4 * digit)) & 0xfU];
  }
  return text;
}

}  // namespace detail

/// The fingerprint as a literal of C++: "0x0123456789abcdef".
[[nodiscard]] inline std::string to_string(Fingerprint fingerprint) {
  return std::string(detail::literal_of(fingerprint).view());
}

}  // namespace varve
