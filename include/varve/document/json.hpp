// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/document.hpp>
#include <varve/document/format.hpp>
#include <varve/document/view.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// Documents to and from nlohmann-json, which your program links (`nlohmann_json::nlohmann_json`):
// `nlohmann::json(document)`, `nlohmann::json(view)`, `json.get<varve::Document>()`.
namespace varve {

namespace detail::document {

[[noreturn]] inline void refuse_conversion(const char* what) {
  throw Error(ErrorKind::invalid_argument,
              {.message = what, .operation = "convert", .layer = "document"});
}

inline void check_depth(std::size_t depth) {
  if (depth == max_depth) refuse_conversion("the value is nested deeper than 100 levels");
}

/// Of a `Document` or a `DocumentView`, by the names that both have.
template <class Value, class Elements, class Members>
nlohmann::json to_tree(const Value& value, Elements elements, Members members) {
  switch (value.kind()) {
    case DocumentKind::null: return nullptr;
    case DocumentKind::boolean: return value.template as<bool>();
    case DocumentKind::integer:
      if (value.template as<double>() < 0) return value.template as<std::int64_t>();
      return value.template as<std::uint64_t>();
    case DocumentKind::floating: return value.template as<double>();
    case DocumentKind::string: return value.template as<std::string>();
    case DocumentKind::bytes: {
      const auto bytes = value.template as<BytesView>();
      return nlohmann::json::binary(std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
    }
    case DocumentKind::array: return elements();
    case DocumentKind::object: break;
  }
  return members();
}

inline nlohmann::json tree_of(DocumentView view) {
  return to_tree(
      view,
      [&] {
        auto tree = nlohmann::json::array();
        for (const DocumentView element : view.elements()) tree.push_back(tree_of(element));
        return tree;
      },
      [&] {
        auto tree = nlohmann::json::object();
        for (const auto [key, value] : view.members()) tree.emplace(key, tree_of(value));
        return tree;
      });
}

inline nlohmann::json tree_of(const Document& document, std::size_t depth) {
  return to_tree(
      document,
      [&] {
        check_depth(depth);
        auto tree = nlohmann::json::array();
        for (const Document& element : document.array()) {
          tree.push_back(tree_of(element, depth + 1));
        }
        return tree;
      },
      [&] {
        check_depth(depth);
        auto tree = nlohmann::json::object();
        for (const auto& [key, value] : document.object()) {
          tree.emplace(key, tree_of(value, depth + 1));
        }
        return tree;
      });
}

inline Document document_of(const nlohmann::json& tree, std::size_t depth) {
  using Kind = nlohmann::json::value_t;
  switch (tree.type()) {
    case Kind::null: return nullptr;
    case Kind::boolean: return tree.get<bool>();
    case Kind::number_integer: return tree.get<std::int64_t>();
    case Kind::number_unsigned: return tree.get<std::uint64_t>();
    case Kind::number_float: return tree.get<double>();
    case Kind::string: return tree.get_ref<const std::string&>();
    case Kind::binary: {
      const auto& bytes = tree.get_binary();
      if (bytes.has_subtype()) refuse_conversion("a document has no subtypes of byte strings");
      const auto* const data = reinterpret_cast<const std::byte*>(bytes.data());
      return Document::Bytes(data, data + bytes.size());
    }
    case Kind::array: {
      check_depth(depth);
      Document::Array elements;
      elements.reserve(tree.size());
      for (const auto& element : tree) elements.push_back(document_of(element, depth + 1));
      return elements;
    }
    case Kind::object: {
      check_depth(depth);
      Document::Object members;
      for (const auto& [key, value] : tree.items()) {
        members.emplace(key, document_of(value, depth + 1));
      }
      return members;
    }
    case Kind::discarded: break;
  }
  refuse_conversion("the value was discarded by a parser");
}

}  // namespace detail::document

/// Errors: `invalid_argument` for a document nested deeper than 100 levels.
inline void to_json(nlohmann::json& tree, const Document& document) {
  tree = detail::document::tree_of(document, 0);
}

inline void to_json(nlohmann::json& tree, DocumentView view) {
  tree = detail::document::tree_of(view);
}

/// Errors: `invalid_argument` for a tree nested deeper than 100 levels, with a byte string that has
/// a subtype, or a discarded value.
inline void from_json(const nlohmann::json& tree, Document& document) {
  document = detail::document::document_of(tree, 0);
}

}  // namespace varve
