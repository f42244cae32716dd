// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>

#include <string>

namespace varve::detail::tables {

/// The codec of tables whose keys say everything: their records are empty, and never read.
struct NoRecord {
  static constexpr BytesView name = "none";

  template <class T>
  static void encode(const T&, std::string&) {}

  template <class T>
  [[nodiscard]] static T decode(BytesView bytes) {
    if (bytes.empty()) return T{};
    throw Error(ErrorKind::corruption, {.message = "a record is not empty, as it should be",
                                        .operation = "decode",
                                        .layer = "table"});
  }

  template <class T>
  [[nodiscard]] static constexpr BytesView identity() noexcept {
    return "none";
  }
};

}  // namespace varve::detail::tables
