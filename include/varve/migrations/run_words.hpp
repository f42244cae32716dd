// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace varve::detail {

/// 1234567 as "1,234,567".
[[nodiscard]] inline std::string grouped_digits(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t end = text.size(); end > 3;) text.insert(end -= 3, ",");
  return text;
}

/// "12 s", "3 min 20 s", "2 h 5 min".
[[nodiscard]] inline std::string time_in_words(double seconds) {
  constexpr double most = 1e9;
  const auto whole = static_cast<std::uint64_t>(seconds < most ? seconds + 0.5 : most);
  const auto pair = [](std::uint64_t many, const char* unit, std::uint64_t few, const char* part) {
    return std::to_string(many) + unit + std::to_string(few) + part;
  };
  if (whole < 60) return std::to_string(whole) + " s";
  if (whole < 3600) return pair(whole / 60, " min ", whole % 60, " s");
  return pair(whole / 3600, " h ", whole % 3600 / 60, " min");
}

/// "999 bytes", "5.9 MB", of 1000 kB each.
[[nodiscard]] inline std::string bytes_in_words(std::uint64_t bytes) {
  constexpr std::array<const char*, 6> units{" kB", " MB", " GB", " TB", " PB", " EB"};
  if (bytes < 1000) return std::to_string(bytes) + " bytes";
  std::uint64_t tenths = bytes / 100;
  std::size_t unit = 0;
  for (; tenths >= 10'000; ++unit) tenths /= 1000;
  std::string text = std::to_string(tenths / 10);
  if (tenths < 100) text += "." + std::to_string(tenths % 10);
  return text + units[unit];
}

/// The first bytes of a key, in hexadecimal digits.
[[nodiscard]] inline std::string readable(BytesView key) {
  constexpr std::size_t shown = 32;
  std::string text;
  for (const char c : key.substr(0, shown)) {
    const auto byte = static_cast<unsigned char>(c);
    text.push_back("0123456789abcdef"[byte >> 4U]);
    text.push_back("0123456789abcdef"[byte & 15U]);
  }
  return key.size() > shown ? text + "..." : text;
}

[[noreturn]] inline void refuse_record(BytesView tree, BytesView key, const std::string& reason,
                                       bool returning) {
  throw Error(
      ErrorKind::invalid_argument,
      {.message = "a conversion refuses the record of key " + readable(key) + " (" + reason +
                  "); it is untouched, and the run goes on from there when the store "
                  "is "
                  "opened again. Mend the step" +
                  (returning ? "" : ", or let records be put aside with refused_at_most"),
       .operation = "migrate",
       .tree = std::string(tree),
       .layer = "migrated"});
}

}  // namespace varve::detail
