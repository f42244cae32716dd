// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace varve {

struct VersionedOptions {
  static constexpr std::uint64_t for_ever = std::numeric_limits<std::uint64_t>::max();

  /// How many heights can be read, the latest among them; at least 1.
  std::uint64_t retain_heights = 1000;
  /// Bytes of history (what was replaced, and the lists of it) above which the oldest heights are
  /// given up before that. The latest height can always be read.
  std::uint64_t retain_bytes = for_ever;
  /// The height of what a store holds when the layer joins it; of an empty one too.
  std::uint64_t base_height = 0;
  /// Trees that are no part of the root, by name, besides the indexes of tables. A tree is in the
  /// root or not from its first change on, for good.
  std::vector<std::string> outside_root{};
  /// Memory for pages of the trie; a twelfth of it is taken besides.
  std::size_t trie_cache_bytes = std::size_t{192} << 20U;
  /// Threads that hash a large commit, the caller's among them; 0: as many as there are, at most 4.
  unsigned hash_threads = 0;

  template <class Visit>
  void visit_fields(Visit&& visit) const {
    visit("retain_heights", retain_heights);
    visit("retain_bytes", retain_bytes);
    visit("base_height", base_height);
    std::string names;
    for (const std::string& name : outside_root) names.append(names.empty() ? "" : ", ") += name;
    visit("outside_root", names);
    visit("trie_cache_bytes", trie_cache_bytes);
    visit("hash_threads", hash_threads);
  }
};

}  // namespace varve
