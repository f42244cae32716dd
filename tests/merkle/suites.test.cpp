// SPDX-License-Identifier: Apache-2.0
#include <varve/merkle/suites.hpp>

#include "merkle/trie_store.hpp"

#include <varve/merkle/blake3.hpp>
#include <varve/merkle/chain_link.hpp>
#include <varve/merkle/verify.hpp>

#include "catch.hpp"
#include "merkle/ics23_messages.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace varve::merkle;
using varve::BytesView;
using varve_test::Existence;
using varve_test::existence_of;
using varve_test::field;
using varve_test::from_hex;
using varve_test::members_named;
using varve_test::read_vectors;
using varve_test::to_hex;

namespace {

template <class S>
void check_batches() {
  const auto entries = varve_test::made_entries(45);
  std::vector<BytesView> keys;
  std::vector<BytesView> values;
  std::vector<DigestPair> pairs;
  for (const auto& entry : entries) {
    keys.push_back(entry.key);
    values.push_back(entry.value);
    pairs.push_back({S::key_digest("t", entry.key), S::value_digest(entry.value)});
  }
  std::vector<Digest> k(45), v(45), leaves(45), nodes(45);
  S::key_digests("t", keys, k);
  S::value_digests(values, v);
  std::vector<HashJob> of_leaves;
  std::vector<HashJob> of_nodes;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const std::byte* const left = pairs[i].first.data();
    const std::byte* const right = pairs[i].second.data();
    of_leaves.push_back({left, right, leaves[i].data()});
    of_nodes.push_back({left, right, nodes[i].data()});
  }
  S::leaves(of_leaves);
  S::nodes(of_nodes);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    INFO(std::string(S::name) << " " << i);
    CHECK(k[i] == pairs[i].first);
    CHECK(v[i] == pairs[i].second);
    CHECK(leaves[i] == S::leaf(pairs[i].first, pairs[i].second));
    CHECK(nodes[i] == S::node(pairs[i].first, pairs[i].second));
    CHECK(leaves[i] != nodes[i]);
  }
  // In the place of what it is the hash of, on either side.
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    of_nodes[i].out = i % 2 == 0 ? pairs[i].first.data() : pairs[i].second.data();
  }
  S::nodes(of_nodes);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    CHECK((i % 2 == 0 ? pairs[i].first : pairs[i].second) == nodes[i]);
  }
  S::nodes({});
  S::value_digests({}, {});
}

}  // namespace

TEST_CASE("Suites: what is stored of them does not change") {
  CHECK((Blake3::id == 1 && Blake3::name == "blake3" && Blake3::empty == Digest{}));
  CHECK((Ics23Sha256::id == 2 && Ics23Sha256::name == "ics23-sha256"));
  CHECK(Ics23Sha256::empty == Digest{});
  CHECK((JmtSha256::id == 3 && JmtSha256::name == "jmt-sha256"));
  CHECK(JmtSha256::empty != Digest{});
  CHECK((RawKeys::id == 255 && RawKeys::name == "raw-keys" && RawKeys::empty == Digest{}));
}

TEST_CASE("Suites: many at once are what they are one by one") {
  check_batches<Blake3>();
  check_batches<Ics23Sha256>();
  check_batches<JmtSha256>();
  check_batches<RawKeys>();
}

TEST_CASE("Blake3: each role is derive_key with its context") {
  const auto derived = [](BytesView context, BytesView bytes) {
    Blake3Hasher hasher = Blake3Hasher::derive_key(context);
    hasher.update(bytes);
    return hasher.finish();
  };
  const Digest one = Blake3::value_digest("one");
  const Digest two = Blake3::value_digest("two");
  std::string both(64, '\0');
  for (std::size_t i = 0; i < 32; ++i) {
    both[i] = static_cast<char>(one[i]);
    both[i + 32] = static_cast<char>(two[i]);
  }
  CHECK(one == derived("varve 2026-11-21 state trie: value", "one"));
  CHECK(Blake3::leaf(one, two) == derived("varve 2026-11-21 state trie: leaf", both));
  CHECK(Blake3::node(one, two) == derived("varve 2026-11-21 state trie: node", both));
  CHECK(Blake3::key_digest("tree", "key") ==
        derived("varve 2026-11-21 state trie: key", "\4treekey"));
}

TEST_CASE("ChainLink: its hash is of all that is in it, and of no other suite or role") {
  ChainLink link{Blake3::value_digest("before"), 0x0102030405060708U, Blake3::value_digest("root"),
                 258};
  std::string bytes = from_hex(to_hex(link.previous));
  bytes += from_hex("0807060504030201" + to_hex(link.root) + "0201000000000000");
  Blake3Hasher hasher = Blake3Hasher::derive_key("varve 2026-11-21 state trie: chain");
  hasher.update(bytes);
  const Digest hash = hasher.finish();
  CHECK(hash_of_link(link) == hash);
  CHECK(hash_of_link<Ics23Sha256>(link) == sha256_of({"\2", bytes}));
  CHECK(hash_of_link<JmtSha256>(link) == sha256_of({"Varve::ChainLink", bytes}));
  CHECK(Blake3::value_digest(bytes) != hash);
  const ChainLink same = link;
  link.previous[31] ^= std::byte{1};
  CHECK(hash_of_link(link) != hash);
  link = same;
  ++link.height;
  CHECK(hash_of_link(link) != hash);
  link = same;
  link.root[0] ^= std::byte{1};
  CHECK(hash_of_link(link) != hash);
  link = same;
  --link.count;
  CHECK(hash_of_link(link) != hash);
  link = {same.root, same.height, same.previous, same.count};
  CHECK(hash_of_link(link) != hash);
}

TEST_CASE("Suites: a key of one tree is never that of another") {
  CHECK(Blake3::key_digest("ab", "c") != Blake3::key_digest("a", "bc"));
  CHECK(Ics23Sha256::key_digest("ab", "c") != Ics23Sha256::key_digest("a", "bc"));
  CHECK(JmtSha256::key_digest("ab", "c") != JmtSha256::key_digest("a", "bc"));
  const std::string name(200, 'n');
  CHECK(JmtSha256::key_digest(name, "key") == sha256_of({"\xc8\x01", name, "key"}));
}

TEST_CASE("RawKeys: K is the key") {
  const Digest k = RawKeys::key_digest("tree", "key");
  CHECK(to_hex(k) == to_hex(BytesView("key")) + std::string(58, '0'));
  CHECK(RawKeys::key_digest("tree", std::string(40, 'k')) ==
        RawKeys::key_digest("", std::string(32, 'k')));
}

TEST_CASE("bit_of, common_bits: counted from the most significant bit of the first byte") {
  Digest digest{};
  digest[0] = std::byte{0x80};
  digest[31] = std::byte{0x01};
  CHECK(bit_of(digest, 0));
  CHECK_FALSE(bit_of(digest, 1));
  CHECK_FALSE(bit_of(digest, 254));
  CHECK(bit_of(digest, 255));
  for (std::size_t bit = 0; bit < 256; ++bit) {
    Digest other = digest;
    other[bit / 8] ^= static_cast<std::byte>(0x80U >> (bit % 8));
    CHECK(common_bits(digest, other) == bit);
  }
  CHECK(common_bits(digest, digest) == 256);
}

TEST_CASE("JmtSha256: the published roots of the Jellyfish Merkle Tree") {
  const std::string json = read_vectors("jmt_sha2_256_vectors.json");
  if (json.empty()) return;
  const auto roots = members_named(json, "expected_root");
  const auto keys = members_named(json, "key");
  const auto values = members_named(json, "value");
  REQUIRE(roots.size() == 3);
  REQUIRE((keys.size() == 3 && values.size() == 3));
  const auto pair = [&](std::size_t i) {
    return DigestPair{sha256_of({from_hex(keys[i])}), sha256_of({from_hex(values[i])})};
  };
  using Trie = varve_test::ReferenceTrie<JmtSha256>;
  const auto built = [](std::initializer_list<DigestPair> pairs) {
    varve_test::Leaves leaves;
    for (const DigestPair& each : pairs) leaves[each.first] = each.second;
    return to_hex(varve_test::FreshTrie<JmtSha256>(leaves).summary.root);
  };
  CHECK(built({}) == roots[0]);
  CHECK(built({pair(0)}) == roots[1]);
  CHECK(built({pair(1), pair(2)}) == roots[2]);
  CHECK(to_hex(Trie({}).root()) == roots[0]);
  CHECK(to_hex(Trie({pair(0)}).root()) == roots[1]);
  CHECK(to_hex(Trie({pair(1), pair(2)}).root()) == roots[2]);
}

TEST_CASE("Ics23Sha256: a published proof that a key is present") {
  const std::string json = read_vectors("ics23_smt/exist_left.json");
  if (json.empty()) return;
  const Existence proof = existence_of(field(from_hex(members_named(json, "proof").at(0)), 1));
  CHECK(to_hex(proof.key) == members_named(json, "key").at(0));
  CHECK(to_hex(proof.value) == members_named(json, "value").at(0));
  CHECK(proof.path.siblings.size() == 10);
  const Digest root =
      root_of<Ics23Sha256>(proof.path, sha256_of({proof.key}), sha256_of({proof.value}));
  CHECK(to_hex(root) == members_named(json, "root").at(0));
}

TEST_CASE("Ics23Sha256: a published proof that a key is absent") {
  const std::string json = read_vectors("ics23_smt/nonexist_left.json");
  if (json.empty()) return;
  const std::string absence = field(from_hex(members_named(json, "proof").at(0)), 2);
  const Digest k = sha256_of({from_hex(members_named(json, "key").at(0))});
  CHECK(field(absence, 1) == from_hex(to_hex(k)));
  Existence right = existence_of(field(absence, 3));
  right.path.kind = ProofKind::absent_other_leaf;
  right.path.other_key = sha256_of({right.key});
  right.path.other_value = sha256_of({right.value});
  CHECK(k < right.path.other_key);
  CHECK(common_bits(k, right.path.other_key) >= right.path.siblings.size());
  CHECK(to_hex(root_of<Ics23Sha256>(right.path, k, {})) == members_named(json, "root").at(0));
}
