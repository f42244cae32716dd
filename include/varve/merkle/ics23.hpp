// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/proof.hpp>
#include <varve/merkle/suites/sha256.hpp>
#include <varve/merkle/suites/tree_key.hpp>

#include <cstddef>
#include <optional>
#include <string>

/// Proofs of the suite `Ics23Sha256` as the messages of ICS 23 (cosmos/ics23, proofs.proto), for
/// verifiers that are given its `SmtSpec`. docs/formats/proof.md.
namespace varve::merkle::ics23 {

/// A record that is there, and its path in the trie.
struct Record {
  BytesView tree;
  BytesView key;
  BytesView value;
  const MerkleProof& path;  ///< of the kind `present`
};

/// What a verifier of ICS 23 is asked for: to it the trees are one map, of these keys.
[[nodiscard]] inline std::string key_of(BytesView tree, BytesView key) {
  return std::string(merkle::detail::Leb128(tree.size()).view()).append(tree).append(key);
}

namespace detail {

[[nodiscard]] inline Error refusal(const char* message) {
  return Error(ErrorKind::invalid_argument,
               {.message = message, .operation = "prove", .layer = "merkle"});
}

/// A field of a message: its number, and as many bytes.
inline void put(std::string& to, unsigned number, BytesView bytes) {
  to.push_back(static_cast<char>(number << 3U | 2U));
  to.append(merkle::detail::Leb128(bytes.size()).view()).append(bytes);
}

[[nodiscard]] inline std::string existence_of(const Record& record) {
  if (record.path.kind != ProofKind::present) {
    throw refusal("the path is of a key that is absent: ICS 23 shows that by its neighbours");
  }
  if (record.value.empty()) {
    throw refusal("the value is empty, and ICS 23 has no proof of that: keep a byte in it");
  }
  constexpr BytesView sha256{"\x08\x01", 2};           // hash = SHA256
  constexpr BytesView of_both{"\x10\x01\x18\x01", 4};  // prehash_key, prehash_value = SHA256
  std::string leaf(sha256);
  leaf.append(of_both);
  put(leaf, 5, merkle::detail::Ics23Tags::leaf);

  std::string message;
  put(message, 1, key_of(record.tree, record.key));
  put(message, 2, record.value);
  put(message, 3, leaf);
  const Digest k = Ics23Sha256::key_digest(record.tree, record.key);
  for (std::size_t depth = record.path.siblings.size(); depth-- != 0;) {
    std::string prefix(merkle::detail::Ics23Tags::node);
    std::string suffix;
    merkle::detail::append(bit_of(k, depth) ? prefix : suffix, record.path.siblings[depth]);
    std::string step(sha256);
    put(step, 2, prefix);
    if (!suffix.empty()) put(step, 3, suffix);
    put(message, 4, step);
  }
  return message;
}

}  // namespace detail

/// A `CommitmentProof` that the record is there.
///
/// Errors  invalid_argument where its value is empty, which their verifiers refuse, and where the
///         path is of another kind.
[[nodiscard]] inline std::string prove_existence(const Record& record) {
  std::string proof;
  detail::put(proof, 1, detail::existence_of(record));
  return proof;
}

/// A `CommitmentProof` that there is no such record: `left` and `right` are what `Trie::neighbours`
/// names, the records of the next lower and the next higher K; none where there is none.
///
/// Errors  as above; invalid_argument also where there is neither: ICS 23 shows nothing of a store
///         without records.
[[nodiscard]] inline std::string prove_absence(BytesView tree, BytesView key,
                                               const std::optional<Record>& left,
                                               const std::optional<Record>& right) {
  if (!left && !right) {
    throw detail::refusal("there is no record at all, of which ICS 23 has no proof");
  }
  const Digest k = Ics23Sha256::key_digest(tree, key);
  std::string absence;
  detail::put(absence, 1, {reinterpret_cast<const char*>(k.data()), k.size()});
  if (left) detail::put(absence, 2, detail::existence_of(*left));
  if (right) detail::put(absence, 3, detail::existence_of(*right));
  std::string proof;
  detail::put(proof, 2, absence);
  return proof;
}

}  // namespace varve::merkle::ics23
