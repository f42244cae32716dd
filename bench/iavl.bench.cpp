// SPDX-License-Identifier: Apache-2.0
//
// The mixed workload of cosmos/iavl-bench's small profile: three stores of a chain, of which each
// height updates, adds and removes records; a state root each height, on disk when it returns. An
// item is one such operation, as they count them. 300 heights by default; VARVE_IAVL_HEIGHTS=10000
// runs all of them, and VARVE_IAVL_SPREAD=1 draws the lengths from their normal distributions
// (values of the bank 100 +- 1200 bytes, of staking 12263 +- 22967, of lockup 1936 +- 29261) where
// else each is of the mean length.
//
// Their generator: a store begins with 35,000 records. A height does `changes` less the deletes as
// updates, a quarter (lockup: 0.29) of `changes` as deletes, as many creates, and so many creates
// more that the store reaches its final size after 200,000 heights. Which operation comes next is
// drawn among those that are left; updates and deletes take any record that is there.
#include "directory.hpp"

#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/buffered.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/versioned.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace varve;
using varve_bench::Directory;

struct Lengths {
  double mean;
  double deviation;
};

struct StoreShape {
  const char* name;
  Lengths key;
  Lengths value;
  std::size_t final_size;
  std::size_t changes;
  double deletes;
};

constexpr std::size_t initial_size = 35'000;
constexpr std::size_t growing_heights = 200'000;
constexpr std::array<StoreShape, 3> shapes{
    StoreShape{"bank", {56, 3}, {100, 1200}, 2'200'200, 1840, 0.25},
    StoreShape{"staking", {24, 2}, {12263, 22967}, 1'600'696, 304, 0.25},
    StoreShape{"lockup", {56, 3}, {1936, 29261}, 2'600'200, 362, 0.29}};

std::size_t number_of(const char* variable, std::size_t otherwise) {
  const char* const text = std::getenv(variable);
  return text != nullptr ? static_cast<std::size_t>(std::strtoull(text, nullptr, 10)) : otherwise;
}

/// What the heights do, the same in every run.
class Workload {
 public:
  explicit Workload(const std::array<Tree, shapes.size()>& trees)
      : trees_(trees), spread_(number_of("VARVE_IAVL_SPREAD", 0) != 0) {}

  /// The first height, `some` of each store's records at a time; false when there are no more.
  bool fill(WriteBatch& batch, std::size_t some) {
    for (std::size_t store = 0; store != shapes.size(); ++store) {
      for (std::size_t i = 0; i != some && keys_[store].size() != initial_size; ++i) {
        create(store, batch);
      }
    }
    return !batch.empty();
  }

  /// One height. Answers how many operations it has.
  std::size_t next(WriteBatch& batch) {
    std::array<std::array<std::size_t, 3>, shapes.size()> left{};
    for (std::size_t store = 0; store != shapes.size(); ++store) {
      const StoreShape& shape = shapes[store];
      const auto deletes =
          static_cast<std::size_t>(shape.deletes * static_cast<double>(shape.changes));
      growth_[store] += static_cast<double>(shape.final_size - initial_size) /
                        static_cast<double>(growing_heights - 1);
      const auto grown = static_cast<std::size_t>(growth_[store]);
      growth_[store] -= static_cast<double>(grown);
      left[store] = {deletes + grown, shape.changes - deletes, deletes};
    }
    std::size_t done = 0;
    for (;; ++done) {
      std::vector<std::size_t> stores;
      for (std::size_t store = 0; store != shapes.size(); ++store) {
        if (left[store] != std::array<std::size_t, 3>{}) stores.push_back(store);
      }
      if (stores.empty()) return done;
      const std::size_t store = stores[below(stores.size())];
      std::vector<std::size_t> kinds;
      for (std::size_t kind = 0; kind != 3; ++kind) {
        if (left[store][kind] != 0) kinds.push_back(kind);
      }
      const std::size_t kind = kinds[below(kinds.size())];
      --left[store][kind];
      if (kind == 0) {
        create(store, batch);
      } else if (kind == 1) {
        batch.put(trees_[store], keys_[store][below(keys_[store].size())],
                  bytes(shapes[store].value));
      } else {
        std::string& key = keys_[store][below(keys_[store].size())];
        batch.erase(trees_[store], key);
        key.swap(keys_[store].back());
        keys_[store].pop_back();
      }
    }
  }

 private:
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }

  void create(std::size_t store, WriteBatch& batch) {
    std::string key = bytes(shapes[store].key);
    batch.put(trees_[store], key, bytes(shapes[store].value));
    keys_[store].push_back(std::move(key));
  }

  std::string bytes(const Lengths& lengths) {
    double length = lengths.mean;
    if (spread_) {
      length += normal_(random_) * lengths.deviation;
      if (length < 1) length = lengths.mean + normal_(random_) * lengths.mean / 3;
    }
    std::string made(std::max<std::size_t>(1, static_cast<std::size_t>(std::max(length, 1.0))),
                     '\0');
    std::size_t at = 0;
    for (; at + 8 <= made.size(); at += 8) {
      const std::uint64_t word = random_();
      std::memcpy(made.data() + at, &word, 8);
    }
    for (; at != made.size(); ++at) made[at] = static_cast<char>(random_());
    return made;
  }

  std::array<Tree, shapes.size()> trees_;
  bool spread_;
  std::mt19937_64 random_{0};
  std::normal_distribution<double> normal_;
  std::array<std::vector<std::string>, shapes.size()> keys_;
  std::array<double, shapes.size()> growth_{};
};

/// Of this thread, in seconds.
double processor_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// What the process holds in megabytes: by itself, and with the files that it has mapped.
struct Memory {
  double own = 0;
  double all = 0;

  static Memory now() {
    Memory memory;
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
      double kilobytes = 0;
      if (word == "RssAnon:" && status >> kilobytes) memory.own = kilobytes / 1000;
      if (word == "VmRSS:" && status >> kilobytes) memory.all = kilobytes / 1000;
    }
    return memory;
  }
};

template <class Stack, class... Options>
void run(benchmark::State& state, const std::string& name, const Options&... options) {
  using Clock = std::chrono::steady_clock;
  const std::size_t heights = number_of("VARVE_IAVL_HEIGHTS", 300);
  std::size_t operations = 0;
  double seconds = 0;
  double processor = 0;
  for (auto step : state) {
    const Directory directory(name);
    auto store = open<Stack>(directory.path(), options...);
    Workload workload({store.open_tree(shapes[0].name), store.open_tree(shapes[1].name),
                       store.open_tree(shapes[2].name)});
    WriteBatch batch;
    for (; workload.fill(batch, 1000); batch.clear()) store.write(batch, Durability::buffered);
    store.flush();
    Memory most;
    std::vector<double> milliseconds;
    for (std::size_t height = 0; height != heights; ++height) {
      batch.clear();
      operations += workload.next(batch);
      const double before = processor_time();
      const auto start = Clock::now();
      store.write(batch);
      const std::chrono::duration<double> taken = Clock::now() - start;
      seconds += taken.count();
      processor += processor_time() - before;
      milliseconds.push_back(1000 * taken.count());
      const Memory now = Memory::now();
      most = {std::max(most.own, now.own), std::max(most.all, now.all)};
      if (height % 1000 == 999) {
        std::fprintf(stderr,
                     "%s: %zu heights, %.0f operations/s, %.0f MB of memory, %.0f on disk\n",
                     name.c_str(), height + 1, static_cast<double>(operations) / seconds, now.own,
                     static_cast<double>(store.size_on_disk()) / 1e6);
      }
    }
    state.SetIterationTime(seconds);
    std::sort(milliseconds.begin(), milliseconds.end());
    state.counters["median_ms"] = milliseconds[milliseconds.size() / 2];
    state.counters["processor_ms"] = 1000 * processor / static_cast<double>(heights);
    state.counters["p99_ms"] = milliseconds[milliseconds.size() * 99 / 100];
    state.counters["memory_mb"] = most.own;
    state.counters["with_mapped_mb"] = most.all;
    state.counters["disk_mb"] = static_cast<double>(store.size_on_disk()) / 1e6;
    state.counters["heights"] = static_cast<double>(heights);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(operations));
  state.counters["operations_s"] = static_cast<double>(operations) / seconds;
}

/// Values from a kilobyte on go to files of their own and are not rewritten with their keys.
RocksOptions values_apart() {
  return {.block_cache_bytes = std::size_t{128} << 20U,
          .tune = [](rocksdb::DBOptions&, rocksdb::ColumnFamilyOptions& family) {
            family.enable_blob_files = true;
            family.min_blob_size = 1024;
            family.enable_blob_garbage_collection = true;
          }};
}

[[maybe_unused]] const bool added = [] {
  using Rocks = Versioned<Cached<Wal<RocksAdapter>>>;
  using Lmdb = Versioned<Cached<LmdbAdapter>>;
  using BufferedLmdb = Versioned<Cached<Wal<Buffered<LmdbAdapter>>>>;
  const auto add = [](const std::string& name, auto body) {
    benchmark::RegisterBenchmark(("6/iavl/" + name).c_str(), body)
        ->UseManualTime()
        ->Iterations(1)
        ->Repetitions(1);
  };
  add("rocksdb",
      [](benchmark::State& state) { run<Rocks>(state, "iavl.rocksdb", values_apart()); });
  add("lmdb", [](benchmark::State& state) { run<Lmdb>(state, "iavl.lmdb"); });
  add("lmdb_buffered",
      [](benchmark::State& state) { run<BufferedLmdb>(state, "iavl.lmdb_buffered"); });
  return true;
}();

}  // namespace
