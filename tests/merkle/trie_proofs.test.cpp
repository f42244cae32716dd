// SPDX-License-Identifier: Apache-2.0
#include <varve/merkle/suites.hpp>
#include <varve/merkle/trie.hpp>
#include <varve/merkle/verify.hpp>

#include "catch.hpp"
#include "merkle/trie_store.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace varve_test;
using varve::merkle::Blake3;
using varve::merkle::encode_proof;
using varve::merkle::Ics23Sha256;
using varve::merkle::JmtSha256;
using varve::merkle::RawKeys;
using varve::merkle::root_of;
using varve::merkle::verify;

namespace {

template <class S>
void check_proofs(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::map<std::string, std::string> data;
  Leaves leaves;
  for (std::size_t i = 0; i != count; ++i) {
    const std::string key = "key " + std::to_string(i);
    data[key] = "value " + std::to_string(random() % 100);
    leaves[S::key_digest("t", key)] = S::value_digest(data[key]);
  }
  FreshTrie<S> fresh(leaves);
  const Digest root = Trie<S>::root(fresh.store);
  const auto reference = reference_of<S>(leaves);
  for (std::size_t i = 0; i != count + 50; ++i) {
    const std::string key = "key " + std::to_string(i);
    const Digest digest = S::key_digest("t", key);
    const MerkleProof proof = Trie<S>::prove(fresh.store, digest);
    REQUIRE(proof == reference.prove(digest));
    const auto it = data.find(key);
    const std::string encoded = encode_proof<S>(proof);
    if (it != data.end()) {
      CHECK(verify<S>(root, "t", key, it->second, encoded));
      CHECK_FALSE(verify<S>(root, "t", key, std::nullopt, encoded));
      CHECK_FALSE(verify<S>(root, "t", key, it->second + " ", encoded));
    } else {
      CHECK(verify<S>(root, "t", key, std::nullopt, encoded));
      CHECK_FALSE(verify<S>(root, "t", key, "value 1", encoded));
    }
  }
}

}  // namespace

TEST_CASE("Trie: proofs of present and of absent keys hold, in every suite") {
  for (std::size_t count : {0U, 1U, 2U, 3U, 17U, 500U}) {
    check_proofs<Blake3>(count, count);
    check_proofs<RawKeys>(count, count);
    check_proofs<Ics23Sha256>(count, count);
    check_proofs<JmtSha256>(count, count);
  }
}

TEST_CASE("Trie: proofs along keys that share 255 bits") {
  Random random(1);
  Leaves leaves;
  const Digest first = random_digest(random);
  leaves[first] = first;
  for (std::size_t bits = 60; bits < 256; bits += 13) {
    leaves[key_that_shares(first, bits, random)] = first;
  }
  leaves[key_that_shares(first, 255, random)] = first;
  FreshTrie<RawKeys> fresh(leaves);
  const auto reference = reference_of<RawKeys>(leaves);
  const Digest root = Trie<RawKeys>::root(fresh.store);
  CHECK(Trie<RawKeys>::prove(fresh.store, first).siblings.size() == 256);
  for (std::size_t bits = 0; bits != 256; ++bits) {
    const Digest key = key_that_shares(first, bits, random);
    const MerkleProof proof = Trie<RawKeys>::prove(fresh.store, key);
    REQUIRE(proof == reference.prove(key));
    CHECK(root_of<RawKeys>(proof, key, first) == root);
  }
}

TEST_CASE("Trie: what the pages were before gives the proofs of earlier states") {
  struct Past {
    PageStore& now;
    std::map<std::string, std::optional<std::string>, std::less<>>& before;
    std::optional<std::string> page(BytesView key) {
      if (const auto it = before.find(key); it != before.end()) return it->second;
      if (const auto held = now.page(key)) return std::string(*held);
      return std::nullopt;
    }
  };
  Random random(2);
  std::vector<Digest> keys;
  for (int i = 0; i != 300; ++i) keys.push_back(random_digest(random));
  Trie<Blake3> trie;
  PageStore store;
  Leaves leaves;
  std::vector<Leaves> states;
  std::vector<std::vector<KeptChange>> updates;
  for (int height = 0; height != 20; ++height) {
    states.push_back(leaves);
    std::vector<Change> changes;
    for (int i = 0; i != 30; ++i) {
      changes.push_back({keys[random() % keys.size()], std::nullopt});
      if (random() % 3 != 0) changes.back().value = random_digest(random);
    }
    const TrieUpdate update = trie.update(store, changes);
    updates.push_back(kept(update));
    store.write(update);
    trie.accept(update);
    change_leaves(changes, leaves);
  }
  std::map<std::string, std::optional<std::string>, std::less<>> before;
  for (std::size_t height = states.size(); height-- != 0;) {
    for (const KeptChange& page : updates[height]) before[page.key] = page.before;
    Past past{store, before};
    const auto reference = reference_of<Blake3>(states[height]);
    CHECK(Trie<Blake3>::root(past) == reference.root());
    CHECK(Trie<Blake3>::count(past) == states[height].size());
    for (std::size_t i = 0; i < keys.size(); i += 10) {
      CHECK(Trie<Blake3>::prove(past, keys[i]) == reference.prove(keys[i]));
    }
  }
}

TEST_CASE("Trie: the neighbours of a key are the next lower and the next higher leaf") {
  Random random(3);
  for (const std::size_t count : {0U, 1U, 2U, 3U, 40U, 700U}) {
    Leaves leaves;
    for (const Digest& key : random_keys(count, random)) leaves[key] = random_digest(random);
    FreshTrie<RawKeys> fresh(leaves);
    std::vector<Digest> asked = random_keys(200, random);
    for (const auto& [key, value] : leaves) {
      asked.push_back(key);
      asked.push_back(key_that_shares(key, random() % 256, random));
    }
    asked.push_back(Digest{});
    asked.emplace_back().fill(std::byte{0xff});
    for (const Digest& key : asked) {
      const auto found = Trie<RawKeys>::neighbours(fresh.store, key);
      const auto above = leaves.upper_bound(key);
      REQUIRE(found.right.has_value() == (above != leaves.end()));
      if (found.right) CHECK(*found.right == DigestPair{above->first, above->second});
      auto below = leaves.lower_bound(key);
      REQUIRE(found.left.has_value() == (below != leaves.begin()));
      if (!found.left) continue;
      --below;
      CHECK(*found.left == DigestPair{below->first, below->second});
    }
  }
}
