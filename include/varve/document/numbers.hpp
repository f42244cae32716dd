// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/document/kind.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <utility>

namespace varve::detail::document {

template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && sizeof(T) <= 8;

[[noreturn]] inline void refuse_kind(DocumentKind is, DocumentKind wanted) {
  throw Error(ErrorKind::invalid_argument,
              {.message = "the value is " + std::string(to_string(is)) + ", not " +
                          std::string(to_string(wanted)) + ": ask for its kind first",
               .operation = "as",
               .layer = "document"});
}

/// `number` as a T.
template <Integer T, Integer Number>
[[nodiscard]] T fitted(Number number) {
  if (std::in_range<T>(number)) return static_cast<T>(number);
  throw Error(ErrorKind::invalid_argument,
              {.message = "the integer " + std::to_string(number) +
                          " does not fit the type that was asked for: take a wider one",
               .operation = "as",
               .layer = "document"});
}

}  // namespace varve::detail::document
