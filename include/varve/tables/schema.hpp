// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace varve {

/// How far an index of a table is. Stored: do not change these names.
enum class IndexState : std::uint8_t {
  absent,    ///< nothing is recorded of it
  building,  ///< writes keep it, and the records from before are being added; it answers no query
  readable,
};

[[nodiscard]] constexpr BytesView to_string(IndexState state) noexcept {
  switch (state) {
    case IndexState::absent: return "absent";
    case IndexState::building: return "building";
    case IndexState::readable: return "readable";
  }
  return "unknown";
}

struct IndexSchema {
  std::string name;
  std::string tree;        ///< where its entries are
  std::string definition;  ///< its kind and the types of its parts
  bool unique = false;
  IndexState state = IndexState::absent;  ///< in the store; of a compiled schema, absent

  friend bool operator==(const IndexSchema&, const IndexSchema&) = default;
};

/// What a table is, for tools: of a type (`Table::schema()`) or as recorded in a store
/// (`recorded_tables(store)`).
struct TableSchema {
  std::string name;    ///< also the name of the tree of its records
  std::string key;     ///< the identity of the type of its keys
  std::string codec;   ///< the name of the codec of its records
  std::string record;  ///< the identity that the codec gives the type of its records
  std::vector<IndexSchema> indexes;

  friend bool operator==(const TableSchema&, const TableSchema&) = default;
};

/// Several lines, for people.
[[nodiscard]] inline std::string to_string(const TableSchema& schema) {
  std::string text = "table " + schema.name + "\n  key     " + schema.key + "\n  record  " +
                     schema.codec + " " + schema.record + "\n";
  for (const IndexSchema& index : schema.indexes) {
    text.append("  index   ").append(index.name).append(": ").append(index.definition);
    text.append(", ").append(to_string(index.state)).append("\n");
  }
  return text;
}

}  // namespace varve
