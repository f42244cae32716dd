// SPDX-License-Identifier: Apache-2.0
#include <varve/merkle/multiproof.hpp>

#include "merkle/reference.hpp"

#include <varve/merkle/verify.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace varve::merkle;
using varve::BytesView;
using varve_test::Entry;

namespace {

template <class S>
struct Asked {
  std::vector<Entry> entries;
  std::vector<std::string> missing;
  std::vector<Statement> statements;
  std::vector<KeyProof> proofs;
  Digest root{};
  std::size_t single_bytes = 0;

  /// `present` entries of `count`, and `absent` keys that are not there.
  Asked(std::size_t count, std::size_t present, std::size_t absent)
      : entries(varve_test::made_entries(count)) {
    const auto trie = varve_test::reference_of<S>(entries);
    root = trie.root();
    for (std::size_t i = 0; i < absent; ++i) missing.push_back("no " + std::to_string(i));
    for (std::size_t i = 0; i < present; ++i) {
      statements.push_back({entries[i].tree, entries[i].key, entries[i].value});
    }
    for (const std::string& key : missing) statements.push_back({"names", key, std::nullopt});
    for (const Statement& each : statements) {
      const Digest k = S::key_digest(each.tree, each.key);
      proofs.push_back({k, trie.prove(k)});
      single_bytes += encode_proof<S>(proofs.back().proof).size();
    }
  }
};

template <class S>
void check_all_hold() {
  INFO(std::string(S::name));
  for (const std::size_t count : {0U, 1U, 2U, 3U, 30U, 120U}) {
    for (const std::size_t absent : {0U, 1U, 2U, 40U}) {
      for (const std::size_t present : {std::size_t{0}, count / 3, count}) {
        Asked<S> asked(count, present, absent);
        if (asked.statements.empty()) continue;
        const std::string proof = encode_multiproof<S>(asked.proofs);
        INFO(count << " " << present << " " << absent);
        CHECK(verify_all<S>(asked.root, asked.statements, proof).fault == ProofFault::none);
        std::ranges::reverse(asked.statements);
        std::ranges::rotate(asked.proofs, asked.proofs.begin() + 1);
        asked.proofs.push_back(asked.proofs.front());
        CHECK(encode_multiproof<S>(asked.proofs) == proof);
        CHECK(verify_all<S>(asked.root, asked.statements, proof));
        if (asked.statements.size() > 4) CHECK(proof.size() < asked.single_bytes);

        for (Statement& each : asked.statements) {
          const auto truth = std::exchange(
              each.value, each.value ? std::nullopt : std::optional<BytesView>("made up"));
          CHECK_FALSE(verify_all<S>(asked.root, asked.statements, proof));
          each.value = "wrong";
          CHECK_FALSE(verify_all<S>(asked.root, asked.statements, proof));
          each.value = truth;
        }
        // There is one proof of what is left without one statement.
        const Statement& last = asked.statements.back();
        const Digest gone = S::key_digest(last.tree, last.key);
        std::erase_if(asked.proofs, [&](const KeyProof& each) { return each.key == gone; });
        asked.statements.pop_back();
        if (asked.statements.empty()) continue;
        const bool same = encode_multiproof<S>(asked.proofs) == proof;
        CHECK(static_cast<bool>(verify_all<S>(asked.root, asked.statements, proof)) == same);
      }
    }
  }
}

ProofFault fault_of(const Digest& root, const std::vector<Statement>& statements,
                    const std::string& items) {
  return verify_all(root, statements, std::string("\1\1\3") + items).fault;
}

}  // namespace

TEST_CASE("verify_all: what the trie says of many keys is accepted, and nothing else about them") {
  check_all_hold<Blake3>();
  check_all_hold<Ics23Sha256>();
  check_all_hold<JmtSha256>();
}

TEST_CASE("verify_all: no flipped bit, cut, extension or swap is accepted") {
  std::size_t tried = 0;
  std::size_t accepted = 0;
  for (const std::size_t present : {0U, 1U, 3U, 12U}) {
    const Asked<Blake3> asked(120, present, 4);
    const std::string proof = encode_multiproof<Blake3>(asked.proofs);
    const auto attempt = [&](const std::string& forged) {
      if (forged == proof) return;
      ++tried;
      if (verify_all(asked.root, asked.statements, forged)) ++accepted;
    };
    REQUIRE(verify_all(asked.root, asked.statements, proof));
    for (std::size_t bit = 0; bit < proof.size() * 8; ++bit) {
      std::string forged = proof;
      forged[bit / 8] = static_cast<char>(forged[bit / 8] ^ 1 << bit % 8);
      attempt(forged);
    }
    for (std::size_t size = 0; size < proof.size(); ++size) {
      attempt(proof.substr(0, size));
      attempt(proof.substr(proof.size() - size));
    }
    for (int byte = 0; byte < 256; ++byte) attempt(proof + static_cast<char>(byte));
    attempt(proof + proof);
    for (std::size_t at = 3; at + 66 <= proof.size(); ++at) {
      std::string forged = proof;
      std::swap_ranges(forged.begin() + static_cast<std::ptrdiff_t>(at),
                       forged.begin() + static_cast<std::ptrdiff_t>(at + 33),
                       forged.begin() + static_cast<std::ptrdiff_t>(at + 33));
      attempt(forged);
    }
  }
  INFO(tried << " forgeries tried");
  CHECK(accepted == 0);
  CHECK(tried > 20000);
}

TEST_CASE("verify_all: every item that does not fit is refused, and says why") {
  const std::vector<Statement> one{{"tree", "key", "value"}};
  const std::vector<Statement> none{{"tree", "key", std::nullopt}};
  const Digest k = Blake3::key_digest("tree", "key");
  const Digest v = Blake3::value_digest("value");
  const Digest leaf = Blake3::leaf(k, v);
  const std::string zero(32, '\0');
  REQUIRE(fault_of(leaf, one, "\1") == ProofFault::none);
  REQUIRE(fault_of({}, none, {'\0'}) == ProofFault::none);

  CHECK(verify_all(leaf, {}, "\1\1\3\1").fault == ProofFault::no_statement);
  CHECK(verify_all(leaf, one, "").fault == ProofFault::wrong_length);
  CHECK(verify_all(leaf, one, "\1\1").fault == ProofFault::wrong_length);
  CHECK(verify_all(leaf, one, "\2\1\3\1").fault == ProofFault::unknown_version);
  CHECK(verify_all(leaf, one, "\1\2\3\1").fault == ProofFault::other_suite);
  CHECK(verify_all(leaf, one, "\1\1\4\1").fault == ProofFault::unknown_kind);
  CHECK(fault_of(leaf, one, "") == ProofFault::wrong_length);
  CHECK(fault_of(leaf, one, "\1\1") == ProofFault::wrong_length);
  CHECK(fault_of(leaf, one, "\6") == ProofFault::unknown_item);
  CHECK(fault_of(leaf, one, "\5short") == ProofFault::wrong_length);
  CHECK(fault_of(leaf, none, "\2short") == ProofFault::wrong_length);
  CHECK(fault_of({}, one, {'\0'}) == ProofFault::other_statement);
  CHECK(fault_of(leaf, none, "\1") == ProofFault::other_statement);
  CHECK(fault_of({}, one, "\1") == ProofFault::other_root);
  CHECK(fault_of(leaf, one, "\3\1\1") == ProofFault::wrong_item);
  CHECK(fault_of(leaf, one, "\5" + zero + "\1") == ProofFault::listed_empty);

  std::string other;
  detail::append(other, k);
  detail::append(other, v);
  CHECK(fault_of(leaf, none, "\2" + other) == ProofFault::same_key);
  CHECK(fault_of(leaf, one, "\2" + other) == ProofFault::other_statement);

  const Digest alone = bit_of(k, 0) ? Blake3::node({}, leaf) : Blake3::node(leaf, {});
  CHECK(fault_of(alone, one, "\4\1") == ProofFault::needless_depth);
  CHECK(fault_of(Blake3::node({}, {}), none, {'\4', '\0'}) == ProofFault::needless_depth);
  CHECK(fault_of(leaf, one, std::string(256, '\4') + "\1") == ProofFault::needless_depth);
  CHECK(fault_of(leaf, one, std::string(100000, '\4')) == ProofFault::too_deep);

  // K' on the other side of the root.
  std::string far = "\2" + other;
  far[1] = static_cast<char>(far[1] ^ 0x80);
  std::string beside = "\5";
  detail::append(beside, leaf);
  CHECK(fault_of(leaf, none, beside + far) == ProofFault::off_the_path);

  const std::vector<Statement> twice{{"tree", "key", "value"}, {"tree", "key", std::nullopt}};
  CHECK(fault_of(leaf, twice, "\1") == ProofFault::repeated_key);
  const std::vector<Statement> both{{"tree", "key", "value"}, {"tree", "kez", "value"}};
  CHECK(fault_of(leaf, both, "\1") == ProofFault::wrong_item);
}

TEST_CASE("verify_all: keys that fork at any depth, and one that is absent beside a present one") {
  std::mt19937 random(5);
  for (int round = 0; round < 60; ++round) {
    std::vector<DigestPair> pairs;
    std::vector<std::string> keys;
    std::string key(32, static_cast<char>((random() & 0x7fU) | 1U));
    for (int i = 0; i < 12; ++i) {
      const auto bit = random() % 256;
      key[bit / 8] = static_cast<char>(key[bit / 8] ^ 0x80 >> bit % 8);
      if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
    }
    const std::size_t present = keys.size() / 2;
    for (std::size_t i = 0; i < present; ++i) {
      pairs.push_back({RawKeys::key_digest("", keys[i]), RawKeys::value_digest(keys[i])});
    }
    const varve_test::ReferenceTrie<RawKeys> trie(pairs);
    std::vector<KeyProof> proofs;
    std::vector<Statement> statements;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const Digest k = RawKeys::key_digest("", keys[i]);
      proofs.push_back({k, trie.prove(k)});
      statements.push_back({"", keys[i], std::nullopt});
      if (i < present) statements.back().value = keys[i];
    }
    const std::string proof = encode_multiproof<RawKeys>(proofs);
    CHECK(verify_all<RawKeys>(trie.root(), statements, proof).fault == ProofFault::none);
  }
}
