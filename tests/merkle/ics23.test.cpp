// SPDX-License-Identifier: Apache-2.0
#include <varve/merkle/ics23.hpp>

#include <varve/concepts/error.hpp>
#include <varve/merkle/suites.hpp>
#include <varve/merkle/trie.hpp>
#include <varve/merkle/verify.hpp>

#include "catch.hpp"
#include "merkle/ics23_messages.hpp"
#include "merkle/trie_store.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace varve_test;
using varve::Error;
using varve::ErrorKind;
using varve::merkle::Ics23Sha256;
using varve::merkle::Neighbours;
using varve::merkle::sha256_of;
namespace ics23 = varve::merkle::ics23;

namespace {

using IcsTrie = Trie<Ics23Sha256>;

/// Records of a tree, and what whoever proves absence has to know: which K is of which key.
struct Records {
  explicit Records(int count) {
    for (int i = 0; i != count; ++i) {
      const std::string key = "key " + std::to_string(i);
      values[key] = "value " + std::to_string(i);
      const Digest k = Ics23Sha256::key_digest("t", key);
      keys[k] = key;
      leaves[k] = Ics23Sha256::value_digest(values[key]);
    }
    store = FreshTrie<Ics23Sha256>(leaves).store;
    root = IcsTrie::root(store);
  }

  /// The proof of one neighbour, and nothing where there is none.
  std::optional<ics23::Record> record_of(const std::optional<DigestPair>& leaf, MerkleProof& path) {
    if (!leaf) return std::nullopt;
    path = IcsTrie::prove(store, leaf->first);
    const std::string& key = keys.at(leaf->first);
    return ics23::Record{"t", key, values.at(key), path};
  }

  std::map<std::string, std::string> values;
  std::map<Digest, std::string> keys;
  Leaves leaves;
  PageStore store;
  Digest root{};
};

Digest root_of(const Existence& proof) {
  return varve::merkle::root_of<Ics23Sha256>(proof.path, sha256_of({proof.key}),
                                             sha256_of({proof.value}));
}

void refuses(const std::function<void()>& action, const std::string& word) {
  try {
    action();
    FAIL("it was proved");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid_argument);
    CHECK(std::string(error.what()).find(word) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("ics23: the key of a record there is what the suite hashes") {
  CHECK(ics23::key_of("tree", "key") == "\4treekey");
  for (const std::size_t size : {0U, 1U, 127U, 128U, 300U}) {
    const std::string tree(size, 't');
    CHECK(sha256_of({ics23::key_of(tree, "key")}) == Ics23Sha256::key_digest(tree, "key"));
  }
}

TEST_CASE("ics23: a record's proof leads to the root by the steps of the specification") {
  for (const int count : {1, 2, 3, 300}) {
    Records records(count);
    for (const auto& [key, value] : records.values) {
      const MerkleProof path = IcsTrie::prove(records.store, Ics23Sha256::key_digest("t", key));
      const std::string message = field(ics23::prove_existence({"t", key, value, path}), 1);
      CHECK(to_hex(field(message, 3)) == "0801100118012a0100");
      const Existence proof = existence_of(message);
      CHECK(proof.key == ics23::key_of("t", key));
      CHECK(proof.value == value);
      CHECK(proof.path.siblings == path.siblings);
      REQUIRE(root_of(proof) == records.root);
    }
  }
}

TEST_CASE("ics23: absence is shown by the proofs of both neighbours, or of the one that there is") {
  for (const int count : {1, 2, 3, 300}) {
    Records records(count);
    int ends = 0;
    for (int i = 0; i != 200; ++i) {
      const std::string key = "no " + std::to_string(i);
      const Digest k = Ics23Sha256::key_digest("t", key);
      const Neighbours next = IcsTrie::neighbours(records.store, k);
      MerkleProof left_path;
      MerkleProof right_path;
      const auto left = records.record_of(next.left, left_path);
      const auto right = records.record_of(next.right, right_path);
      const std::string message = field(ics23::prove_absence("t", key, left, right), 2);
      CHECK(field(message, 1) == BytesView(reinterpret_cast<const char*>(k.data()), k.size()));
      if (left) CHECK(root_of(existence_of(field(message, 2))) == records.root);
      if (right) CHECK(root_of(existence_of(field(message, 3))) == records.root);
      CHECK(fields_of(message).size() == 1U + (left ? 1U : 0U) + (right ? 1U : 0U));
      ends += left && right ? 0 : 1;
    }
    CHECK((ends == 200) == (count == 1));
    if (count < 4) CHECK(ends > 0);
  }
}

TEST_CASE("ics23: what their verifiers refuse is not written") {
  MerkleProof alone;
  alone.kind = ProofKind::present;
  refuses([&] { (void)ics23::prove_existence({"t", "k", "", alone}); }, "empty");
  MerkleProof absent;
  absent.kind = ProofKind::absent_other_leaf;
  refuses([&] { (void)ics23::prove_existence({"t", "k", "v", absent}); }, "neighbours");
  refuses([&] { (void)ics23::prove_absence("t", "k", std::nullopt, std::nullopt); }, "no record");
  const ics23::Record empty{"t", "other", "", alone};
  refuses([&] { (void)ics23::prove_absence("t", "k", empty, std::nullopt); }, "empty");
}
