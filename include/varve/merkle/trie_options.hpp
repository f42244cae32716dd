// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <utility>

namespace varve::merkle {

struct TrieOptions {
  /// Pages kept in memory, those that were used last: the top levels are always among them.
  std::size_t cache_bytes = std::size_t{64} << 20U;
  /// Threads that hash a large update, the caller's own included; 0: as many as the machine has, up
  /// to 4. No root depends on it. None is started for a small update, and none outlives an update.
  unsigned threads = 0;
  /// Whether a page that comes from the store is checked against the hash that the page above
  /// holds.
  bool check_pages = true;

  template <class Visit>
  void visit_fields(Visit&& visit) const {
    visit("cache_bytes", cache_bytes);
    visit("threads", threads);
    visit("check_pages", check_pages);
  }
};

}  // namespace varve::merkle
