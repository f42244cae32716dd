// SPDX-License-Identifier: Apache-2.0
//
// Goal 6: the trie of the state roots, without an engine below it. The counter `milliseconds` is
// what one root takes; the goals are 25 for 100,000 entries, 320 for a million, and 2 for a
// thousand changes of a million with the pages in memory.
#include <varve/merkle/suites.hpp>
#include <varve/merkle/trie.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

using varve::BytesView;
using varve::merkle::Blake3;
using varve::merkle::Change;
using varve::merkle::Digest;
using varve::merkle::Ics23Sha256;
using varve::merkle::PageChange;
using varve::merkle::Trie;
using varve::merkle::TrieOptions;
using varve::merkle::TrieUpdate;

using Clock = std::chrono::steady_clock;

void set_milliseconds(benchmark::State& state, Clock::duration all, std::size_t times) {
  state.counters["milliseconds"] =
      std::chrono::duration<double, std::milli>(all).count() / static_cast<double>(times);
}

/// Entries as a store holds them: keys of 16 bytes, values of 100.
struct Entries {
  explicit Entries(std::size_t count) : bytes(count * 116, '\0') {
    std::mt19937_64 random(1);
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      const std::uint64_t word = random();
      std::memcpy(bytes.data() + at, &word, 8);
    }
    for (std::size_t i = 0; i != count; ++i) {
      keys.push_back(BytesView(bytes).substr(i * 116, 16));
      values.push_back(BytesView(bytes).substr(i * 116 + 16, 100));
    }
  }
  std::string bytes;
  std::vector<BytesView> keys;
  std::vector<BytesView> values;
};

/// From scratch: from the bytes of keys and values, or from their digests.
template <class S>
void build(benchmark::State& state, std::size_t count, bool from_entries) {
  const Entries entries(count);
  std::vector<Digest> keys(count);
  std::vector<Digest> values(count);
  const auto digest = [&] {
    S::key_digests("accounts", entries.keys, keys);
    S::value_digests(entries.values, values);
  };
  digest();
  std::size_t times = 0;
  std::size_t bytes = 0;
  const auto start = Clock::now();
  for (auto _ : state) {
    if (from_entries) digest();
    bytes = 0;
    const auto summary = Trie<S>::build(
        [&](const auto& add) {
          for (std::size_t i = 0; i != count; ++i) add(keys[i], values[i]);
        },
        [&](BytesView key, BytesView page) { bytes += key.size() + page.size(); });
    benchmark::DoNotOptimize(summary.root);
    ++times;
  }
  set_milliseconds(state, Clock::now() - start, times);
  state.counters["bytes_a_key"] = static_cast<double>(bytes) / static_cast<double>(count);
}

void build_with_blake3(benchmark::State& state, std::size_t count, bool from_entries) {
  build<Blake3>(state, count, from_entries);
}

void build_with_sha256(benchmark::State& state, std::size_t count, bool from_entries) {
  build<Ics23Sha256>(state, count, from_entries);
}

/// Pages in memory, as an engine's cache would hold them at best.
struct MemoryPages {
  std::unordered_map<std::string, std::string> pages;

  std::optional<BytesView> page(BytesView key) {
    const auto it = pages.find(std::string(key));
    if (it == pages.end()) return std::nullopt;
    return BytesView(it->second);
  }
};

/// Random changes of a million keys: 7 of 8 get another value, 1 of 8 goes or comes back.
void update(benchmark::State& state, std::size_t changes_a_root, const TrieOptions& options) {
  constexpr std::size_t count = 1'000'000;
  const Entries entries(count);
  std::vector<Digest> keys(count);
  Blake3::key_digests("accounts", entries.keys, keys);
  MemoryPages store;
  (void)Trie<Blake3>::build(
      [&](const auto& add) {
        for (const Digest& key : keys) add(key, Digest{});
      },
      [&](BytesView key, BytesView page) { store.pages.emplace(key, page); });
  Trie<Blake3> trie(options);
  if (options.cache_bytes != 0) {
    std::vector<Change> all;
    for (const Digest& key : keys) all.push_back({key, Digest{std::byte{1}}});
    const TrieUpdate update = trie.update(store, all);
    for (const PageChange& page : update.pages()) {
      store.pages.insert_or_assign(std::string(page.key), std::string(*page.after));
    }
    trie.accept(update);
  }
  std::mt19937_64 random(2);
  Clock::duration spent{};
  std::size_t times = 0;
  std::size_t pages = 0;
  std::size_t bytes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<Change> changes(changes_a_root);
    for (Change& change : changes) {
      change.key = keys[random() % count];
      const std::uint64_t word = random();
      if (word % 8 == 0) continue;
      change.value.emplace();
      std::memcpy(change.value->data(), &word, 8);
    }
    state.ResumeTiming();
    const auto start = Clock::now();
    const TrieUpdate update = trie.update(store, changes);
    trie.accept(update);
    spent += Clock::now() - start;
    state.PauseTiming();
    for (const PageChange& page : update.pages()) {
      if (page.after) bytes += page.after->size();
      if (options.cache_bytes != 0) continue;  // the store is not asked again
      if (page.after) {
        store.pages.insert_or_assign(std::string(page.key), std::string(*page.after));
      } else {
        store.pages.erase(std::string(page.key));
      }
    }
    pages += update.pages().size();
    ++times;
    state.ResumeTiming();
  }
  set_milliseconds(state, spent, times);
  const auto changed = static_cast<double>(times * changes_a_root);
  state.counters["pages_a_change"] = static_cast<double>(pages) / changed;
  state.counters["bytes_a_change"] = static_cast<double>(bytes) / changed;
}

constexpr TrieOptions in_memory{.cache_bytes = std::size_t{1} << 30U, .threads = 1};
constexpr TrieOptions from_store{.cache_bytes = 0, .threads = 1};

/// One proof out of the pages of a million keys.
void prove(benchmark::State& state) {
  constexpr std::size_t count = 1'000'000;
  const Entries entries(count);
  std::vector<Digest> keys(count);
  Blake3::key_digests("accounts", entries.keys, keys);
  MemoryPages store;
  (void)Trie<Blake3>::build(
      [&](const auto& add) {
        for (const Digest& key : keys) add(key, Digest{});
      },
      [&](BytesView key, BytesView page) { store.pages.emplace(key, page); });
  std::size_t at = 0;
  std::size_t depth = 0;
  for (auto _ : state) {
    at = (at + 7919) % count;
    const auto proof = Trie<Blake3>::prove(store, keys[at]);
    depth += proof.siblings.size();
    benchmark::DoNotOptimize(proof.kind);
  }
  state.counters["siblings"] = static_cast<double>(depth) / static_cast<double>(state.iterations());
}

}  // namespace

BENCHMARK_CAPTURE(build_with_blake3, digests, 100'000, false)
    ->Name("6/trie/root_100k_of_digests")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(build_with_blake3, entries, 100'000, true)
    ->Name("6/trie/root_100k")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(build_with_sha256, entries, 100'000, true)
    ->Name("6/trie/root_100k_sha256")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(build_with_blake3, digests_1m, 1'000'000, false)
    ->Name("6/trie/root_1m_of_digests")
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(build_with_blake3, entries_1m, 1'000'000, true)
    ->Name("6/trie/root_1m")
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(update, in_memory, 1000, in_memory)
    ->Name("6/trie/update_1000_of_1m")
    ->Iterations(200)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(update, from_store, 1000, from_store)
    ->Name("6/trie/update_1000_of_1m_from_store")
    ->Iterations(200)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(prove)->Name("6/trie/prove_1m")->Iterations(50000);
