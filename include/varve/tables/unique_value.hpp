// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>

#include <cstddef>
#include <string>

// The value of an entry of a unique index: the size of the record's key as a varint, the key, the
// stored fields. docs/formats/tables.md.
namespace varve::detail::tables {

inline void append_owner(std::string& sink, BytesView key) {
  std::size_t size = key.size();
  for (; size >= 0x80; size >>= 7U) {
    sink.push_back(static_cast<char>((size & 0x7fU) | 0x80U));
  }
  sink.push_back(static_cast<char>(size));
  sink.append(key);
}

struct OwnerAndFields {
  BytesView owner;
  BytesView fields;
};

/// Errors: `corruption`.
[[nodiscard]] inline OwnerAndFields split_owner(BytesView value) {
  std::size_t size = 0;
  std::size_t at = 0;
  for (unsigned shift = 0; at != value.size() && shift < 35; shift += 7) {
    const auto byte = static_cast<unsigned char>(value[at++]);
    size |= std::size_t{byte & 0x7fU} << shift;
    if (byte >= 0x80) continue;
    if (size > value.size() - at) break;
    return {value.substr(at, size), value.substr(at + size)};
  }
  throw Error(ErrorKind::corruption,
              {.message = "an entry of a unique index names no record: verify the indexes and "
                          "rebuild what is damaged",
               .operation = "decode",
               .layer = "table"});
}

}  // namespace varve::detail::tables
