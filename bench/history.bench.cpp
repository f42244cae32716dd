// SPDX-License-Identifier: Apache-2.0
//
// What history costs: durable heights of 1000 changed records on 100,000 beside the same batches
// without the layer, and beside heights that prune as much as they add, in the commits or by
// `prune_step` between them, where that is not measured; the same on a million
// records (the counter `milliseconds` is the median of a height; the goals are 25 on RocksDB and 55
// on LMDB); reads at a height (`microseconds`; 10 and 2) beside those of the latest state.
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/buffered.hpp>
#include <varve/layers/versioned.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "directory.hpp"

namespace {

using namespace varve;
using varve_bench::Directory;

constexpr std::uint64_t changed = 1000;
constexpr std::uint64_t few = 100'000;
constexpr std::uint64_t many = 1'000'000;
constexpr benchmark::IterationCount heights_measured = 50;

/// Numbers that are the same in every run.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  [[nodiscard]] std::uint64_t next() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return state_ >> 24U;
  }

 private:
  std::uint64_t state_;
};

std::string key_of(std::uint64_t number) {
  std::string key = std::to_string(number * 0x9e3779b97f4a7c15U);
  key.resize(32, '.');
  return key;
}

std::string value_of(std::uint64_t number) {
  std::string value = std::to_string(number * 0xd1b54a32d192ed03U);
  value.resize(100, '.');
  return value;
}

WriteBatch changes(Tree tree, std::uint64_t records, Numbers& numbers) {
  WriteBatch batch;
  for (std::uint64_t i = 0; i != changed; ++i) {
    batch.put(tree, key_of(numbers.next() % records), value_of(numbers.next()));
  }
  return batch;
}

template <class Stack>
class Filled {
 public:
  template <class... Options>
  explicit Filled(const std::string& name, std::uint64_t records, const Options&... options)
      : directory_(name),
        store_(open<Stack>(directory_.path(), options...)),
        tree_(store_.open_tree("rows")),
        records_(records) {
    WriteBatch batch;
    for (std::uint64_t i = 0; i != records; ++i) {
      batch.put(tree_, key_of(i), value_of(i));
      if (batch.count() != 10'000) continue;
      store_.write(batch, Durability::buffered);
      batch.clear();
    }
    store_.flush();
  }

  [[nodiscard]] Stack& store() { return store_; }
  [[nodiscard]] Tree tree() const { return tree_; }

  void make_heights(int count, Numbers& numbers) {
    for (int i = 0; i != count; ++i) {
      store_.write(changes(tree_, records_, numbers), Durability::buffered);
    }
    store_.flush();
  }

 private:
  Directory directory_;
  Stack store_;
  Tree tree_;
  std::uint64_t records_;
};

/// Durable heights of 1000 changes, after some that are not measured. An item is a change.
/// `between` is done to the store after each, and is not measured either.
template <class Stack, class Between, class... Options>
void write_heights(benchmark::State& state, const std::string& name, std::uint64_t records,
                   const Between& between, const Options&... options) {
  Filled<Stack> filled(name, records, options...);
  Numbers numbers(1);
  filled.make_heights(20, numbers);
  std::vector<double> milliseconds;
  for (auto step : state) {
    const WriteBatch batch = changes(filled.tree(), records, numbers);
    const auto start = std::chrono::steady_clock::now();
    filled.store().write(batch);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    state.SetIterationTime(taken.count());
    milliseconds.push_back(1000 * taken.count());
    between(filled.store());
  }
  filled.store().flush();
  std::sort(milliseconds.begin(), milliseconds.end());
  state.SetItemsProcessed(static_cast<std::int64_t>(milliseconds.size() * changed));
  state.counters["milliseconds"] = milliseconds[milliseconds.size() / 2];
  state.counters["bytes_on_disk"] = static_cast<double>(filled.store().size_on_disk());
  if constexpr (requires { filled.store().latest(); }) {
    const VersionedStatistics statistics = filled.store().statistics();
    state.counters["prune_percent"] = 100.0 * static_cast<double>(statistics.prune_nanoseconds) /
                                      static_cast<double>(statistics.commit_nanoseconds + 1);
  }
}

/// A store of 100 heights, made once.
template <class Stack>
Filled<Stack>& with_heights(const std::string& name) {
  static Filled<Stack> filled(name, few);
  static const bool made = [] {
    Numbers numbers(2);
    filled.make_heights(100, numbers);
    return true;
  }();
  static_cast<void>(made);
  return filled;
}

template <class Read>
void read(benchmark::State& state, const Read& read_key) {
  Numbers numbers(3);
  const auto start = std::chrono::steady_clock::now();
  for (auto step : state) benchmark::DoNotOptimize(read_key(key_of(numbers.next() % few)));
  const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - start;
  state.counters["microseconds"] = taken.count() / static_cast<double>(state.iterations());
}

template <class Stack>
void read_latest(benchmark::State& state, const std::string& name) {
  auto& filled = with_heights<Stack>(name);
  read(state, [&](const std::string& key) { return filled.store().get(filled.tree(), key); });
}

template <class Stack>
void read_at_height(benchmark::State& state, const std::string& name) {
  auto& filled = with_heights<Stack>(name);
  const auto past = filled.store().at(Height{filled.store().latest().value - 50});
  read(state, [&](const std::string& key) { return past.get(filled.tree(), key); });
}

/// A log in front of an engine; in front of LMDB a buffer too, which it asks for.
template <class Engine>
using Log =
    std::conditional_t<std::is_same_v<Engine, LmdbAdapter>, Wal<Buffered<Engine>>, Wal<Engine>>;

template <class Stack, class Between, class... Options>
void add_writes(const std::string& what, int repetitions, std::uint64_t records,
                const Between& between, const Options&... options) {
  const std::string name = "6/history_" + what;
  std::string directory = name;
  std::replace(directory.begin(), directory.end(), '/', '.');
  const auto run = [=](benchmark::State& state) {
    write_heights<Stack>(state, directory, records, between, options...);
  };
  benchmark::RegisterBenchmark(name.c_str(), run)
      ->UseManualTime()
      ->Iterations(heights_measured)
      ->Repetitions(repetitions);
}

template <class Engine>
void add(const std::string& engine) {
  using History = Versioned<Engine, Uncommitted>;
  using Roots = Versioned<Engine>;
  const auto nothing = [](auto&) {};
  const auto prune = [](Roots& store) {
    while (store.prune_step()) {
    }
  };
  const VersionedOptions ten{.retain_heights = 10};
  const std::string heights = "heights_" + engine;
  add_writes<Engine>(heights + "/plain", 3, few, nothing);
  add_writes<History>(heights + "/history", 3, few, nothing);
  add_writes<Roots>(heights + "/roots", 3, few, nothing);
  add_writes<Roots>(heights + "/roots_pruning", 3, few, nothing, ten);
  add_writes<Roots>(heights + "/roots_pruned_between", 3, few, prune, ten);
  add_writes<Roots>("million_" + engine + "/roots", 1, many, nothing);
  add_writes<Versioned<Log<Engine>>>("million_" + engine + "/roots_logged", 1, many, nothing);
  const auto reads = [&](const std::string& name, const std::string& directory, auto* run) {
    benchmark::RegisterBenchmark(
        ("6/history_reads_" + engine + "/" + name).c_str(),
        [run, directory](benchmark::State& state) { run(state, directory); });
  };
  reads("latest_plain", "plain." + engine, &read_latest<Engine>);
  reads("latest", "read." + engine, &read_latest<History>);
  reads("at_height", "read." + engine, &read_at_height<History>);
}

[[maybe_unused]] const bool added = [] {
  add<LmdbAdapter>("lmdb");
  add<RocksAdapter>("rocksdb");
  return true;
}();

}  // namespace
