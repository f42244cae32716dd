// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/json/tree.hpp>
#include <varve/codecs/layout_name.hpp>
#include <varve/concepts/bytes.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace varve {

namespace detail::json {

struct MessagePackFormat {
  static constexpr BytesView name = "message_pack";
  static constexpr BytesView words = "MessagePack";
  static constexpr auto format = nlohmann::json::input_format_t::msgpack;
  static constexpr bool is_text = false;

  static void write(const nlohmann::json& tree, std::string& bytes) {
    nlohmann::json::to_msgpack(tree, bytes);
  }
};

}  // namespace detail::json

/// MessagePack through nlohmann-json, which your program links (`nlohmann_json::nlohmann_json`).
/// Keys are written in the order of their bytes, integers in their shortest form; any spelling is
/// read, but for extension types. Numbers convert as nlohmann-json converts them: one that does not
/// fit is cut, silently.
struct MessagePack : detail::json::TreeCodec<detail::json::MessagePackFormat> {
  /// The `layout_name` of the type, if it has one.
  template <JsonType T>
  [[nodiscard]] static constexpr BytesView identity() noexcept {
    return layout_name<T>;
  }

  /// Which bytes a record may begin with, for the codecs that have to tell it from others.
  template <JsonType T>
  [[nodiscard]] static constexpr bool may_begin_with(unsigned char byte) noexcept {
    return byte != 0xc1;
  }
};

}  // namespace varve
