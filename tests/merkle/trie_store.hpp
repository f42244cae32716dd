// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/key_order.hpp>
#include <varve/merkle/trie.hpp>

#include "merkle/random_keys.hpp"
#include "merkle/reference.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace varve_test {

using varve::merkle::Change;
using varve::merkle::PageChange;
using varve::merkle::Trie;
using varve::merkle::TrieOptions;
using varve::merkle::TrieSummary;
using varve::merkle::TrieUpdate;

/// What an update changes in a page, with bytes of its own.
struct KeptChange {
  explicit KeptChange(const PageChange& change) : key(change.key) {
    if (change.before) before = *change.before;
  }
  std::string key;
  std::optional<std::string> before;
};

/// Pages as an engine would hold them.
struct PageStore {
  std::map<std::string, std::string, std::less<>> pages;
  std::size_t reads = 0;

  std::optional<BytesView> page(BytesView key) {
    ++reads;
    const auto it = pages.find(key);
    if (it == pages.end()) return std::nullopt;
    return BytesView(it->second);
  }

  /// Writes what an update says, after a look at what it says was there.
  void write(const TrieUpdate& update) {
    std::string last;
    for (const PageChange& change : update.pages()) {
      if (change.key <= last) throw std::logic_error("the pages of an update are not in order");
      last = change.key;
      const auto it = pages.find(change.key);
      const bool was = it != pages.end();
      if (change.before.has_value() != was || (was && *change.before != it->second)) {
        throw std::logic_error("an update has another page before than the store");
      }
      if (change.before == change.after) throw std::logic_error("a page is said to change");
      if (change.after) {
        pages.insert_or_assign(std::string(change.key), std::string(*change.after));
      } else {
        pages.erase(it);
      }
    }
  }

  void undo(std::span<const KeptChange> update) {
    for (const KeptChange& change : update) {
      if (change.before) {
        pages.insert_or_assign(change.key, *change.before);
      } else {
        pages.erase(change.key);
      }
    }
  }
};

inline std::vector<KeptChange> kept(const TrieUpdate& update) {
  return {update.pages().begin(), update.pages().end()};
}

using Leaves = std::map<Digest, Digest>;

template <class S>
ReferenceTrie<S> reference_of(const Leaves& leaves) {
  std::vector<DigestPair> pairs;
  for (const auto& [key, value] : leaves) pairs.push_back({key, value});
  return ReferenceTrie<S>(std::move(pairs));
}

/// A trie built from nothing but its content.
template <class S>
struct FreshTrie {
  explicit FreshTrie(const Leaves& leaves) {
    summary = Trie<S>::build(
        [&](const auto& add) {
          for (auto it = leaves.rbegin(); it != leaves.rend(); ++it) add(it->first, it->second);
        },
        [&](BytesView key, BytesView page) {
          if (!store.pages.emplace(key, page).second) throw std::logic_error("a page comes twice");
        });
  }
  PageStore store;
  TrieSummary summary;
};

inline void change_leaves(std::span<const Change> changes, Leaves& leaves) {
  for (const Change& change : changes) {
    if (change.value) {
      leaves.insert_or_assign(change.key, *change.value);
    } else {
      leaves.erase(change.key);
    }
  }
}

}  // namespace varve_test
