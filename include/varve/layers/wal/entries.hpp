// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/tree.hpp>
#include <varve/concepts/write_batch.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

/// What the entries of the log mean: docs/formats/wal.md.
namespace varve::detail {

/// The layer's own tree in the engine below, where that is durable.
inline constexpr BytesView wal_tree_name = "varve.wal";
/// The last sequence whose effect is in the engine: 8 bytes, least first.
inline constexpr BytesView wal_applied_key = "applied";
/// The sequence at which the engine alone was the whole store.
inline constexpr BytesView wal_complete_key = "complete";

[[noreturn]] inline void throw_bad_entry(const std::string& what) {
  throw Error(ErrorKind::corruption, {.message = what, .operation = "open", .layer = "wal"});
}

/// Unsigned numbers with the least byte first.
template <class Number>
void append_number(std::string& to, Number number) {
  for (std::size_t i = 0; i < sizeof number; ++i) {
    to.push_back(static_cast<char>((number >> (8U * i)) & 0xffU));
  }
}

/// The number at the front of `bytes`, which is taken off; throws `corruption` where it is cut off.
template <class Number>
[[nodiscard]] Number take_number(BytesView& bytes) {
  if (bytes.size() < sizeof(Number)) throw_bad_entry("an entry of the log is cut off");
  Number number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) {
    number |=
        static_cast<Number>(static_cast<Number>(static_cast<unsigned char>(bytes[i])) << (8U * i));
  }
  bytes.remove_prefix(sizeof(Number));
  return number;
}

[[nodiscard]] inline std::string open_tree_payload(const TreeInfo& info) {
  std::string payload;
  append_number(payload, info.tree.id());
  return payload.append(info.name);
}

[[nodiscard]] inline TreeInfo opened_tree(BytesView payload) {
  const auto id = take_number<std::uint32_t>(payload);
  return {Tree::from_id(id), std::string(payload)};
}

[[nodiscard]] inline std::string drop_tree_payload(Tree tree) {
  std::string payload;
  append_number(payload, tree.id());
  return payload;
}

[[nodiscard]] inline Tree dropped_tree(BytesView payload) {
  const Tree tree = Tree::from_id(take_number<std::uint32_t>(payload));
  if (!payload.empty()) throw_bad_entry("the entry of a dropped tree is too long");
  return tree;
}

[[nodiscard]] inline std::string batch_and_drop_payload(const WriteBatch& batch,
                                                        std::span<const Tree> dropped) {
  std::string payload;
  payload.reserve(4 + 4 * dropped.size() + batch.bytes().size());
  append_number(payload, static_cast<std::uint32_t>(dropped.size()));
  for (const Tree tree : dropped) append_number(payload, tree.id());
  return payload.append(batch.bytes());
}

/// The trees at the front of a `batch_and_drop`; what is left of `payload` is its batch.
[[nodiscard]] inline std::vector<Tree> dropped_trees(BytesView& payload) {
  const auto count = take_number<std::uint32_t>(payload);
  if (count > payload.size() / 4) throw_bad_entry("an entry of the log names too many trees");
  std::vector<Tree> trees;
  trees.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    trees.push_back(Tree::from_id(take_number<std::uint32_t>(payload)));
  }
  return trees;
}

/// Adds one operation of a batch to another.
inline void append_op(WriteBatch& batch, const WriteOp& op) {
  switch (op.kind) {
    case WriteOpKind::put: batch.put(op.tree, op.key, op.value); return;
    case WriteOpKind::erase: batch.erase(op.tree, op.key); return;
    case WriteOpKind::erase_range:
      batch.erase_range(op.tree, KeyRange::between(op.key, op.value));
      return;
    case WriteOpKind::erase_from: batch.erase_range(op.tree, KeyRange::from(op.key)); return;
  }
}

}  // namespace varve::detail
