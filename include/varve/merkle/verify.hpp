// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/proof.hpp>
#include <varve/merkle/proof_fault.hpp>
#include <varve/merkle/suites.hpp>

#include <cstddef>
#include <optional>

namespace varve::merkle {

/// The root that a proof leads to for the key K and, where it is present, the value V.
template <Suite S>
[[nodiscard]] Digest root_of(const MerkleProof& proof, const Digest& key,
                             const Digest& value) noexcept {
  Digest hash = S::empty;
  if (proof.kind == ProofKind::present) hash = S::leaf(key, value);
  if (proof.kind == ProofKind::absent_other_leaf) {
    hash = S::leaf(proof.other_key, proof.other_value);
  }
  for (std::size_t d = proof.siblings.size(); d-- > 0;) {
    const Digest& sibling = proof.siblings[d];
    hash = bit_of(key, d) ? S::node(sibling, hash) : S::node(hash, sibling);
  }
  return hash;
}

/// Whether `proof` shows that a store of the root `root` holds `value` under `key` of the tree
/// named `tree`, or nothing, where `value` is none. The caller has `root` from where it trusts; the
/// proof and all in it may come from anybody. Needs no store: this header, the hash and the
/// standard library are all that it rests on. Errors: only of memory. A proof that does not hold is
/// an answer, which says why.
template <Suite S = Blake3>
Verdict verify(const Digest& root, BytesView tree, BytesView key, std::optional<BytesView> value,
               BytesView proof) {
  MerkleProof path;
  if (const ProofFault fault = decode_proof<S>(proof, path); fault != ProofFault::none) {
    return {fault};
  }
  if ((path.kind == ProofKind::present) != value.has_value()) {
    return {ProofFault::other_statement};
  }
  const Digest k = S::key_digest(tree, key);
  if (path.kind == ProofKind::absent_other_leaf) {
    if (path.other_key == k) return {ProofFault::same_key};
    if (common_bits(path.other_key, k) < path.siblings.size()) return {ProofFault::off_the_path};
  }
  const Digest v = value ? S::value_digest(*value) : Digest{};
  return {root_of<S>(path, k, v) == root ? ProofFault::none : ProofFault::other_root};
}

}  // namespace varve::merkle
