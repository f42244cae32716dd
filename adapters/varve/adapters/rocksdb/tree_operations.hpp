// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb/errors.hpp>
#include <varve/adapters/rocksdb/store.hpp>
#include <varve/concepts/limits.hpp>
#include <varve/concepts/tree.hpp>

#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace varve::detail::rocks {

[[nodiscard]] inline Tree open_tree(Store& store, BytesView name) {
  check_tree_name(name, engine_name);
  store.guard().check("open_tree", engine_name);
  const std::lock_guard lock(store.trees_mutex());
  TreeState* state = store.trees().find_named(name);
  if (state != nullptr && state->alive()) return state->tree;
  store.check_writable("open_tree");
  if (state == nullptr) {
    state = &store.make_tree(std::string(name));
  } else {
    store.mark_default();
  }
  store.trees().publish(*state);
  return state->tree;
}

[[nodiscard]] inline std::optional<Tree> find_tree(const Store& store, BytesView name) {
  store.guard().check("find_tree", engine_name);
  const std::lock_guard lock(store.trees_mutex());
  const TreeState* const state = store.trees().find_named(name);
  if (state == nullptr || !state->alive()) return std::nullopt;
  return state->tree;
}

/// By number.
[[nodiscard]] inline std::vector<TreeInfo> trees(const Store& store) {
  store.guard().check("trees", engine_name);
  const std::lock_guard lock(store.trees_mutex());
  return store.trees().list();
}

inline void drop_tree(Store& store, Tree tree) {
  store.check_writable("drop_tree");
  const std::lock_guard lock(store.trees_mutex());
  static_cast<void>(store.family(tree, "drop_tree"));
  if (tree.number() == 0) {
    refuse(ErrorKind::not_supported,
           "RocksDB cannot drop its own column family 'default'; erase its keys instead "
           "(erase_range of KeyRange::all())",
           "drop_tree", rocksdb::kDefaultColumnFamilyName);
  }
  store.drop_tree(*store.trees().find_named(store.trees().name_of(tree)));
}

}  // namespace varve::detail::rocks
