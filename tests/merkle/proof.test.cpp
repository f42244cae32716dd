// SPDX-License-Identifier: Apache-2.0
#include <varve/merkle/proof.hpp>

#include "merkle/reference.hpp"

#include <varve/merkle/verify.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

using namespace varve::merkle;
using varve::BytesView;
using varve_test::Entry;

namespace {

/// A question, its answer, and the proof of it.
struct Proved {
  std::string tree;
  std::string key;
  std::optional<std::string> value;
  std::string proof;
};

template <class S>
Verdict check(const Digest& root, const Proved& said, BytesView proof) {
  std::optional<BytesView> value;
  if (said.value) value = *said.value;
  return verify<S>(root, said.tree, said.key, value, proof);
}

template <class S>
struct State {
  explicit State(std::size_t count) : entries(varve_test::made_entries(count)) {}

  [[nodiscard]] Proved prove(const std::string& tree, const std::string& key) const {
    const auto found = std::ranges::find_if(
        entries, [&](const Entry& entry) { return entry.tree == tree && entry.key == key; });
    std::optional<std::string> value;
    if (found != entries.end()) value = found->value;
    return {tree, key, value, encode_proof<S>(trie.prove(S::key_digest(tree, key)))};
  }

  /// `count` proofs: two of three of keys that are there.
  [[nodiscard]] std::vector<Proved> some(std::size_t count) const {
    std::vector<Proved> proofs;
    for (std::size_t i = 0; i < count; ++i) {
      const Entry& entry = entries[i * 7 % entries.size()];
      proofs.push_back(i % 3 == 2 ? prove(entry.tree, "no " + std::to_string(i))
                                  : prove(entry.tree, entry.key));
    }
    return proofs;
  }

  std::vector<Entry> entries;
  varve_test::ReferenceTrie<S> trie = varve_test::reference_of<S>(entries);
  Digest root = trie.root();
};

template <class S>
void check_all_hold() {
  INFO(std::string(S::name));
  for (const std::size_t count : {0U, 1U, 2U, 3U, 20U, 150U}) {
    const State<S> state(count);
    std::size_t kinds[3] = {0, 0, 0};
    for (std::size_t i = 0; i < count + 40; ++i) {
      const Proved said = i < count ? state.prove(state.entries[i].tree, state.entries[i].key)
                                    : state.prove("accounts", "no " + std::to_string(i));
      MerkleProof path;
      REQUIRE(decode_proof<S>(said.proof, path) == ProofFault::none);
      CHECK(path == state.trie.prove(S::key_digest(said.tree, said.key)));
      CHECK(encode_proof<S>(path) == said.proof);
      ++kinds[static_cast<std::size_t>(path.kind)];
      CHECK(check<S>(state.root, said, said.proof).fault == ProofFault::none);
      Proved lie = said;
      lie.value = said.value ? std::nullopt : std::optional<std::string>("");
      CHECK(check<S>(state.root, lie, said.proof).fault == ProofFault::other_statement);
      if (said.value) {
        lie.value = *said.value + "x";
        CHECK(check<S>(state.root, lie, said.proof).fault == ProofFault::other_root);
      }
    }
    CHECK(kinds[0] == count);
    CHECK((kinds[1] > 0 || (count > 0 && count < 20)));
    CHECK((kinds[2] > 0 || count == 0));
  }
}

template <class S>
void check_forgeries() {
  const State<S> state(150);
  const std::vector<Proved> proofs = state.some(100);
  std::size_t tried = 0;
  std::size_t accepted = 0;
  const auto attempt = [&](const Digest& root, const Proved& said, BytesView proof) {
    ++tried;
    if (check<S>(root, said, proof)) ++accepted;
    Proved lie = said;
    lie.value = said.value ? std::nullopt : std::optional<std::string>("value");
    if (check<S>(root, lie, proof)) ++accepted;
  };
  for (std::size_t i = 0; i < proofs.size(); ++i) {
    const Proved& said = proofs[i];
    REQUIRE(check<S>(state.root, said, said.proof));
    for (std::size_t bit = 0; bit < said.proof.size() * 8; ++bit) {
      std::string forged = said.proof;
      forged[bit / 8] = static_cast<char>(forged[bit / 8] ^ 1 << bit % 8);
      attempt(state.root, said, forged);
    }
    for (std::size_t size = 0; size < said.proof.size(); ++size) {
      attempt(state.root, said, BytesView(said.proof).substr(0, size));
      attempt(state.root, said, BytesView(said.proof).substr(said.proof.size() - size));
    }
    for (const std::string& more : {std::string(1, '\0'), std::string("\1"), std::string(32, '\0'),
                                    std::string(64, 'x'), said.proof}) {
      attempt(state.root, said, said.proof + more);
      attempt(state.root, said, more + said.proof);
    }
    // Any two parts of 32 bytes change places.
    for (std::size_t a = 5; a + 64 <= said.proof.size(); a += 32) {
      for (std::size_t b = a + 32; b + 32 <= said.proof.size(); b += 32) {
        std::string forged = said.proof;
        std::swap_ranges(forged.begin() + static_cast<std::ptrdiff_t>(a),
                         forged.begin() + static_cast<std::ptrdiff_t>(a + 32),
                         forged.begin() + static_cast<std::ptrdiff_t>(b));
        if (forged != said.proof) attempt(state.root, said, forged);
      }
    }
    // The proof of one key for another, which may be right only where it is the same proof.
    for (const Proved& other : proofs) {
      if (other.proof != said.proof) attempt(state.root, said, other.proof);
    }
    Digest root = state.root;
    root[i % 32] ^= std::byte{1};
    attempt(root, said, said.proof);
  }
  INFO(std::string(S::name) << ": " << tried << " forgeries tried");
  CHECK(accepted == 0);
  CHECK(tried > 200000);
}

std::string head(int version, int suite, int kind, std::size_t depth) {
  return {static_cast<char>(version), static_cast<char>(suite), static_cast<char>(kind),
          static_cast<char>(depth & 255U), static_cast<char>(depth >> 8U)};
}

}  // namespace

TEST_CASE("verify: what the trie says of a key is accepted, and nothing else about it") {
  check_all_hold<Blake3>();
  check_all_hold<Ics23Sha256>();
  check_all_hold<JmtSha256>();
}

TEST_CASE("verify: no flipped bit, cut, extension or swap of 100 proofs is accepted") {
  check_forgeries<Blake3>();
}

TEST_CASE("verify: the same under SHA-256", "[.long]") {
  check_forgeries<Ics23Sha256>();
  check_forgeries<JmtSha256>();
}

TEST_CASE("verify: the empty store shows the absence of every key, and the presence of none") {
  const std::string proof = head(1, 1, 1, 0);
  CHECK(verify(Digest{}, "tree", "key", std::nullopt, proof));
  CHECK(verify(Digest{}, "tree", "key", "", proof).fault == ProofFault::other_statement);
  CHECK(verify(Digest{}, "tree", "key", "", head(1, 1, 0, 0)).fault == ProofFault::other_root);
}

TEST_CASE("verify: a proof that is no encoding is refused, and says why") {
  const State<Blake3> state(60);
  const Proved there = state.prove(state.entries[0].tree, state.entries[0].key);
  const auto fault = [&](const std::string& proof) {
    return check<Blake3>(state.root, there, proof).fault;
  };
  const auto edited = [&](std::size_t at, int byte) {
    std::string proof = there.proof;
    proof.at(at) = static_cast<char>(byte);
    return proof;
  };
  REQUIRE(fault(there.proof) == ProofFault::none);
  CHECK(fault("") == ProofFault::wrong_length);
  CHECK(fault("\1") == ProofFault::wrong_length);
  CHECK(fault(there.proof + "x") == ProofFault::wrong_length);
  CHECK(fault(there.proof.substr(0, there.proof.size() - 1)) == ProofFault::wrong_length);
  CHECK(fault(edited(0, 0)) == ProofFault::unknown_version);
  CHECK(fault(edited(0, 2)) == ProofFault::unknown_version);
  CHECK(fault(edited(1, 2)) == ProofFault::other_suite);
  CHECK(fault(edited(1, 77)) == ProofFault::other_suite);
  CHECK(fault(edited(2, 3)) == ProofFault::unknown_kind);
  CHECK(fault(edited(2, 255)) == ProofFault::unknown_kind);
  CHECK(fault(head(1, 1, 0, 257) + std::string(33, '\0')) == ProofFault::too_deep);
  CHECK(fault(head(1, 1, 0, 65535) + std::string(8192, '\0')) == ProofFault::too_deep);
  CHECK(fault(head(1, 1, 0, 9) + "\1") == ProofFault::wrong_length);
  // 256 siblings are an encoding, of another root.
  CHECK(fault(head(1, 1, 0, 256) + std::string(32, '\xff') + std::string(8192, 'h')) ==
        ProofFault::other_root);
}

TEST_CASE("verify: bits of the bitmap beyond the depth are refused") {
  const Digest sibling = Blake3::value_digest("");
  std::string siblings;
  for (int i = 0; i < 3; ++i) detail::append(siblings, sibling);
  const Proved said{"tree", "key", "value", ""};
  const std::string at = head(1, 1, 0, 3);
  CHECK(check<Blake3>({}, said, at + "\xe0" + siblings).fault == ProofFault::other_root);
  for (int bit = 0; bit < 5; ++bit) {
    const auto bits = static_cast<char>(0xe0 | 1 << bit);
    CHECK(check<Blake3>({}, said, at + bits + siblings).fault == ProofFault::spare_bits);
  }
}

TEST_CASE("verify: an empty sibling that is listed is refused, though the hashes fit") {
  const State<Blake3> state(60);
  for (std::size_t i = 0; i < 200; ++i) {
    const Proved said = state.prove("names", "no " + std::to_string(i));
    MerkleProof path;
    REQUIRE(decode_proof<Blake3>(said.proof, path) == ProofFault::none);
    const auto empty = std::ranges::find(path.siblings, Blake3::empty);
    if (empty == path.siblings.end()) continue;
    const auto at = static_cast<std::size_t>(empty - path.siblings.begin());
    std::string forged = said.proof;
    const std::size_t first = 5 + (path.siblings.size() + 7) / 8;
    forged[5 + at / 8] = static_cast<char>(forged[5 + at / 8] | 0x80 >> at % 8);
    std::size_t listed = 0;
    for (std::size_t d = 0; d < at; ++d) listed += path.siblings[d] != Blake3::empty ? 1 : 0;
    forged.insert(first + listed * 32, std::string(32, '\0'));
    CHECK(check<Blake3>(state.root, said, forged).fault == ProofFault::listed_empty);
    return;
  }
  FAIL("no path has an empty sibling");
}

TEST_CASE("verify: a path that goes deeper than the trie is refused, though the hashes fit") {
  const Digest k = Blake3::key_digest("tree", "key");
  const Digest v = Blake3::value_digest("value");
  // A root that no trie has: the leaf, with nothing beside it.
  Digest root = Blake3::leaf(k, v);
  root = bit_of(k, 0) ? Blake3::node({}, root) : Blake3::node(root, {});
  const std::string one_deep(1, '\0');
  CHECK(verify(root, "tree", "key", "value", head(1, 1, 0, 1) + one_deep).fault ==
        ProofFault::needless_depth);
  CHECK(verify(Blake3::node({}, {}), "tree", "key", std::nullopt, head(1, 1, 1, 1) + one_deep)
            .fault == ProofFault::needless_depth);
}

TEST_CASE("verify: absence is not shown by the key itself, nor by one of another path") {
  const State<Blake3> state(60);
  const Entry& entry = state.entries[7];
  const Digest k = Blake3::key_digest(entry.tree, entry.key);
  MerkleProof path = state.trie.prove(k);
  path.kind = ProofKind::absent_other_leaf;
  path.other_key = k;
  path.other_value = Blake3::value_digest(entry.value);
  CHECK(verify(state.root, entry.tree, entry.key, std::nullopt, encode_proof<Blake3>(path)).fault ==
        ProofFault::same_key);

  // A true leaf, on its own path: the directions come from the key that is asked for.
  std::size_t refused = 0;
  for (const Entry& other : state.entries) {
    const Digest other_k = Blake3::key_digest(other.tree, other.key);
    MerkleProof elsewhere = state.trie.prove(other_k);
    if (common_bits(other_k, k) >= elsewhere.siblings.size()) continue;
    elsewhere.kind = ProofKind::absent_other_leaf;
    elsewhere.other_key = other_k;
    elsewhere.other_value = Blake3::value_digest(other.value);
    const std::string proof = encode_proof<Blake3>(elsewhere);
    CHECK(verify(state.root, entry.tree, entry.key, std::nullopt, proof).fault ==
          ProofFault::off_the_path);
    ++refused;
  }
  CHECK(refused > 50);
}

TEST_CASE("verify: a node is no leaf, and the root is no leaf of an empty path") {
  const State<Blake3> state(60);
  const Entry& entry = state.entries[3];
  CHECK(verify(state.root, entry.tree, entry.key, entry.value, head(1, 1, 0, 0)).fault ==
        ProofFault::other_root);
  // Two children taken for K' and V' of a leaf.
  const Digest k = Blake3::key_digest(entry.tree, entry.key);
  const MerkleProof path = state.trie.prove(k);
  MerkleProof forged;
  forged.kind = ProofKind::absent_other_leaf;
  MerkleProof below = path;
  below.siblings.erase(below.siblings.begin());
  const Digest other_side = path.siblings[0];
  const Digest this_side = [&] {
    Digest hash = Blake3::leaf(k, Blake3::value_digest(entry.value));
    for (std::size_t d = path.siblings.size(); d-- > 1;) {
      hash = bit_of(k, d) ? Blake3::node(path.siblings[d], hash)
                          : Blake3::node(hash, path.siblings[d]);
    }
    return hash;
  }();
  forged.other_key = bit_of(k, 0) ? other_side : this_side;
  forged.other_value = bit_of(k, 0) ? this_side : other_side;
  CHECK(Blake3::node(forged.other_key, forged.other_value) == state.root);
  CHECK(
      verify(state.root, entry.tree, entry.key, std::nullopt, encode_proof<Blake3>(forged)).fault ==
      ProofFault::other_root);
}

TEST_CASE("verify: keys that share 60 to 255 bits have long paths, and short proofs") {
  for (const std::size_t shared : {60U, 127U, 128U, 254U, 255U}) {
    std::string one(32, '\x5a');
    std::string other = one;
    other[shared / 8] = static_cast<char>(other[shared / 8] ^ 0x80 >> shared % 8);
    varve_test::ReferenceTrie<RawKeys> trie(
        {{RawKeys::key_digest("", one), RawKeys::value_digest("1")},
         {RawKeys::key_digest("", other), RawKeys::value_digest("2")}});
    const std::string proof = encode_proof<RawKeys>(trie.prove(RawKeys::key_digest("", one)));
    CHECK(proof.size() == 5 + (shared + 1 + 7) / 8 + 32);
    CHECK(verify<RawKeys>(trie.root(), "", one, "1", proof));
    CHECK_FALSE(verify<RawKeys>(trie.root(), "", other, "1", proof));
    CHECK_FALSE(verify<RawKeys>(trie.root(), "", one, "2", proof));
  }
}

TEST_CASE("ProofFault: every fault has its own sentence") {
  std::vector<std::string> sentences;
  for (int fault = 0; fault <= static_cast<int>(ProofFault::wrong_item); ++fault) {
    sentences.emplace_back(Verdict{static_cast<ProofFault>(fault)}.message());
  }
  std::ranges::sort(sentences);
  CHECK(std::ranges::adjacent_find(sentences) == sentences.end());
}
