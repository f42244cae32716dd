// SPDX-License-Identifier: Apache-2.0
//
// What the state trie needs of memory and time in a store of many keys: the layer is laid over a
// store that was filled without it, which builds the first root, and then commits heights of 1000
// changes. VARVE_BENCH_KEYS says how many keys (1,000,000; the goal is below 1 GiB at 10,000,000).
//
// `own` is memory of the process itself, its peak in MiB; `resident` has the pages of files too,
// which the system takes back when it needs them: LMDB maps its whole file.
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/versioned.hpp>
#include <varve/open.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <stop_token>
#include <string>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;

std::size_t key_count() {
  if (const char* const keys = std::getenv("VARVE_BENCH_KEYS")) return std::stoul(keys);
  return std::getenv("VARVE_BENCH_QUICK") != nullptr ? 200'000 : 1'000'000;
}

/// A line of /proc/self/status, in MiB.
double mebibytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) return std::stod(line.substr(name.size() + 1)) / 1024;
  }
  return 0;
}

/// The most that is resident while it lives: all of it, and the process's own.
class Peak {
 public:
  Peak()
      : watcher_([this](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            own_ = std::max(own_, mebibytes("RssAnon"));
            all_ = std::max(all_, mebibytes("VmRSS"));
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
          }
        }) {}
  double own() {
    stop();
    return own_;
  }
  double all() {
    stop();
    return all_;
  }

 private:
  void stop() {
    watcher_.request_stop();
    if (watcher_.joinable()) watcher_.join();
  }
  double own_ = 0;
  double all_ = 0;
  std::jthread watcher_;
};

/// Entry `i` of a store, in the order of the keys: a key of 16 bytes, a value of 100.
struct Made {
  explicit Made(std::uint64_t i, std::uint64_t version) {
    for (std::size_t at = 0; at != 16; ++at) {
      key[at] = static_cast<char>(at < 8 ? i >> (56 - 8 * at) : 0);
    }
    std::memset(value, 'v', sizeof(value));
    std::memcpy(value, &i, 8);
    std::memcpy(value + 8, &version, 8);
  }
  varve::BytesView key_view() const { return {key, sizeof(key)}; }
  varve::BytesView value_view() const { return {value, sizeof(value)}; }
  char key[16];
  char value[100];
};

template <class Adapter>
void first_root(benchmark::State& state, const std::string& name) {
  const std::size_t count = key_count();
  const std::filesystem::path directory = "state_size_" + name;
  std::filesystem::remove_all(directory);
  for (auto _ : state) {
    {
      auto store = varve::open<Adapter>(directory.string());
      const varve::Tree tree = store.open_tree("accounts");
      varve::WriteBatch batch;
      for (std::uint64_t i = 0; i != count; ++i) {
        const Made made(i, 0);
        batch.put(tree, made.key_view(), made.value_view());
        if (i % 20000 != 19999 && i + 1 != count) continue;
        store.write(batch, varve::Durability::buffered);
        batch.clear();
      }
      store.flush();
    }
    Peak peak_of_build;
    const auto start = Clock::now();
    auto store = varve::open<varve::Versioned<Adapter>>(directory.string());
    state.counters["root_seconds"] = std::chrono::duration<double>(Clock::now() - start).count();
    state.counters["root_own_mib"] = peak_of_build.own();
    state.counters["root_resident_mib"] = peak_of_build.all();

    const varve::Tree tree = store.open_tree("accounts");
    std::mt19937_64 random(1);
    Peak peak;
    const auto begin = Clock::now();
    constexpr std::uint64_t heights = 100;
    for (std::uint64_t height = 1; height <= heights; ++height) {
      varve::WriteBatch batch;
      for (int i = 0; i != 1000; ++i) {
        const Made made(random() % count, height);
        batch.put(tree, made.key_view(), made.value_view());
      }
      store.write(batch);
    }
    state.counters["height_ms"] =
        std::chrono::duration<double, std::milli>(Clock::now() - begin).count() / heights;
    state.counters["own_mib"] = peak.own();
    state.counters["resident_mib"] = peak.all();
  }
  std::filesystem::remove_all(directory);
}

void on_rocksdb(benchmark::State& state) {
  first_root<varve::RocksAdapter>(state, "rocksdb");
}

void on_lmdb(benchmark::State& state) {
  first_root<varve::LmdbAdapter>(state, "lmdb");
}

}  // namespace

BENCHMARK(on_rocksdb)
    ->Name("6/state_size/rocksdb")
    ->Iterations(1)
    ->Repetitions(1)
    ->Unit(benchmark::kSecond);
BENCHMARK(on_lmdb)
    ->Name("6/state_size/lmdb")
    ->Iterations(1)
    ->Repetitions(1)
    ->Unit(benchmark::kSecond);
