// SPDX-License-Identifier: Apache-2.0
//
// How many of the requests of a trace a cache answers, for the policies with as many entries: those
// of Cached, exact LRU, the caches of RocksDB and LevelDB, and Belady's optimum, which sees the
// future. Caches of 1 to 50% of the keys of the trace.
//
// VARVE_TRACES  a directory with traces to use beside the generated ones: NAME.trace.xz, numbers of
//               32 bits, the highest byte first
#include <benchmark/benchmark.h>
#include <rocksdb/cache.h>
#ifdef VARVE_BENCH_LEVELDB
#include <leveldb/cache.h>
#endif

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "simulated_caches.hpp"
#include "traces.hpp"

namespace {

using varve_bench::Trace;

constexpr std::size_t entry_charge = 128;

std::size_t hits_of_rocksdb(const Trace& trace, std::size_t entries) {
  const auto cache =
      rocksdb::HyperClockCacheOptions(entries * entry_charge, entry_charge).MakeSharedCache();
  std::size_t hits = 0;
  for (const std::uint32_t key : trace.keys) {
    std::array<char, 16> bytes{};
    std::memcpy(bytes.data(), &key, sizeof key);
    const rocksdb::Slice slice(bytes.data(), bytes.size());
    if (rocksdb::Cache::Handle* const found = cache->Lookup(slice)) {
      ++hits;
      cache->Release(found);
      continue;
    }
    static char value;
    static_cast<void>(
        cache->Insert(slice, &value, entry_charge, [](const rocksdb::Slice&, void*) {}));
  }
  return hits;
}

#ifdef VARVE_BENCH_LEVELDB
std::size_t hits_of_leveldb(const Trace& trace, std::size_t entries) {
  const std::unique_ptr<leveldb::Cache> cache(leveldb::NewLRUCache(entries));
  std::size_t hits = 0;
  for (const std::uint32_t key : trace.keys) {
    const leveldb::Slice slice(reinterpret_cast<const char*>(&key), sizeof key);
    if (leveldb::Cache::Handle* const found = cache->Lookup(slice)) {
      ++hits;
      cache->Release(found);
      continue;
    }
    static char value;
    cache->Release(cache->Insert(slice, &value, 1, [](const leveldb::Slice&, void*) {}));
  }
  return hits;
}
#endif

using Policy = std::size_t (*)(const Trace&, std::size_t entries);

std::size_t hits_of_varve(const Trace& trace, std::size_t entries) {
  return varve_bench::hits_of_varve(trace, entries / varve::detail::cache::Sets::ways);
}

const std::vector<Trace>& traces() {
  static const std::vector<Trace> all = [] {
    const char* const directory = std::getenv("VARVE_TRACES");
    std::vector<Trace> found;
    if (directory != nullptr) found = varve_bench::stored_traces(directory);
    if (found.empty()) {
      std::fprintf(stderr, "SKIPPED: recorded traces; VARVE_TRACES names no directory with any\n");
    }
    for (Trace& trace : varve_bench::generated_traces()) found.push_back(std::move(trace));
    return found;
  }();
  return all;
}

/// A whole number of sets, so that all policies have as many entries.
std::size_t entries_of(const Trace& trace, std::size_t percent) {
  constexpr std::size_t ways = varve::detail::cache::Sets::ways;
  return std::max<std::size_t>(1, (trace.distinct * percent / 100 + ways / 2) / ways) * ways;
}

double rate(const Trace& trace, std::size_t percent, Policy policy) {
  static std::map<std::tuple<const Trace*, std::size_t, Policy>, double> known;
  const auto [at, fresh] = known.try_emplace({&trace, percent, policy}, 0);
  if (fresh) {
    at->second = static_cast<double>(policy(trace, entries_of(trace, percent))) /
                 static_cast<double>(trace.keys.size());
  }
  return at->second;
}

/// Over all traces, at 1, 5 and 20%.
void summary(benchmark::State& state) {
  for (auto _ : state) {
    double sum = 0;
    double sum_of_optimum = 0;
    double least = 1;
    double rows = 0;
    for (const Trace& trace : traces()) {
      for (const std::size_t percent : {1U, 5U, 20U}) {
        const double ours = rate(trace, percent, hits_of_varve);
        sum += ours;
        sum_of_optimum += ours / rate(trace, percent, varve_bench::hits_of_optimum);
        least = std::min(least, ours - rate(trace, percent, varve_bench::hits_of_lru));
        ++rows;
      }
    }
    state.counters["mean"] = sum / rows;
    state.counters["mean_of_optimum"] = sum_of_optimum / rows;
    state.counters["least_points_above_lru"] = 100 * least;
  }
}

const bool registered = [] {
  const auto once = [](benchmark::internal::Benchmark* one) {
    one->Iterations(1)->Repetitions(1)->Unit(benchmark::kMillisecond);
  };
  const std::vector<std::pair<std::string, Policy>> policies{
      {"varve", hits_of_varve},
      {"lru", varve_bench::hits_of_lru},
      {"rocksdb_hyper_clock", hits_of_rocksdb},
#ifdef VARVE_BENCH_LEVELDB
      {"leveldb", hits_of_leveldb},
#endif
      {"optimum", varve_bench::hits_of_optimum},
  };
  for (const Trace& trace : traces()) {
    for (const std::size_t percent : {1U, 2U, 5U, 10U, 20U, 50U}) {
      for (const auto& [name, policy] : policies) {
        const std::string whole =
            "2_hit_rate/" + trace.name + "_" + std::to_string(percent) + "/" + name;
        once(benchmark::RegisterBenchmark(
            whole.c_str(), [&trace, percent, policy = policy](benchmark::State& state) {
              for (auto _ : state) state.counters["hit_rate"] = rate(trace, percent, policy);
            }));
      }
    }
  }
  once(benchmark::RegisterBenchmark("2/hit_rates/varve", summary));
  return true;
}();

}  // namespace
