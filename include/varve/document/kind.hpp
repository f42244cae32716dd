// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <cstdint>

namespace varve {

/// What a value of a document is.
enum class DocumentKind : std::uint8_t {
  null,
  boolean,
  integer,   ///< from -2^63 to 2^64 - 1
  floating,  ///< IEEE 754 binary64
  string,    ///< text; that it is UTF-8 is not checked
  bytes,
  array,
  object,  ///< members by key, in the order of the keys' bytes
};

[[nodiscard]] constexpr BytesView to_string(DocumentKind kind) noexcept {
  switch (kind) {
    case DocumentKind::null: return "null";
    case DocumentKind::boolean: return "a boolean";
    case DocumentKind::integer: return "an integer";
    case DocumentKind::floating: return "a floating-point number";
    case DocumentKind::string: return "a string";
    case DocumentKind::bytes: return "bytes";
    case DocumentKind::array: return "an array";
    case DocumentKind::object: return "an object";
  }
  return "unknown";
}

}  // namespace varve
