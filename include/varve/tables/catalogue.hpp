// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/tables/schema.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// What the reserved tree `varve.tables` holds: docs/formats/tables.md.
namespace varve::detail::tables {

inline constexpr BytesView catalogue_tree = "varve.tables";

struct StoredTable {
  std::string key;
  std::string codec;
  std::string record;
};

struct StoredIndex {
  std::string definition;
  IndexState state = IndexState::absent;
  std::string cursor;  ///< of one that is built: the key of the last record that was added
};

[[noreturn]] inline void refuse_catalogue(BytesView what) {
  throw Error(ErrorKind::corruption, {.message = "the record of '" + std::string(what) +
                                                 "' is damaged or was written by a newer program",
                                      .operation = "open",
                                      .tree = std::string(catalogue_tree),
                                      .layer = "table"});
}

inline void append_line(std::string& text, BytesView word, BytesView rest) {
  for (const char c : rest) {
    if (c != '\n') continue;
    throw Error(ErrorKind::invalid_argument,
                {.message = "the identity that a codec gives a type is one line of text",
                 .operation = "open",
                 .layer = "table"});
  }
  text.append(word).append(rest).append("\n");
}

/// The rest of the line that starts with `word`, taken from `left`.
[[nodiscard]] inline std::optional<std::string> take_word(BytesView& left, BytesView word) {
  const std::size_t end = left.find('\n');
  if (end == BytesView::npos || left.substr(0, word.size()) != word) return std::nullopt;
  std::string rest(left.substr(word.size(), end - word.size()));
  left.remove_prefix(end + 1);
  return rest;
}

[[nodiscard]] inline std::string table_text(const StoredTable& table) {
  std::string text = "varve-table 1\n";
  append_line(text, "key ", table.key);
  append_line(text, "codec ", table.codec);
  append_line(text, "record ", table.record);
  return text;
}

[[nodiscard]] inline StoredTable parse_table(BytesView name, BytesView text) {
  BytesView left = text;
  if (const auto head = take_word(left, "varve-table 1"); head && head->empty()) {
    auto key = take_word(left, "key ");
    auto codec = take_word(left, "codec ");
    auto record = take_word(left, "record ");
    if (key && codec && record && left.empty()) {
      return {*std::move(key), *std::move(codec), *std::move(record)};
    }
  }
  refuse_catalogue(name);
}

[[nodiscard]] inline std::string hex(BytesView bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text.append(1, digits[byte >> 4U]).append(1, digits[byte & 15U]);
  }
  return text;
}

[[nodiscard]] inline std::optional<std::string> from_hex(BytesView text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i != text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return bytes;
}

[[nodiscard]] inline std::string index_text(const StoredIndex& index) {
  std::string text = "varve-index 1\n";
  append_line(text, "definition ", index.definition);
  append_line(text, "state ", to_string(index.state));
  if (index.state == IndexState::building) append_line(text, "cursor ", hex(index.cursor));
  return text;
}

[[nodiscard]] inline StoredIndex parse_index(BytesView name, BytesView text) {
  BytesView left = text;
  if (const auto head = take_word(left, "varve-index 1"); head && head->empty()) {
    auto definition = take_word(left, "definition ");
    const auto state = take_word(left, "state ");
    if (definition && state && *state == "readable" && left.empty()) {
      return {*std::move(definition), IndexState::readable, {}};
    }
    if (definition && state && *state == "building") {
      const auto spelled = take_word(left, "cursor ");
      auto cursor = spelled ? from_hex(*spelled) : std::nullopt;
      if (cursor && left.empty()) {
        return {*std::move(definition), IndexState::building, *std::move(cursor)};
      }
    }
  }
  refuse_catalogue(name);
}

template <KvReader R>
[[nodiscard]] std::optional<StoredIndex> read_index(const R& reader, Tree catalogue,
                                                    const std::string& name) {
  const auto text = reader.get(catalogue, name);
  if (!text) return std::nullopt;
  return parse_index(name, text->view());
}

}  // namespace varve::detail::tables

namespace varve {

/// The tables that a store has, as they are recorded in it.
/// Errors: `corruption` where a record cannot be read.
template <KvEngine E>
[[nodiscard]] std::vector<TableSchema> recorded_tables(const E& engine) {
  namespace tables = detail::tables;
  std::vector<TableSchema> schemas;
  const auto tree = engine.find_tree(tables::catalogue_tree);
  if (!tree) return schemas;
  for (auto scan = engine.scan(*tree, KeyRange::all()); scan.valid(); scan.next()) {
    const auto [key, value] = scan.entry();
    const std::size_t dot = key.find('.');
    if (dot == BytesView::npos) {
      auto table = tables::parse_table(key, value);
      schemas.push_back({std::string(key),
                         std::move(table.key),
                         std::move(table.codec),
                         std::move(table.record),
                         {}});
      continue;
    }
    auto index = tables::parse_index(key, value);
    for (TableSchema& schema : schemas) {
      if (schema.name != key.substr(0, dot)) continue;
      const bool unique = index.definition.substr(0, 6) == "unique";
      schema.indexes.push_back({std::string(key.substr(dot + 1)), std::string(key),
                                std::move(index.definition), unique, index.state});
    }
  }
  return schemas;
}

}  // namespace varve
