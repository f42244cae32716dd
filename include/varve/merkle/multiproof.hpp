// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/proof.hpp>
#include <varve/merkle/proof_fault.hpp>
#include <varve/merkle/suites.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace varve::merkle {

/// The proof of one key, as `encode_multiproof` takes it.
struct KeyProof {
  Digest key{};  ///< K
  MerkleProof proof;
};

/// What is said of one key: that it holds this value, or nothing.
struct Statement {
  BytesView tree;
  BytesView key;
  std::optional<BytesView> value;
};

namespace detail {

inline constexpr std::uint8_t multiproof_kind = 3;  // beside those of ProofKind; do not change

/// What stands at a place of the trie where paths meet, go on or end. Stored; do not change.
enum class ProofItem : std::uint8_t {
  empty = 0,
  leaf = 1,          ///< of a key that is stated to be present
  other_leaf = 2,    ///< K' and V' follow
  fork = 3,          ///< statements on both sides: the left item, then the right
  beside_empty = 4,  ///< statements on one side, nothing on the other: the item of the one
  beside = 5,        ///< as before, with the hash of the other side first
};

template <Suite S>
class MultiproofWriter {
 public:
  explicit MultiproofWriter(std::string& bytes) noexcept : bytes_(&bytes) {}

  /// The part of the trie at `depth` in which the paths of all `proofs` are, ordered by K.
  void write(std::span<const KeyProof> proofs, std::size_t depth) {
    const MerkleProof& first = proofs.front().proof;
    if (depth >= first.siblings.size()) return write_end(proofs);
    const auto right = std::ranges::find_if(
        proofs, [&](const KeyProof& proof) { return bit_of(proof.key, depth); });
    const auto left_count = static_cast<std::size_t>(right - proofs.begin());
    if (left_count > 0 && left_count < proofs.size()) {
      put(ProofItem::fork);
      write(proofs.first(left_count), depth + 1);
      return write(proofs.subspan(left_count), depth + 1);
    }
    const Digest& sibling = first.siblings[depth];
    put(sibling == S::empty ? ProofItem::beside_empty : ProofItem::beside);
    if (sibling != S::empty) append(*bytes_, sibling);
    write(proofs, depth + 1);
  }

 private:
  void write_end(std::span<const KeyProof> proofs) {
    const auto is_present = [](const KeyProof& each) {
      return each.proof.kind == ProofKind::present;
    };
    const MerkleProof& first = proofs.front().proof;
    if (std::ranges::any_of(proofs, is_present)) {
      put(ProofItem::leaf);
    } else if (first.kind == ProofKind::absent_empty) {
      put(ProofItem::empty);
    } else {
      put(ProofItem::other_leaf);
      append(*bytes_, first.other_key);
      append(*bytes_, first.other_value);
    }
  }

  void put(ProofItem item) { bytes_->push_back(static_cast<char>(item)); }

  std::string* bytes_;
};

template <Suite S>
class MultiproofReader {
 public:
  /// A statement, as the trie knows it.
  struct Known {
    Digest key;
    std::optional<Digest> value;
  };

  explicit MultiproofReader(BytesView bytes) noexcept : reader_(bytes) {}

  [[nodiscard]] ProofFault fault() const noexcept { return fault_; }
  [[nodiscard]] bool at_end() const noexcept { return reader_.at_end(); }

  /// The hash of the part at `depth` in which all `known` are, ordered by K.
  Digest read(std::span<const Known> known, std::size_t depth) { return part(known, depth).hash; }

 private:
  /// Whether a part is known to hold at most one leaf: then it is not kept below a node with
  /// nothing beside it.
  struct Part {
    Digest hash{};
    bool empty = false;
    bool small = false;
  };

  Part refuse(ProofFault fault) noexcept {
    if (fault_ == ProofFault::none) fault_ = fault;
    return {};
  }

  Part part(std::span<const Known> known, std::size_t depth) {
    if (fault_ != ProofFault::none) return {};
    std::uint8_t item = 0;
    if (!reader_.read(item)) return refuse(ProofFault::wrong_length);
    switch (static_cast<ProofItem>(item)) {
      case ProofItem::empty: return nothing(known);
      case ProofItem::leaf: return leaf(known);
      case ProofItem::other_leaf: return other_leaf(known, depth);
      case ProofItem::fork:
      case ProofItem::beside_empty:
      case ProofItem::beside: return inner(known, depth, static_cast<ProofItem>(item));
    }
    return refuse(ProofFault::unknown_item);
  }

  Part nothing(std::span<const Known> known) {
    for (const Known& each : known) {
      if (each.value) return refuse(ProofFault::other_statement);
    }
    return {S::empty, true, true};
  }

  Part leaf(std::span<const Known> known) {
    const auto is_present = [](const Known& each) { return each.value.has_value(); };
    const auto count = std::ranges::count_if(known, is_present);
    if (count == 0) return refuse(ProofFault::other_statement);
    if (count > 1) return refuse(ProofFault::wrong_item);
    const Known& present = *std::ranges::find_if(known, is_present);
    return {S::leaf(present.key, *present.value), false, true};
  }

  Part other_leaf(std::span<const Known> known, std::size_t depth) {
    Digest key{};
    Digest value{};
    if (!(reader_.read(key) && reader_.read(value))) return refuse(ProofFault::wrong_length);
    for (const Known& each : known) {
      if (each.value) return refuse(ProofFault::other_statement);
      if (each.key == key) return refuse(ProofFault::same_key);
    }
    if (common_bits(key, known.front().key) < depth) return refuse(ProofFault::off_the_path);
    return {S::leaf(key, value), false, true};
  }

  Part inner(std::span<const Known> known, std::size_t depth, ProofItem item) {
    if (depth >= most_depth) return refuse(ProofFault::too_deep);
    const auto first_right =
        std::ranges::find_if(known, [&](const Known& each) { return bit_of(each.key, depth); });
    const auto left_count = static_cast<std::size_t>(first_right - known.begin());
    const bool forks = left_count > 0 && left_count < known.size();
    if (forks != (item == ProofItem::fork)) return refuse(ProofFault::wrong_item);
    Part sides[2];
    if (forks) {
      sides[0] = part(known.first(left_count), depth + 1);
      sides[1] = part(known.subspan(left_count), depth + 1);
    } else {
      const std::size_t taken = left_count == 0 ? 1 : 0;
      Part& beside = sides[1 - taken];
      beside = {S::empty, item == ProofItem::beside_empty, item == ProofItem::beside_empty};
      if (item == ProofItem::beside) {
        if (!reader_.read(beside.hash)) return refuse(ProofFault::wrong_length);
        if (beside.hash == S::empty) return refuse(ProofFault::listed_empty);
      }
      sides[taken] = part(known, depth + 1);
    }
    if (fault_ != ProofFault::none) return {};
    if ((sides[0].empty && sides[1].small) || (sides[1].empty && sides[0].small)) {
      return refuse(ProofFault::needless_depth);
    }
    return {S::node(sides[0].hash, sides[1].hash), false, false};
  }

  DigestReader reader_;
  ProofFault fault_ = ProofFault::none;
};

}  // namespace detail

/// One proof for all the keys of `proofs`, which are of one root: what they share stands in it
/// once. Their order does not matter; a key that comes twice counts once. Empty where there are
/// none.
template <Suite S>
[[nodiscard]] std::string encode_multiproof(std::vector<KeyProof> proofs) {
  std::string bytes;
  if (proofs.empty()) return bytes;
  std::ranges::sort(proofs, {}, &KeyProof::key);
  const auto again = std::ranges::unique(proofs, {}, &KeyProof::key);
  proofs.erase(again.begin(), again.end());
  bytes.push_back(static_cast<char>(proof_version));
  bytes.push_back(static_cast<char>(S::id));
  bytes.push_back(static_cast<char>(detail::multiproof_kind));
  detail::MultiproofWriter<S>(bytes).write(proofs, 0);
  return bytes;
}

/// Whether `proof` shows all of `statements`, in any order, of a store of the root `root`. As
/// `verify` in everything else.
template <Suite S = Blake3>
Verdict verify_all(const Digest& root, std::span<const Statement> statements, BytesView proof) {
  using Reader = detail::MultiproofReader<S>;
  constexpr std::size_t head = 3;
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(proof[at]); };
  if (statements.empty()) return {ProofFault::no_statement};
  if (proof.empty()) return {ProofFault::wrong_length};
  if (byte(0) != proof_version) return {ProofFault::unknown_version};
  if (proof.size() < head) return {ProofFault::wrong_length};
  if (byte(1) != S::id) return {ProofFault::other_suite};
  if (byte(2) != detail::multiproof_kind) return {ProofFault::unknown_kind};

  std::vector<typename Reader::Known> known;
  known.reserve(statements.size());
  for (const Statement& each : statements) {
    known.push_back({S::key_digest(each.tree, each.key), std::nullopt});
    if (each.value) known.back().value = S::value_digest(*each.value);
  }
  std::ranges::sort(known, {}, &Reader::Known::key);
  const auto same = [](const auto& one, const auto& other) { return one.key == other.key; };
  if (std::ranges::adjacent_find(known, same) != known.end()) return {ProofFault::repeated_key};

  Reader reader(proof.substr(head));
  const Digest found = reader.read(known, 0);
  if (reader.fault() != ProofFault::none) return {reader.fault()};
  if (!reader.at_end()) return {ProofFault::wrong_length};
  return {found == root ? ProofFault::none : ProofFault::other_root};
}

}  // namespace varve::merkle
