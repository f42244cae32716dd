// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <cstdint>

namespace varve::merkle {

/// Why a proof is refused.
enum class ProofFault : std::uint8_t {
  none,
  wrong_length,
  unknown_version,
  other_suite,
  unknown_kind,
  too_deep,
  spare_bits,
  listed_empty,
  needless_depth,
  same_key,
  off_the_path,
  other_statement,
  other_root,
  no_statement,
  repeated_key,
  unknown_item,
  wrong_item,
};

/// A sentence for a person. It never depends on the proof's bytes.
[[nodiscard]] constexpr BytesView to_string(ProofFault fault) noexcept {
  switch (fault) {
    case ProofFault::none: return "the proof holds";
    case ProofFault::wrong_length: return "the proof is cut short, or something stands behind it";
    case ProofFault::unknown_version: return "the proof has a version that is not known here";
    case ProofFault::other_suite: return "the proof was made with another suite of hashes";
    case ProofFault::unknown_kind: return "the proof says of a kind that there is not";
    case ProofFault::too_deep: return "the path of the proof has more than 256 steps";
    case ProofFault::spare_bits: return "the bitmap of the siblings has bits beyond the depth";
    case ProofFault::listed_empty: return "an empty sibling is listed as if it were not empty";
    case ProofFault::needless_depth: return "the path goes deeper than the trie does";
    case ProofFault::same_key: return "absence is to be shown by the very key that is present";
    case ProofFault::off_the_path: return "absence is to be shown by a key of another path";
    case ProofFault::other_statement:
      return "the proof is of presence, and the question of "
             "absence, or the reverse";
    case ProofFault::other_root: return "the proof belongs to another root, key or value";
    case ProofFault::no_statement: return "there is nothing to prove";
    case ProofFault::repeated_key: return "two statements are of one key";
    case ProofFault::unknown_item: return "the proof has an item of a kind that there is not";
    case ProofFault::wrong_item: return "an item of the proof does not fit the keys at its place";
  }
  return "the proof is refused";
}

/// The answer of a verification: true where the proof holds.
struct [[nodiscard]] Verdict {
  ProofFault fault = ProofFault::none;

  [[nodiscard]] explicit operator bool() const noexcept { return fault == ProofFault::none; }
  [[nodiscard]] BytesView message() const noexcept { return to_string(fault); }
};

}  // namespace varve::merkle
