// SPDX-License-Identifier: Apache-2.0
//
// Prints the corpus of roots and proofs of one suite: tests/merkle/corpus/<suite>.jsonl. The same
// lines each time. See tests/merkle/second_verifier.py for what they mean.
//
//   write_corpus SUITE

#include "reference.hpp"

#include <varve/merkle/chain_link.hpp>
#include <varve/merkle/ics23.hpp>
#include <varve/merkle/multiproof.hpp>
#include <varve/merkle/verify.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace varve::merkle;
using varve::BytesView;
using varve_test::Entry;
using varve_test::to_hex;

namespace {

std::string quoted(const std::string& text) {
  return '"' + text + '"';
}

/// One statement: `[tree, key, value or null]`.
std::string to_json(const Statement& said) {
  return "[" + quoted(to_hex(said.tree)) + "," + quoted(to_hex(said.key)) + "," +
         (said.value ? quoted(to_hex(*said.value)) : "null") + "]";
}

void print(const char* kind, const Digest& root, const std::vector<Statement>& said,
           const std::string& proof, bool holds) {
  std::string list;
  for (const Statement& each : said) list += (list.empty() ? "" : ",") + to_json(each);
  std::printf("{\"%s\":\"%s\",\"root\":\"%s\",\"said\":[%s],\"holds\":%s}\n", kind,
              to_hex(proof).c_str(), to_hex(root).c_str(), list.c_str(), holds ? "true" : "false");
}

template <class S>
class Corpus {
 public:
  explicit Corpus(std::size_t count)
      : entries_(varve_test::made_entries(count)),
        trie_(varve_test::reference_of<S>(entries_)),
        root_(trie_.root()) {}

  [[nodiscard]] const Digest& root() const noexcept { return root_; }

  void write() const {
    std::string list;
    for (const Entry& each : entries_) {
      list += (list.empty() ? "" : ",") + to_json({each.tree, each.key, each.value});
    }
    std::printf("{\"entries\":[%s],\"root\":\"%s\"}\n", list.c_str(), to_hex(root_).c_str());
    std::vector<Statement> all;
    for (std::size_t i = 0; i < entries_.size(); i += 1 + entries_.size() / 4) {
      all.push_back({entries_[i].tree, entries_[i].key, entries_[i].value});
      single(all.back());
    }
    for (const char* const key : {"no 1", "no 2", "no 3"}) {
      all.push_back({"names", key, std::nullopt});
      single(all.back());
    }
    std::vector<KeyProof> proofs;
    for (const Statement& each : all) {
      const Digest k = S::key_digest(each.tree, each.key);
      proofs.push_back({k, trie_.prove(k)});
    }
    std::string proof = encode_multiproof<S>(proofs);
    multi(all, proof);
    all[0].value = "another value";
    multi(all, proof);
    proof += '\0';
    multi(all, proof);
  }

 private:
  void single(const Statement& said) const {
    const MerkleProof path = trie_.prove(S::key_digest(said.tree, said.key));
    const std::string proof = encode_proof<S>(path);
    const auto show = [&](const Statement& claim, const std::string& bytes) {
      const Verdict verdict = verify<S>(root_, claim.tree, claim.key, claim.value, bytes);
      print("proof", root_, {claim}, bytes, static_cast<bool>(verdict));
    };
    show(said, proof);
    Statement lie = said;
    lie.value = said.value ? std::nullopt : std::optional<BytesView>("");
    show(lie, proof);
    show(said, proof.substr(0, proof.size() - 1));
    show(said, proof + 'x');
    for (const std::size_t at : {0U, 1U, 2U, 3U, 5U, 20U}) {
      std::string forged = proof;
      if (at >= forged.size()) break;
      forged[at] = static_cast<char>(forged[at] ^ 1);
      show(said, forged);
    }
    if (path.kind != ProofKind::present) return;
    MerkleProof self = path;
    self.kind = ProofKind::absent_other_leaf;
    self.other_key = S::key_digest(said.tree, said.key);
    self.other_value = S::value_digest(*said.value);
    show(lie, encode_proof<S>(self));
  }

  void multi(const std::vector<Statement>& said, const std::string& proof) const {
    print("multiproof", root_, said, proof, static_cast<bool>(verify_all<S>(root_, said, proof)));
  }

  std::vector<Entry> entries_;
  varve_test::ReferenceTrie<S> trie_;
  Digest root_;
};

/// Proofs for verifiers of ICS 23, and others that are not.
class Ics23Corpus {
 public:
  explicit Ics23Corpus(std::size_t count)
      : entries_(varve_test::made_entries(count)),
        trie_(varve_test::reference_of<Ics23Sha256>(entries_)) {
    for (const Entry& entry : entries_) {
      by_key_.emplace(Ics23Sha256::key_digest(entry.tree, entry.key), &entry);
    }
  }

  void write() const {
    for (const Entry& entry : entries_) {
      if (entry.value.empty()) continue;
      const MerkleProof path = trie_.prove(Ics23Sha256::key_digest(entry.tree, entry.key));
      const Statement said{entry.tree, entry.key, entry.value};
      const std::string proof = ics23::prove_existence(record_of(entry, path));
      show(said, proof, true);
      show({entry.tree, entry.key, "another value"}, proof, false);
      show({entry.tree, entry.key, std::nullopt}, proof, false);
      show({"other", entry.key, entry.value}, proof, false);
      absent({entry.tree, entry.key, std::nullopt}, false);
    }
    for (int i = 0; i != 12; ++i) {
      const std::string key = "no " + std::to_string(i);
      absent({"names", key, std::nullopt}, true);
    }
  }

 private:
  using ByKey = std::map<Digest, const Entry*>;

  static ics23::Record record_of(const Entry& entry, const MerkleProof& path) {
    return {entry.tree, entry.key, entry.value, path};
  }

  /// Of a key that is there, the proof is one of another key that is between the same neighbours.
  void absent(const Statement& said, bool holds) const {
    const Digest k = Ics23Sha256::key_digest(said.tree, said.key);
    const auto right = by_key_.upper_bound(k);
    const auto from = by_key_.lower_bound(k);
    const auto left = from == by_key_.begin() ? by_key_.end() : std::prev(from);
    const bool has_left = left != by_key_.end();
    const bool has_right = right != by_key_.end();
    MerkleProof left_path;
    MerkleProof right_path;
    std::optional<ics23::Record> left_record;
    std::optional<ics23::Record> right_record;
    if (has_left) {
      left_path = trie_.prove(left->first);
      left_record.emplace(record_of(*left->second, left_path));
    }
    if (has_right) {
      right_path = trie_.prove(right->first);
      right_record.emplace(record_of(*right->second, right_path));
    }
    if ((!has_left && !has_right) || (has_left && left->second->value.empty()) ||
        (has_right && right->second->value.empty())) {
      return;  // of which ICS 23 has no proof
    }
    show(said, ics23::prove_absence(said.tree, said.key, left_record, right_record), holds);
    if (!holds) return;
    show({said.tree, said.key, "value"},
         ics23::prove_absence(said.tree, said.key, left_record, right_record), false);
    // One of two neighbours alone is not enough.
    if (!has_left || !has_right) return;
    show(said, ics23::prove_absence(said.tree, said.key, left_record, std::nullopt), false);
    show(said, ics23::prove_absence(said.tree, said.key, std::nullopt, right_record), false);
  }

  void show(const Statement& said, const std::string& proof, bool holds) const {
    print("ics23", trie_.root(), {said}, proof, holds);
    if (!holds) return;
    for (const std::size_t at : {proof.size() / 2, proof.size() - 1}) {
      std::string forged = proof;
      forged[at] = static_cast<char>(forged[at] ^ 1);
      print("ics23", trie_.root(), {said}, forged, false);
    }
  }

  std::vector<Entry> entries_;
  varve_test::ReferenceTrie<Ics23Sha256> trie_;
  ByKey by_key_;
};

template <class S>
Digest write_link(const ChainLink& link) {
  const Digest hash = hash_of_link<S>(link);
  const auto number = [](std::uint64_t value) { return std::to_string(value); };
  const std::string line =
      "{\"previous\":" + quoted(to_hex(link.previous)) + ",\"height\":" + number(link.height) +
      ",\"root\":" + quoted(to_hex(link.root)) + ",\"count\":" + number(link.count) +
      ",\"link\":" + quoted(to_hex(hash)) + "}";
  std::printf("%s\n", line.c_str());
  return hash;
}

template <class S>
void write_suite() {
  ChainLink link;
  for (const std::size_t count : {0U, 1U, 2U, 5U, 24U}) {
    const Corpus<S> corpus(count);
    corpus.write();
    link.height = link.height * 1000003 + count + 1;
    link.root = corpus.root();
    link.count = count;
    link.previous = write_link<S>(link);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  const BytesView suite = argc == 2 ? argv[1] : "";
  if (suite == Blake3::name) {
    write_suite<Blake3>();
  } else if (suite == Ics23Sha256::name) {
    write_suite<Ics23Sha256>();
    for (const std::size_t count : {2U, 3U, 13U}) Ics23Corpus(count).write();
  } else if (suite == JmtSha256::name) {
    write_suite<JmtSha256>();
  } else {
    static_cast<void>(std::fputs("usage: write_corpus blake3|ics23-sha256|jmt-sha256\n", stderr));
    return 2;
  }
  return 0;
} catch (const std::exception& error) {
  static_cast<void>(std::fprintf(stderr, "%s\n", error.what()));
  return 1;
}
