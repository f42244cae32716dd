// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/proof_fault.hpp>
#include <varve/merkle/suite.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace varve::merkle {

inline constexpr std::uint8_t proof_version = 1;  // do not change
inline constexpr std::size_t most_depth = 256;

/// What a path ends at. Stored; do not change.
enum class ProofKind : std::uint8_t {
  present = 0,            ///< the leaf of the key itself
  absent_empty = 1,       ///< nothing
  absent_other_leaf = 2,  ///< the leaf of another key, which is alone below its place
};

/// The path of a key K from the root to where it ends.
struct MerkleProof {
  ProofKind kind = ProofKind::absent_empty;
  /// siblings[d] is the hash of the child that the path leaves aside at the depth d, `empty` of the
  /// suite where that is nothing. At most 256; the path ends at the depth siblings.size().
  std::vector<Digest> siblings;
  Digest other_key{};    ///< K' of the leaf that the path ends at, for absent_other_leaf
  Digest other_value{};  ///< V' of it

  friend bool operator==(const MerkleProof&, const MerkleProof&) = default;
};

namespace detail {

inline constexpr std::size_t proof_head = 5;

inline void append(std::string& to, const Digest& digest) {
  to.append(reinterpret_cast<const char*>(digest.data()), digest.size());
}

/// Takes digests off the front of bytes.
class DigestReader {
 public:
  explicit DigestReader(BytesView bytes) noexcept : left_(bytes) {}

  [[nodiscard]] bool read(Digest& digest) noexcept {
    if (left_.size() < digest.size()) return false;
    std::memcpy(digest.data(), left_.data(), digest.size());
    left_.remove_prefix(digest.size());
    return true;
  }

  [[nodiscard]] bool read(std::uint8_t& byte) noexcept {
    if (left_.empty()) return false;
    byte = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    return true;
  }

  [[nodiscard]] bool at_end() const noexcept { return left_.empty(); }

 private:
  BytesView left_;
};

}  // namespace detail

/// The one encoding of a proof (docs/formats/proof.md): about 0.7 KB where there are a million
/// keys.
template <Suite S>
[[nodiscard]] std::string encode_proof(const MerkleProof& proof) {
  const std::size_t depth = proof.siblings.size();
  assert(depth <= most_depth);
  std::string bytes(detail::proof_head + (depth + 7) / 8, '\0');
  bytes[0] = static_cast<char>(proof_version);
  bytes[1] = static_cast<char>(S::id);
  bytes[2] = static_cast<char>(proof.kind);
  bytes[3] = static_cast<char>(depth & 0xffU);
  bytes[4] = static_cast<char>(depth >> 8U);
  for (std::size_t d = 0; d < depth; ++d) {
    if (proof.siblings[d] == S::empty) continue;
    char& bits = bytes[detail::proof_head + d / 8];
    bits = static_cast<char>(static_cast<unsigned char>(bits) | 0x80U >> (d % 8));
    detail::append(bytes, proof.siblings[d]);
  }
  if (proof.kind == ProofKind::absent_other_leaf) {
    detail::append(bytes, proof.other_key);
    detail::append(bytes, proof.other_value);
  }
  return bytes;
}

/// Reads what `encode_proof` wrote into `proof`, and refuses all other bytes. Whether the proof
/// holds is not looked at: that is for `verify`.
template <Suite S>
[[nodiscard]] ProofFault decode_proof(BytesView bytes, MerkleProof& proof) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); };
  if (bytes.empty()) return ProofFault::wrong_length;
  if (byte(0) != proof_version) return ProofFault::unknown_version;
  if (bytes.size() < detail::proof_head) return ProofFault::wrong_length;
  if (byte(1) != S::id) return ProofFault::other_suite;
  if (byte(2) > static_cast<std::uint8_t>(ProofKind::absent_other_leaf)) {
    return ProofFault::unknown_kind;
  }
  const std::size_t depth = byte(3) + std::size_t{byte(4)} * 256;
  if (depth > most_depth) return ProofFault::too_deep;
  const std::size_t bitmap = (depth + 7) / 8;
  if (bytes.size() < detail::proof_head + bitmap) return ProofFault::wrong_length;
  const auto is_listed = [&](std::size_t d) {
    return (byte(detail::proof_head + d / 8) & 0x80U >> (d % 8)) != 0;
  };
  for (std::size_t d = depth; d < bitmap * 8; ++d) {
    if (is_listed(d)) return ProofFault::spare_bits;
  }
  if (depth > 0 && !is_listed(depth - 1)) return ProofFault::needless_depth;

  proof.kind = static_cast<ProofKind>(byte(2));
  proof.siblings.assign(depth, S::empty);
  detail::DigestReader reader(bytes.substr(detail::proof_head + bitmap));
  for (std::size_t d = 0; d < depth; ++d) {
    if (!is_listed(d)) continue;
    if (!reader.read(proof.siblings[d])) return ProofFault::wrong_length;
    if (proof.siblings[d] == S::empty) return ProofFault::listed_empty;
  }
  proof.other_key = {};
  proof.other_value = {};
  if (proof.kind == ProofKind::absent_other_leaf &&
      !(reader.read(proof.other_key) && reader.read(proof.other_value))) {
    return ProofFault::wrong_length;
  }
  return reader.at_end() ? ProofFault::none : ProofFault::wrong_length;
}

}  // namespace varve::merkle
