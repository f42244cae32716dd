// SPDX-License-Identifier: Apache-2.0
#include <varve/cache/set_store.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <list>
#include <numeric>
#include <random>
#include <string>
#include <vector>

using namespace varve::detail::cache;

namespace {

using Trace = std::vector<std::uint32_t>;

constexpr std::uint32_t key_count = 20'000;

/// Each of 300,000 requests is a function of its number and of a number by Zipf's law.
Trace trace_of(const std::function<std::uint32_t(std::uint32_t, std::uint32_t)>& key_of) {
  std::vector<double> sums(key_count);
  double sum = 0;
  for (std::uint32_t i = 0; i != key_count; ++i) sums[i] = sum += 1 / std::pow(i + 1, 0.99);
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> any(0, sum);
  Trace trace(300'000);
  for (std::uint32_t i = 0; i != trace.size(); ++i) {
    const auto at = std::upper_bound(sums.begin(), sums.end() - 1, any(random));
    trace[i] = key_of(i, static_cast<std::uint32_t>(at - sums.begin()));
  }
  return trace;
}

double rate_of_sets(const Trace& trace, std::size_t sets) {
  constexpr std::size_t record_bytes = 24;
  constexpr std::size_t set_bytes =
      sizeof(SetHead) + record_bytes * Sets::ways + FrequencySketch::bytes_for(Sets::ways);
  SetStore store(sets * set_bytes, 16, 1);
  std::size_t hits = 0;
  Value value;
  for (const std::uint32_t number : trace) {
    char bytes[8] = {};
    std::memcpy(bytes, &number, 4);
    const varve::BytesView text(bytes, sizeof bytes);
    const Key key{1, text, hash_key(1, 1, text)};
    if (store.find(key, value) == Found::value) {
      ++hits;
      continue;
    }
    store.missed(key);
    static_cast<void>(store.fill(key, text, [] { return true; }));
  }
  return static_cast<double>(hits) / static_cast<double>(trace.size());
}

double rate_of_lru(const Trace& trace, std::size_t entries) {
  std::list<std::uint32_t> order;
  std::vector<std::list<std::uint32_t>::iterator> places(key_count, order.end());
  std::size_t hits = 0;
  for (const std::uint32_t key : trace) {
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
  return static_cast<double>(hits) / static_cast<double>(trace.size());
}

/// How many points of the hit rate the sets are above LRU with as many entries, at the least, over
/// caches of 1, 5 and 20%.
double least_above_lru(const Trace& trace) {
  double least = 1;
  for (const std::size_t percent : {1U, 5U, 20U}) {
    const std::size_t sets = key_count * percent / 100 / Sets::ways;
    least = std::min(least, rate_of_sets(trace, sets) - rate_of_lru(trace, sets * Sets::ways));
  }
  return 100 * least;
}

}  // namespace

TEST_CASE("Frequent: keeps what is popular better than LRU does, and through scans") {
  const Trace zipf = trace_of([](std::uint32_t, std::uint32_t rank) { return rank; });
  const Trace scans = trace_of([](std::uint32_t i, std::uint32_t rank) {
    return i % 10'000 < 8'000 ? rank : i / 5 % key_count;
  });
  CHECK(least_above_lru(zipf) > 2);
  CHECK(least_above_lru(scans) > 2);
}

TEST_CASE("Frequent: is at most 5 points below LRU where the popular keys change") {
  std::vector<std::uint32_t> order(key_count);
  std::iota(order.begin(), order.end(), 0U);
  std::mt19937_64 random(3);
  const Trace shift = trace_of([&](std::uint32_t i, std::uint32_t rank) {
    if (i % 20'000 == 0) std::shuffle(order.begin(), order.end(), random);
    return order[rank];
  });
  const Trace drift = trace_of(
      [&](std::uint32_t i, std::uint32_t rank) { return order[(rank + i / 30) % key_count]; });
  CHECK(least_above_lru(shift) > -5);
  CHECK(least_above_lru(drift) > -5);
}

TEST_CASE("Duel: sets do as those leaders do that miss less") {
  Duel duel(64);
  constexpr std::size_t admits = 0;
  constexpr std::size_t asks = 16;
  constexpr std::size_t follower = 5;
  CHECK(duel.asks_the_sketch(follower));
  for (int i = 0; i != 1000; ++i) duel.missed(asks);
  CHECK_FALSE(duel.asks_the_sketch(follower));
  for (int i = 0; i != 1000; ++i) duel.missed(follower);
  CHECK_FALSE(duel.asks_the_sketch(follower));
  // The lead is bounded, so that a change is seen soon.
  for (int i = 0; i != 300; ++i) duel.missed(admits);
  CHECK(duel.asks_the_sketch(follower));
  CHECK_FALSE(duel.asks_the_sketch(admits));
  CHECK(duel.asks_the_sketch(asks));
}
