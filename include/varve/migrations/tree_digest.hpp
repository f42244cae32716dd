// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_reader.hpp>
#include <varve/io/crc32c.hpp>

#include <cstdint>

namespace varve {

/// A number made of the records of a tree, whatever the order in which they are
/// added: the sum of a hash of each. It tells damage and loss, not malice.
struct TreeDigest {
  std::uint64_t records = 0;
  std::uint64_t sum = 0;

  void add(BytesView key, BytesView value) noexcept {
    // Two checksums that start from different ones, the second of them over
    // value and key.
    const std::uint32_t high = crc32c(value, crc32c(key, 0x7661'7276U));
    const std::uint32_t low = crc32c(key, crc32c(value, 0x6469'6765U));
    ++records;
    std::uint64_t mixed = std::uint64_t{high} << 32U | low;
    // The finaliser of SplitMix64, so that a sum of checksums is not itself
    // linear.
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    sum += mixed ^ (mixed >> 31U);
  }

  friend bool operator==(const TreeDigest&, const TreeDigest&) = default;
};

/// Of all records of `tree` in `reader`, or of those in `range`.
template <KvReader R>
[[nodiscard]] TreeDigest digest_tree(const R& reader, Tree tree, KeyRange range = KeyRange::all()) {
  TreeDigest digest;
  for (auto scan = reader.scan(tree, range); scan.valid(); scan.next()) {
    const Entry entry = scan.entry();
    digest.add(entry.key, entry.value);
  }
  return digest;
}

}  // namespace varve
