// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>

#include <cstddef>
#include <string>

namespace varve::detail {

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
