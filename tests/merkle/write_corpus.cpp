// SPDX-License-Identifier: Apache-2.0
//
// Prints the corpus of roots and proofs of one suite: tests/merkle/corpus/<suite>.jsonl. The same
// lines each time. See tests/merkle/second_verifier.py for what they mean.
//
//   write_corpus SUITE

#include "reference.hpp"

#include <varve/merkle/chain_link.hpp>
#include <varve/merkle/multiproof.hpp>
#include <varve/merkle/verify.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
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
