// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/proof.hpp>
#include <varve/merkle/sha256.hpp>

#include "catch.hpp"
#include "merkle/reference.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace varve_test {

/// The fields of a message of Protocol Buffers that have a length, by number; others are left out.
inline std::vector<std::pair<unsigned, std::string>> fields_of(BytesView message) {
  std::vector<std::pair<unsigned, std::string>> fields;
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(message.at(at++));
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.size()) {
    const std::uint64_t tag = varint();
    const std::uint64_t value = varint();
    if ((tag & 7U) != 2) continue;
    fields.emplace_back(static_cast<unsigned>(tag >> 3U), message.substr(at, value));
    at += value;
  }
  return fields;
}

inline std::string field(BytesView message, unsigned number) {
  for (auto& [found, bytes] : fields_of(message)) {
    if (found == number) return bytes;
  }
  FAIL("the message has no field " << number);
  return {};
}

/// What an ics23.ExistenceProof says, in the terms of this project.
struct Existence {
  std::string key;
  std::string value;
  MerkleProof path;
};

inline Existence existence_of(BytesView message) {
  Existence proof{field(message, 1), field(message, 2), {}};
  proof.path.kind = ProofKind::present;
  CHECK(field(field(message, 3), 5) == std::string("\0", 1));
  const Digest k = varve::merkle::sha256_of({proof.key});
  std::vector<std::string> steps;
  for (auto& [number, bytes] : fields_of(message)) {
    if (number == 4) steps.insert(steps.begin(), bytes);
  }
  for (std::size_t depth = 0; depth < steps.size(); ++depth) {
    std::string prefix;
    std::string suffix;
    for (auto& [number, bytes] : fields_of(steps[depth])) (number == 2 ? prefix : suffix) = bytes;
    REQUIRE(prefix.at(0) == '\1');
    CHECK(varve::merkle::bit_of(k, depth) == suffix.empty());
    const std::string sibling = suffix.empty() ? prefix.substr(1) : suffix;
    proof.path.siblings.push_back(digest_of_hex(to_hex(sibling)));
  }
  return proof;
}

}  // namespace varve_test
