// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "traces.hpp"

#include <varve/cache/set_store.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <list>
#include <set>
#include <utility>
#include <vector>

namespace varve_bench {

/// The number of requests that the sets of `varve::Frequent` answer, with `sets` of them.
inline std::size_t hits_of_varve(const Trace& trace, std::size_t sets) {
  namespace cache = varve::detail::cache;
  constexpr std::size_t entry_bytes = 16;
  constexpr std::size_t set_bytes = sizeof(cache::SetHead) + (8 + entry_bytes) * cache::Sets::ways +
                                    cache::FrequencySketch::bytes_for(cache::Sets::ways);
  cache::SetStore store(sets * set_bytes, entry_bytes, 1);
  std::size_t hits = 0;
  cache::Value value;
  char bytes[8] = {};
  for (const std::uint32_t number : trace.keys) {
    std::memcpy(bytes, &number, 4);
    const varve::BytesView text(bytes, sizeof bytes);
    const cache::Key key{1, text, cache::hash_key(1, 1, text)};
    if (store.find(key, value) == cache::Found::value) {
      ++hits;
      continue;
    }
    store.missed(key);
    static_cast<void>(store.fill(key, text, [] { return true; }));
  }
  return hits;
}

inline std::size_t hits_of_lru(const Trace& trace, std::size_t entries) {
  std::list<std::uint32_t> order;
  std::vector<std::list<std::uint32_t>::iterator> places(trace.distinct, order.end());
  std::size_t hits = 0;
  for (const std::uint32_t key : trace.keys) {
    if (places[key] != order.end()) {
      ++hits;
      order.splice(order.begin(), order, places[key]);
      continue;
    }
    if (order.size() == entries) {
      places[order.back()] = order.end();
      order.pop_back();
    }
    order.push_front(key);
    places[key] = order.begin();
  }
  return hits;
}

/// Belady's optimum: what is asked for latest goes first, and is not even kept where it is the
/// newcomer. No policy that cannot see the future does better.
inline std::size_t hits_of_optimum(const Trace& trace, std::size_t entries) {
  constexpr std::uint32_t never = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> next(trace.keys.size());
  std::vector<std::uint32_t> later(trace.distinct, never);
  for (std::size_t i = trace.keys.size(); i-- != 0;) {
    next[i] = std::exchange(later[trace.keys[i]], static_cast<std::uint32_t>(i));
  }
  std::set<std::pair<std::uint32_t, std::uint32_t>> kept;  // when it is asked for, which
  std::size_t hits = 0;
  for (std::size_t i = 0; i != trace.keys.size(); ++i) {
    const auto at = kept.find({static_cast<std::uint32_t>(i), trace.keys[i]});
    if (at != kept.end()) {
      ++hits;
      kept.erase(at);
    }
    if (next[i] == never) continue;
    kept.emplace(next[i], trace.keys[i]);
    if (kept.size() > entries) kept.erase(std::prev(kept.end()));
  }
  return hits;
}

}  // namespace varve_bench
