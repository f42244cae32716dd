// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace varve {

/// A type that nlohmann-json takes and gives: one with `to_json` and `from_json`, or nlohmann::json
/// itself.
template <class T>
concept JsonType = std::is_constructible_v<nlohmann::json, const T&> &&
                   requires(const nlohmann::json& json) { json.template get<T>(); };

}  // namespace varve

namespace varve::detail::json {

/// How deep arrays and objects may be nested, in what is read and in what is written.
inline constexpr std::size_t max_depth = 100;

/// What is in the way of writing `tree`; null where nothing is. `text` where it has to be JSON
/// text.
inline const char* objection(const nlohmann::json& tree, bool text, std::size_t depth = 0) {
  switch (tree.type()) {
    case nlohmann::json::value_t::array:
    case nlohmann::json::value_t::object:
      if (depth == max_depth) return "it is nested deeper than 100 levels";
      for (const nlohmann::json& child : tree) {
        if (const char* const found = objection(child, text, depth + 1)) return found;
      }
      return nullptr;
    case nlohmann::json::value_t::number_float:
      return text && !std::isfinite(tree.get<double>())
                 ? "JSON has no numbers that are infinite or NaN; take Cbor"
                 : nullptr;
    case nlohmann::json::value_t::binary:
      if (text) return "JSON has no byte strings; take Cbor";
      return tree.get_binary().has_subtype() ? "a byte string has a subtype" : nullptr;
    case nlohmann::json::value_t::discarded: return "a value was discarded by a parser";
    default: return nullptr;
  }
}

/// Builds the tree from what the parser meets, and stops it at `max_depth` and at a key that an
/// object has twice. Nothing is reserved ahead of the bytes that are there.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string&) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(nlohmann::json::binary_t& value) override {
    if (value.has_subtype()) return refuse("a byte string has a subtype");
    return add(nlohmann::json::binary(std::move(value)));
  }
  bool start_object(std::size_t) override { return open(nlohmann::json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(nlohmann::json::array()); }
  bool end_array() override { return close(); }

  bool key(std::string& key) override {
    const auto [at, added] =
        open_.back()->get_ref<nlohmann::json::object_t&>().emplace(std::move(key), nullptr);
    if (!added) return refuse("an object has a key twice");
    member_ = &at->second;
    return true;
  }

  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::json::exception& error) override {
    return refuse(error.what());
  }

  nlohmann::json root;
  std::string refused;

 private:
  bool refuse(const char* what) {
    refused = what;
    return false;
  }

  nlohmann::json* place(nlohmann::json&& value) {
    if (open_.empty()) {
      root = std::move(value);
      return &root;
    }
    if (member_ == nullptr) {
      auto& elements = open_.back()->get_ref<nlohmann::json::array_t&>();
      elements.push_back(std::move(value));
      return &elements.back();
    }
    nlohmann::json* const member = std::exchange(member_, nullptr);
    *member = std::move(value);
    return member;
  }

  bool add(nlohmann::json&& value) {
    place(std::move(value));
    return true;
  }

  bool open(nlohmann::json&& value) {
    if (open_.size() == max_depth) return refuse("it is nested deeper than 100 levels");
    open_.push_back(place(std::move(value)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  std::vector<nlohmann::json*> open_;
  nlohmann::json* member_ = nullptr;  ///< of the innermost object, where a value is due
};

/// The codecs of nlohmann-json, which differ in the format alone: `Format` has `name`, `words`,
/// `format`, `is_text` and `write(tree, bytes)`.
template <class Format>
struct TreeCodec {
  static constexpr BytesView name = Format::name;

  /// Errors: `invalid_argument` for a value that the format cannot hold.
  template <JsonType T>
  static void encode(const T& value, auto& sink) {
    std::string bytes;
    try {
      const nlohmann::json tree = value;
      if (const char* const found = objection(tree, Format::is_text)) refuse_value(found);
      Format::write(tree, bytes);
    } catch (const nlohmann::json::exception& error) {
      refuse_value(error.what());
    }
    sink.append(BytesView(bytes));
  }

  /// Errors: `corruption` for bytes that are not of the format, nested deeper than 100 levels, with
  /// a key twice in an object, or that `from_json` refuses with an exception of nlohmann-json.
  template <JsonType T>
  [[nodiscard]] static T decode(BytesView bytes) {
    Builder builder;
    try {
      if (nlohmann::json::sax_parse(bytes.data(), bytes.data() + bytes.size(), &builder,
                                    Format::format)) {
        if constexpr (std::same_as<T, nlohmann::json>) {
          return std::move(builder.root);
        } else {
          return builder.root.template get<T>();
        }
      }
    } catch (const nlohmann::json::exception& error) {
      builder.refused = error.what();
    }
    throw Error(ErrorKind::corruption,
                {.message = "the record is no " + std::string(Format::words) +
                            " of this type: " + builder.refused,
                 .operation = "decode",
                 .layer = std::string(name)});
  }

  /// Whether the bytes are those that `encode` writes: many spell the same value.
  template <JsonType T>
  [[nodiscard]] static bool is_current(BytesView bytes) {
    try {
      std::string own;
      encode(decode<T>(bytes), own);
      return own == bytes;
    } catch (const Error&) {
      return false;
    }
  }

 private:
  [[noreturn]] static void refuse_value(const char* what) {
    throw Error(ErrorKind::invalid_argument, {.message = "the value cannot be written as " +
                                                         std::string(Format::words) + ": " + what,
                                              .operation = "encode",
                                              .layer = std::string(name)});
  }
};

}  // namespace varve::detail::json
