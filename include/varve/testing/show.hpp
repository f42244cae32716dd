// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <cstddef>
#include <string>

namespace varve::testing {

/// Bytes as a person reads them: quoted, with what does not print as \xNN; a long repetition as
/// `"ab"*500`. `parse_script` reads it back.
[[nodiscard]] inline std::string show(BytesView bytes) {
  constexpr std::size_t long_enough = 24;
  constexpr char digits[] = "0123456789abcdef";
  std::size_t times = 1;
  if (bytes.size() >= long_enough) {
    for (std::size_t unit = 1; unit <= 8; ++unit) {
      if (bytes.size() % unit != 0 || bytes.substr(unit) != bytes.substr(0, bytes.size() - unit)) {
        continue;
      }
      times = bytes.size() / unit;
      bytes = bytes.substr(0, unit);
      break;
    }
  }
  std::string shown = "\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
      shown += c;
    } else {
      shown.append("\\x").append(1, digits[byte >> 4U]).append(1, digits[byte & 0xfU]);
    }
  }
  shown += '"';
  if (times > 1) shown.append("*").append(std::to_string(times));
  return shown;
}

/// The same, cut short where it would fill the screen.
[[nodiscard]] inline std::string show_short(BytesView bytes) {
  constexpr std::size_t most = 200;
  std::string shown = show(bytes);
  if (shown.size() <= most) return shown;
  return shown.substr(0, most) + "... (" + std::to_string(bytes.size()) + " bytes)";
}

}  // namespace varve::testing
