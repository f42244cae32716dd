// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <compare>
#include <cstdint>
#include <string>

namespace varve {

/// Names that start with this are the toolkit's own: every layer hands operations on them to the
/// layer below untouched.
inline constexpr BytesView reserved_prefix = "varve.";

[[nodiscard]] constexpr bool is_reserved_name(BytesView tree_name) noexcept {
  return tree_name.substr(0, reserved_prefix.size()) == reserved_prefix;
}

/// The id of one ordered keyspace of an engine (a column family of RocksDB, a named database of
/// LMDB). An engine gives a tree its id when the tree is first opened; the id is the same after
/// every reopening and is never given to another tree, even when this one is dropped.
///
/// The highest bit tells whether the tree's name is reserved, so that a layer decides in one
/// instruction whether an operation concerns it.
class Tree {
 public:
  /// The largest number an engine may give.
  static constexpr std::uint32_t max_number = 0x7fff'ffffU;

  constexpr Tree() noexcept = default;

  /// The id of the tree `name` to which the engine gave `number` (at most `max_number`).
  constexpr Tree(std::uint32_t number, BytesView name) noexcept
      : id_(number | (is_reserved_name(name) ? reserved_bit : 0U)) {}

  /// The tree whose `id()` is `id`.
  [[nodiscard]] static constexpr Tree from_id(std::uint32_t id) noexcept {
    Tree tree;
    tree.id_ = id;
    return tree;
  }

  [[nodiscard]] constexpr std::uint32_t id() const noexcept { return id_; }
  [[nodiscard]] constexpr std::uint32_t number() const noexcept { return id_ & max_number; }
  [[nodiscard]] constexpr bool reserved() const noexcept { return (id_ & reserved_bit) != 0; }

  friend constexpr bool operator==(Tree, Tree) noexcept = default;
  friend constexpr auto operator<=>(Tree, Tree) noexcept = default;

 private:
  static constexpr std::uint32_t reserved_bit = 0x8000'0000U;

  std::uint32_t id_ = 0;
};

/// A tree and its name, as `trees()` lists them.
struct TreeInfo {
  Tree tree;
  std::string name;

  friend bool operator==(const TreeInfo&, const TreeInfo&) = default;
};

}  // namespace varve
