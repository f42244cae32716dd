// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/json/tree.hpp>
#include <varve/codecs/layout_name.hpp>
#include <varve/concepts/bytes.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace varve {

namespace detail::json {

struct JsonFormat {
  static constexpr BytesView name = "json";
  static constexpr BytesView words = "JSON";
  static constexpr auto format = nlohmann::json::input_format_t::json;
  static constexpr bool is_text = true;

  static void write(const nlohmann::json& tree, std::string& bytes) { bytes = tree.dump(); }
};

}  // namespace detail::json

/// JSON text through nlohmann-json, which your program links (`nlohmann_json::nlohmann_json`): for
/// records that others read, or wrote. Keys are written in their order, without blanks; any
/// spelling is read. Numbers convert as nlohmann-json converts them: one that does not fit is cut,
/// silently.
struct Json : detail::json::TreeCodec<detail::json::JsonFormat> {
  /// The `layout_name` of the type, if it has one.
  template <JsonType T>
  [[nodiscard]] static constexpr BytesView identity() noexcept {
    return layout_name<T>;
  }

  /// Which bytes a record may begin with, for the codecs that have to tell it from others.
  template <JsonType T>
  [[nodiscard]] static constexpr bool may_begin_with(unsigned char byte) noexcept {
    constexpr BytesView starts = "{[\"-0123456789tfn \t\n\r\xef";
    return starts.find(static_cast<char>(byte)) != BytesView::npos;
  }
};

}  // namespace varve
