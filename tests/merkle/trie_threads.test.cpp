// SPDX-License-Identifier: Apache-2.0
#include <varve/merkle/suites.hpp>
#include <varve/merkle/trie.hpp>

#include "catch.hpp"
#include "merkle/trie_store.hpp"

#include <cstddef>
#include <thread>
#include <vector>

using namespace varve_test;
using varve::merkle::Blake3;
using varve::merkle::RawKeys;

namespace {

/// Enough changes for every thread, here and there with keys that are alike.
template <class S>
void check_threads(bool alike) {
  Random random(1);
  std::vector<Change> changes;
  for (int i = 0; i != 4200; ++i) {
    changes.push_back({random_digest(random), random_digest(random)});
    if (alike) changes.back().key[0] = std::byte{0x35};
    if (i % 50 == 0) {
      changes.push_back({key_that_shares(changes.back().key, 100, random), Digest{}});
    }
  }
  std::vector<Change> next(changes.begin(), changes.begin() + 3000);
  for (std::size_t i = 0; i != next.size(); ++i) {
    next[i].value = i % 3 == 0 ? std::nullopt : std::optional(Digest{std::byte{7}});
  }
  Leaves leaves;
  change_leaves(changes, leaves);
  const Digest first = reference_of<S>(leaves).root();
  change_leaves(next, leaves);
  const Digest second = reference_of<S>(leaves).root();
  const FreshTrie<S> fresh(leaves);
  for (unsigned threads : {1U, 2U, 4U, 7U, 100U}) {
    Trie<S> trie({.threads = threads});
    PageStore store;
    const TrieUpdate one = trie.update(store, changes);
    CHECK(one.root() == first);
    store.write(one);
    trie.accept(one);
    const TrieUpdate two = trie.update(store, next);
    CHECK(two.root() == second);
    store.write(two);
    CHECK(store.pages == fresh.store.pages);
  }
}

}  // namespace

TEST_CASE("Trie: roots and pages are the same for any number of threads") {
  check_threads<Blake3>(false);
  check_threads<RawKeys>(true);
}

TEST_CASE("Trie: proofs are made by many threads at once") {
  Random random(2);
  Leaves leaves;
  std::vector<Digest> keys;
  for (int i = 0; i != 500; ++i) {
    keys.push_back(random_digest(random));
    leaves[keys.back()] = {};
  }
  FreshTrie<Blake3> fresh(leaves);
  const auto reference = reference_of<Blake3>(leaves);
  std::vector<std::vector<MerkleProof>> proofs(4);
  std::vector<std::thread> threads;
  for (auto& own : proofs) {
    threads.emplace_back([&own, &keys, store = fresh.store]() mutable {
      for (const Digest& key : keys) own.push_back(Trie<Blake3>::prove(store, key));
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& own : proofs) {
    REQUIRE(own.size() == keys.size());
    for (std::size_t i = 0; i != keys.size(); ++i) {
      if (own[i] != reference.prove(keys[i])) FAIL("another proof");
    }
  }
}
