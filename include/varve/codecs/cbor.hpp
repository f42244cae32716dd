// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/json/tree.hpp>
#include <varve/codecs/layout_name.hpp>
#include <varve/concepts/bytes.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace varve {

namespace detail::json {

struct CborFormat {
  static constexpr BytesView name = "cbor";
  static constexpr BytesView words = "CBOR";
  static constexpr auto format = nlohmann::json::input_format_t::cbor;
  static constexpr bool is_text = false;

  static void write(const nlohmann::json& tree, std::string& bytes) {
    nlohmann::json::to_cbor(tree, bytes);
  }
};

}  // namespace detail::json

/// CBOR (RFC 8949) through nlohmann-json, which your program links
/// (`nlohmann_json::nlohmann_json`). Keys are written in the order of their bytes, integers in
/// their shortest form; any spelling is read, but for tags. Numbers convert as nlohmann-json
/// converts them: one that does not fit is cut, silently.
struct Cbor : detail::json::TreeCodec<detail::json::CborFormat> {
  /// The `layout_name` of the type, if it has one.
  template <JsonType T>
  [[nodiscard]] static constexpr BytesView identity() noexcept {
    return layout_name<T>;
  }

  /// Which bytes a record may begin with, for the codecs that have to tell it from others.
  template <JsonType T>
  [[nodiscard]] static constexpr bool may_begin_with(unsigned char byte) noexcept {
    const unsigned kind = byte >> 5U;
    const unsigned size = byte & 0x1fU;
    if (kind == 6) return false;  // A tag: not read.
    if (kind == 7) return 20 <= size && size <= 27 && size != 24;
    return size <= 27 || (size == 31 && kind >= 2);
  }
};

}  // namespace varve
