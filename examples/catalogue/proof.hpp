// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalogue.hpp"

#include <varve/io/crc32c.hpp>

#include <cstdint>
#include <string>

namespace catalogue {

/// What a catalogue holds, in three numbers and a digest: the CRC-32C over all records of its three
/// trees, in the order of a scan, each as the length of its key in 4 bytes, its key, and its value
/// likewise. Two catalogues with the same records have the same proof, whatever engine holds them
/// and however they came there.
struct Proof {
  std::uint64_t things = 0;
  std::uint64_t needs = 0;
  std::uint64_t needed_by = 0;
  std::uint32_t digest = 0;

  friend bool operator==(const Proof&, const Proof&) = default;
};

template <varve::KvReader Store>
[[nodiscard]] Proof prove(const Catalogue<Store>& catalogue) {
  Proof proof;
  std::string record;
  const auto read = [&](varve::Tree tree) {
    std::uint64_t count = 0;
    for (const varve::Entry entry : catalogue.store().scan(tree, varve::KeyRange::all())) {
      record.clear();
      append_number<4>(record, entry.key.size());
      record += entry.key;
      append_number<4>(record, entry.value.size());
      record += entry.value;
      proof.digest = varve::crc32c(record, proof.digest);
      ++count;
    }
    return count;
  };
  proof.things = read(catalogue.things());
  proof.needs = read(catalogue.needs());
  proof.needed_by = read(catalogue.needed_by());
  return proof;
}

}  // namespace catalogue
