// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/key_order.hpp>
#include <varve/merkle/trie.hpp>

#include "merkle/reference.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
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

  void undo(const TrieUpdate& update) {
    for (const PageChange& change : update.pages()) {
      if (change.before) {
        pages.insert_or_assign(std::string(change.key), std::string(*change.before));
      } else {
        pages.erase(std::string(change.key));
      }
    }
  }
};

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
  explicit FreshTrie(const Leaves& leaves, std::size_t memory_bytes = std::size_t{1} << 20U) {
    summary = Trie<S>::build(
        [&](const auto& add) {
          for (auto it = leaves.rbegin(); it != leaves.rend(); ++it) add(it->first, it->second);
        },
        [&](BytesView key, BytesView page) {
          if (!store.pages.emplace(key, page).second) throw std::logic_error("a page comes twice");
        },
        memory_bytes);
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

template <class Random>
Digest random_digest(Random& random) {
  Digest digest{};
  for (std::byte& byte : digest) byte = static_cast<std::byte>(random() & 0xffU);
  return digest;
}

/// A key that shares the first `bits` bits with `other`, not one more, and nothing but chance
/// behind.
template <class Random>
Digest key_that_shares(const Digest& other, std::size_t bits, Random& random) {
  Digest key = random_digest(random);
  for (std::size_t at = 0; at <= bits; ++at) {
    const std::byte mask{static_cast<unsigned char>(0x80U >> (at % 8))};
    const bool want = varve::merkle::bit_of(other, at) != (at == bits);
    key[at / 8] = want ? key[at / 8] | mask : key[at / 8] & ~mask;
  }
  return key;
}

}  // namespace varve_test
