// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/tables/catalogue.hpp>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace varve {

/// Some rows, and how to go on after them.
template <class Row>
struct Page {
  std::vector<Row> rows;
  std::string next;  ///< letters and digits, for `page`; empty where nothing follows
};

}  // namespace varve

namespace varve::detail::tables {

/// FNV-1a over the parts and their sizes: the same in every process.
[[nodiscard]] inline std::uint64_t query_hash(std::initializer_list<BytesView> parts) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  const auto add = [&](std::uint64_t byte) { hash = (hash ^ byte) * 0x100000001b3U; };
  for (const BytesView part : parts) {
    for (std::uint64_t size = part.size(); size != 0; size >>= 8U) add(size & 0xffU);
    add(0x100);
    for (const char c : part) add(static_cast<unsigned char>(c));
  }
  return hash;
}

[[nodiscard]] inline std::string token_check(BytesView last, std::uint64_t query) {
  const BytesView query_bytes(reinterpret_cast<const char*>(&query), sizeof query);
  const std::uint64_t check = query_hash({query_bytes, last});
  std::string bytes;
  for (unsigned shift = 64; shift != 0; shift -= 8) {
    bytes.push_back(static_cast<char>(check >> (shift - 8)));
  }
  return bytes;
}

/// A check of the query and the last key, then the last key, in hexadecimal digits.
[[nodiscard]] inline std::string page_token(BytesView last, std::uint64_t query) {
  return hex(token_check(last, query) + std::string(last));
}

[[nodiscard]] inline std::string read_token(BytesView token, std::uint64_t query,
                                            const std::string& table) {
  if (auto bytes = from_hex(token); bytes && bytes->size() > 8) {
    std::string last = bytes->substr(8);
    if (bytes->compare(0, 8, token_check(last, query)) == 0) return last;
  }
  throw Error(ErrorKind::invalid_argument,
              {.message = "the continuation token is not one of these rows: it is damaged, or of "
                          "another query; begin with the first page",
               .operation = "page",
               .tree = table,
               .layer = "table"});
}

}  // namespace varve::detail::tables
