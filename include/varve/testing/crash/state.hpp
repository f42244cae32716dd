// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/entry.hpp>
#include <varve/concepts/key_range.hpp>
#include <varve/concepts/tree.hpp>
#include <varve/testing/disk/bytes.hpp>
#include <varve/testing/script.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace varve::testing::detail {

/// What a store holds, as the oracle knows it and as a recovered store is read.
struct CrashState {
  struct KeptTree {
    std::optional<std::uint32_t> id{};  ///< where it is known
    std::map<std::string, std::string> records{};
  };
  std::map<std::string, KeptTree> trees{};
  std::uint64_t sequence = 0;  ///< the store's last one, where it is known
  std::uint64_t hash = 0;

  [[nodiscard]] static std::string tree_name(std::uint32_t number) {
    return "tree " + std::to_string(number);
  }

  /// The same for the same names and records; ids and sequences do not count.
  void rehash() {
    hash = 0x6a09e667f3bcc909U;
    for (const auto& [name, tree] : trees) {
      hash = hash_bytes(mix(hash, 1), name);
      for (const auto& [key, value] : tree.records) hash = hash_bytes(hash_bytes(hash, key), value);
    }
  }

  void apply(const std::vector<script::Change>& changes) {
    for (const script::Change& change : changes) {
      std::visit([this](const auto& each) { apply(each); }, change);
    }
    rehash();
  }

 private:
  CrashState::KeptTree* find(std::uint32_t number) {
    const auto at = trees.find(tree_name(number));
    return at == trees.end() ? nullptr : &at->second;
  }
  void apply(const script::Put& put) {
    if (KeptTree* const tree = find(put.tree)) tree->records[put.key] = put.value;
  }
  void apply(const script::Erase& erase) {
    if (KeptTree* const tree = find(erase.tree)) tree->records.erase(erase.key);
  }
  void apply(const script::EraseRange& erase) {
    KeptTree* const tree = find(erase.tree);
    if (tree == nullptr) return;
    const KeyRange range = erase.range.view();
    std::erase_if(tree->records, [&](const auto& record) { return range.contains(record.first); });
  }
};

/// Everything that a store holds, but what is the toolkit's own. A scan and `get` must agree.
template <class Store>
[[nodiscard]] CrashState read_state(const Store& store) {
  CrashState state;
  for (const TreeInfo& info : store.trees()) {
    if (info.tree.reserved()) continue;
    auto& tree = state.trees[std::string(info.name)];
    tree.id = info.tree.id();
    for (auto scan = store.scan(info.tree, KeyRange::all()); scan.valid(); scan.next()) {
      const Entry entry = scan.entry();
      tree.records.emplace(entry.key, entry.value);
      if constexpr (requires { store.get(info.tree, entry.key)->view(); }) {
        const auto got = store.get(info.tree, entry.key);
        if (!got || got->view() != entry.value) {
          tree.records[std::string(entry.key)] = got ? "what get alone gives" : "not for get";
        }
      }
    }
  }
  if constexpr (requires { static_cast<std::uint64_t>(store.last_sequence()); }) {
    state.sequence = store.last_sequence();
  }
  state.rehash();
  return state;
}

}  // namespace varve::testing::detail
