// SPDX-License-Identifier: Apache-2.0
// What history costs: heights of 1000 changed records on 100,000, durable, beside the same batches
// without the layer; reads at a height beside those of the latest state.
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/versioned.hpp>
#include <varve/open.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "directory.hpp"

namespace {

using namespace varve;
using varve_bench::Directory;

constexpr std::uint64_t records = 100'000;
constexpr std::uint64_t changed = 1000;

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

WriteBatch changes(Tree tree, Numbers& numbers) {
  WriteBatch batch;
  for (std::uint64_t i = 0; i != changed; ++i) {
    batch.put(tree, key_of(numbers.next() % records), value_of(numbers.next()));
  }
  return batch;
}

template <class Stack>
class Filled {
 public:
  explicit Filled(const std::string& name)
      : directory_(name), store_(open<Stack>(directory_.path())), tree_(store_.open_tree("rows")) {
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

 private:
  Directory directory_;
  Stack store_;
  Tree tree_;
};

/// Durable heights of 1000 changes. An item is a change.
template <class Stack>
void write_heights(benchmark::State& state, const std::string& name) {
  Filled<Stack> filled(name);
  Numbers numbers(1);
  std::uint64_t heights = 0;
  for (auto step : state) {
    state.PauseTiming();
    const WriteBatch batch = changes(filled.tree(), numbers);
    state.ResumeTiming();
    filled.store().write(batch);
    ++heights;
  }
  filled.store().flush();
  state.SetItemsProcessed(static_cast<std::int64_t>(heights * changed));
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
  static Filled<Stack> filled(name);
  static const bool made = [] {
    Numbers numbers(2);
    for (int i = 0; i != 100; ++i) {
      filled.store().write(changes(filled.tree(), numbers), Durability::buffered);
    }
    filled.store().flush();
    return true;
  }();
  static_cast<void>(made);
  return filled;
}

template <class Stack>
void read_latest(benchmark::State& state, const std::string& name) {
  auto& filled = with_heights<Stack>(name);
  Numbers numbers(3);
  for (auto step : state) {
    benchmark::DoNotOptimize(filled.store().get(filled.tree(), key_of(numbers.next() % records)));
  }
}

template <class Stack>
void read_at_height(benchmark::State& state, const std::string& name) {
  auto& filled = with_heights<Stack>(name);
  const auto past = filled.store().at(Height{filled.store().latest().value - 50});
  Numbers numbers(3);
  for (auto step : state) {
    benchmark::DoNotOptimize(past.get(filled.tree(), key_of(numbers.next() % records)));
  }
}

template <class Engine>
void add(const std::string& engine) {
  using History = Versioned<Engine, Uncommitted>;
  using Roots = Versioned<Engine>;
  const auto writes = [](const std::string& name, auto* run) {
    benchmark::RegisterBenchmark(name.c_str(), [run, name](benchmark::State& state) {
      std::string directory = name;
      for (char& c : directory) c = c == '/' ? '.' : c;
      run(state, directory);
    })->UseRealTime();
  };
  const std::string heights = "6/history_heights_" + engine + "/";
  const std::string reads = "6/history_reads_" + engine + "/";
  writes(heights + "plain", &write_heights<Engine>);
  writes(heights + "history", &write_heights<History>);
  writes(heights + "roots", &write_heights<Roots>);
  const auto shared = [](const std::string& name, const std::string& directory, auto* run) {
    benchmark::RegisterBenchmark(
        name.c_str(), [run, directory](benchmark::State& state) { run(state, directory); });
  };
  shared(reads + "latest_plain", "plain." + engine, &read_latest<Engine>);
  shared(reads + "latest", "read." + engine, &read_latest<History>);
  shared(reads + "at_height", "read." + engine, &read_at_height<History>);
}

[[maybe_unused]] const bool added = [] {
  add<LmdbAdapter>("lmdb");
  add<RocksAdapter>("rocksdb");
  return true;
}();

}  // namespace
