// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace varve {

struct CachedOptions {
  /// All memory that the cache may take, its own overhead included. 0 keeps nothing.
  std::size_t capacity_bytes = std::size_t{16} << 20U;
  /// What a key and its value come to on average. Sets are laid out for 32 such records: too small
  /// wastes ways, too large wastes bytes, neither by much up to a factor of two.
  std::uint32_t entry_bytes = 112;
  /// The share of `capacity_bytes` for records above 244 bytes, or above a quarter of a set, which
  /// are kept apart, shared by reference. One such record may take a 32nd part of that share.
  std::uint32_t large_percent = 25;

  template <class Visit>
  void visit_fields(Visit&& visit) const {
    visit("capacity_bytes", capacity_bytes);
    visit("entry_bytes", entry_bytes);
    visit("large_percent", large_percent);
  }
};

}  // namespace varve
