// SPDX-License-Identifier: Apache-2.0
//
// Goal 1d: the memory engine beside std::map and absl::btree_map, on a million keys of 16 random
// bytes with values of 100 bytes.
#include <varve/adapters/memory.hpp>

#include <benchmark/benchmark.h>
#include <absl/container/btree_map.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace {

using varve::BytesView;
using varve::KeyRange;
using varve::MemoryAdapter;
using varve::MemoryOptions;
using varve::MemoryPinned;
using varve::Tree;
using varve::WriteBatch;

constexpr std::size_t entry_count = 1'000'000;
constexpr std::size_t key_bytes = 16;
constexpr std::size_t value_bytes = 100;
constexpr std::size_t payload_bytes = entry_count * (key_bytes + value_bytes);

using StdMap = std::map<std::string, std::string>;
using AbslBtree = absl::btree_map<std::string, std::string>;

/// The keys in the order of their insertion, in one block, so that reading them costs all
/// candidates the same.
class Keys {
 public:
  explicit Keys(std::uint64_t seed) : bytes_(entry_count * key_bytes, '\0') {
    std::mt19937_64 random(seed);
    for (char& byte : bytes_) byte = static_cast<char>(random());
  }
  [[nodiscard]] BytesView operator[](std::size_t i) const noexcept {
    return BytesView(bytes_).substr(i * key_bytes, key_bytes);
  }

 private:
  std::string bytes_;
};

const Keys& keys() {
  static const Keys the_keys(1);
  return the_keys;
}

/// The keys in the order in which they are asked for.
const Keys& asked() {
  static const Keys shuffled = [] {
    Keys order(2);
    std::vector<std::size_t> places(entry_count);
    for (std::size_t i = 0; i != entry_count; ++i) places[i] = i;
    std::shuffle(places.begin(), places.end(), std::mt19937_64(3));
    for (std::size_t i = 0; i != entry_count; ++i) {
      std::copy_n(keys()[places[i]].data(), key_bytes, const_cast<char*>(order[i].data()));
    }
    return order;
  }();
  return shuffled;
}

const std::vector<BytesView>& sorted() {
  static const std::vector<BytesView> in_order = [] {
    std::vector<BytesView> all;
    for (std::size_t i = 0; i != entry_count; ++i) all.push_back(keys()[i]);
    std::sort(all.begin(), all.end());
    return all;
  }();
  return in_order;
}

const std::string& value() {
  static const std::string bytes(value_bytes, 'v');
  return bytes;
}

template <class Map>
struct Reference {
  Map map;

  void put(BytesView key) { map.insert_or_assign(std::string(key), value()); }
  [[nodiscard]] std::size_t get(BytesView key) const {
    // As their users write it: no copy of the key where the map takes a view of it.
    thread_local std::string owned;
    owned.assign(key);
    return static_cast<unsigned char>(map.find(owned)->second[50]);
  }
  [[nodiscard]] std::size_t scan() const {
    std::size_t sum = 0;
    for (const auto& [key, held] : map) sum += static_cast<unsigned char>(held[50]) + key.size();
    return sum;
  }
};

struct Varve {
  explicit Varve(MemoryOptions options = {}) : engine(options), tree(engine.open_tree("t")) {}

  MemoryAdapter engine;
  Tree tree;

  void put(BytesView key) {
    batch.clear();
    batch.put(tree, key, value());
    engine.write(batch);
  }
  [[nodiscard]] std::size_t get(BytesView key) const {
    return static_cast<unsigned char>(engine.get(tree, key)->view()[50]);
  }
  [[nodiscard]] std::size_t scan() const {
    std::size_t sum = 0;
    for (const varve::Entry entry : engine.scan(tree, KeyRange::all())) {
      sum += static_cast<unsigned char>(entry.value[50]) + entry.key.size();
    }
    return sum;
  }

  WriteBatch batch;
};

template <class T, class... Args>
std::unique_ptr<T> filled(Args... args) {
  auto store = std::make_unique<T>(args...);
  for (std::size_t i = 0; i != entry_count; ++i) store->put(keys()[i]);
  return store;
}

Reference<StdMap>& std_map() {
  static const auto store = filled<Reference<StdMap>>();
  return *store;
}
Reference<AbslBtree>& absl_btree() {
  static const auto store = filled<Reference<AbslBtree>>();
  return *store;
}
Varve& varve_store() {
  static const auto store = filled<Varve>();
  return *store;
}
Varve& varve_scalar() {
  static const auto store = filled<Varve>(MemoryOptions{.max_vector_bits = 0});
  return *store;
}
Varve& varve_avx2() {
  static const auto store = filled<Varve>(MemoryOptions{.max_vector_bits = 256});
  return *store;
}
Varve& varve_loaded() {
  static const auto store = [] {
    auto made = std::make_unique<Varve>();
    auto loader = made->engine.bulk_loader(made->tree);
    for (const BytesView key : sorted()) loader.put(key, value());
    loader.finish();
    return made;
  }();
  return *store;
}

template <auto store>
void get(benchmark::State& state) {
  const auto& reader = store();
  const Keys& wanted = asked();
  std::size_t i = static_cast<std::size_t>(state.thread_index()) * (entry_count / 2);
  std::size_t sum = 0;
  for (auto _ : state) {
    sum += reader.get(wanted[i]);
    if (++i == entry_count) i = 0;
  }
  benchmark::DoNotOptimize(sum);
}

/// What a key costs where the next is not known before the value of the last.
template <auto store>
void get_dependent(benchmark::State& state) {
  const auto& reader = store();
  const Keys& wanted = asked();
  std::size_t i = 0;
  for (auto _ : state) {
    i += 1 + reader.get(wanted[i]) - 'v';
    if (i == entry_count) i = 0;
  }
  benchmark::DoNotOptimize(i);
}

template <auto store>
void multi_get16(benchmark::State& state) {
  const Varve& reader = store();
  std::vector<BytesView> wanted;
  for (std::size_t i = 0; i != entry_count; ++i) wanted.push_back(asked()[i]);
  std::vector<std::optional<MemoryPinned>> values(16);
  std::size_t i = 0;
  std::size_t sum = 0;
  // One iteration is one key, as for `get`.
  while (state.KeepRunningBatch(16)) {
    reader.engine.multi_get(reader.tree, std::span(wanted).subspan(i, 16), values);
    for (const auto& held : values) sum += static_cast<unsigned char>(held->view()[50]);
    i += 16;
    if (i == entry_count) i = 0;
  }
  benchmark::DoNotOptimize(sum);
}

template <auto store>
void get_for_multi_get(benchmark::State& state) {
  get<store>(state);
}

template <auto store>
void scan(benchmark::State& state) {
  const auto& reader = store();
  std::size_t sum = 0;
  // One iteration is one entry.
  while (state.KeepRunningBatch(entry_count)) sum += reader.scan();
  benchmark::DoNotOptimize(sum);
}

void get_while_writing(benchmark::State& state) {
  Varve& store = varve_store();
  std::atomic<bool> done{false};
  std::uint64_t written = 0;
  std::thread writer([&] {
    WriteBatch batch;
    for (std::size_t i = 0; !done.load(std::memory_order_relaxed); ++written) {
      batch.clear();
      batch.put(store.tree, keys()[i], value());
      store.engine.write(batch);
      i = (i + 7919) % entry_count;
    }
  });
  get<varve_store>(state);
  done = true;
  writer.join();
  state.counters["writes"] =
      benchmark::Counter(static_cast<double>(written), benchmark::Counter::kIsRate);
}

template <class Store>
void insert_random(benchmark::State& state) {
  while (state.KeepRunningBatch(entry_count)) {
    auto store = filled<Store>();
    state.PauseTiming();
    store.reset();
    state.ResumeTiming();
  }
}

template <class Store>
void insert_sorted(benchmark::State& state) {
  const auto& in_order = sorted();
  while (state.KeepRunningBatch(entry_count)) {
    auto store = std::make_unique<Store>();
    for (const BytesView key : in_order) store->put(key);
    state.PauseTiming();
    store.reset();
    state.ResumeTiming();
  }
}

void insert_random_batched(benchmark::State& state) {
  WriteBatch batch;
  while (state.KeepRunningBatch(entry_count)) {
    auto store = std::make_unique<Varve>();
    for (std::size_t i = 0; i != entry_count; ++i) {
      batch.put(store->tree, keys()[i], value());
      if (batch.count() != 1000) continue;
      store->engine.write(batch);
      batch.clear();
    }
    state.PauseTiming();
    store.reset();
    state.ResumeTiming();
  }
}

void bulk_load(benchmark::State& state) {
  const auto& in_order = sorted();
  while (state.KeepRunningBatch(entry_count)) {
    auto store = std::make_unique<Varve>();
    auto loader = store->engine.bulk_loader(store->tree);
    for (const BytesView key : in_order) loader.put(key, value());
    loader.finish();
    state.PauseTiming();
    store.reset();
    state.ResumeTiming();
  }
}

double overhead(std::uint64_t bytes) {
  return (static_cast<double>(bytes) - static_cast<double>(payload_bytes)) /
         static_cast<double>(entry_count);
}

std::uint64_t heap_bytes() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

template <class Map>
void bytes_of_map(benchmark::State& state) {
  for (auto _ : state) {
    const std::uint64_t before = heap_bytes();
    const auto store = filled<Reference<Map>>();
    state.counters["bytes_above_payload"] = overhead(heap_bytes() - before);
  }
}

template <auto store>
void bytes_of_varve(benchmark::State& state) {
  for (auto _ : state) {
    state.counters["bytes_above_payload"] = overhead(store().engine.memory_bytes());
  }
}

}  // namespace

BENCHMARK(get<std_map>)->Name("1d/get/std_map");
BENCHMARK(get<absl_btree>)->Name("1d/get/absl_btree");
BENCHMARK(get<varve_store>)->Name("1d/get/varve");
BENCHMARK(get<varve_avx2>)->Name("1d/get/varve_avx2");
BENCHMARK(get<varve_scalar>)->Name("1d/get/varve_scalar");
BENCHMARK(get<varve_loaded>)->Name("1d/get/varve_bulk_loaded");
BENCHMARK(get_dependent<std_map>)->Name("1d/get_dependent/std_map");
BENCHMARK(get_dependent<absl_btree>)->Name("1d/get_dependent/absl_btree");
BENCHMARK(get_dependent<varve_store>)->Name("1d/get_dependent/varve");
BENCHMARK(get_for_multi_get<std_map>)->Name("1d/multi_get16/std_map");
BENCHMARK(multi_get16<varve_store>)->Name("1d/multi_get16/varve");
BENCHMARK(multi_get16<varve_avx2>)->Name("1d/multi_get16/varve_avx2");
BENCHMARK(multi_get16<varve_scalar>)->Name("1d/multi_get16/varve_scalar");
BENCHMARK(multi_get16<varve_loaded>)->Name("1d/multi_get16/varve_bulk_loaded");
BENCHMARK(scan<std_map>)->Name("1d/scan/std_map");
BENCHMARK(scan<absl_btree>)->Name("1d/scan/absl_btree");
BENCHMARK(scan<varve_store>)->Name("1d/scan/varve");
BENCHMARK(scan<varve_loaded>)->Name("1d/scan/varve_bulk_loaded");
BENCHMARK(get<std_map>)->Name("1d/get_2_threads/std_map")->Threads(2)->UseRealTime();
BENCHMARK(get<varve_store>)->Name("1d/get_2_threads/varve")->Threads(2)->UseRealTime();
BENCHMARK(get_while_writing)->Name("1d/get_while_writing/varve");
BENCHMARK(insert_random<Reference<StdMap>>)->Name("1d/insert_random/std_map");
BENCHMARK(insert_random<Reference<AbslBtree>>)->Name("1d/insert_random/absl_btree");
BENCHMARK(insert_random<Varve>)->Name("1d/insert_random/varve");
BENCHMARK(insert_random_batched)->Name("1d/insert_random/varve_batches_of_1000");
BENCHMARK(insert_sorted<Reference<StdMap>>)->Name("1d/insert_sorted/std_map");
BENCHMARK(insert_sorted<Reference<AbslBtree>>)->Name("1d/insert_sorted/absl_btree");
BENCHMARK(insert_sorted<Varve>)->Name("1d/insert_sorted/varve");
BENCHMARK(bulk_load)->Name("1d/insert_sorted/varve_bulk_loader");
BENCHMARK(bytes_of_map<StdMap>)->Name("1d/bytes/std_map")->Iterations(1);
BENCHMARK(bytes_of_map<AbslBtree>)->Name("1d/bytes/absl_btree")->Iterations(1);
BENCHMARK(bytes_of_varve<varve_store>)->Name("1d/bytes/varve")->Iterations(1);
BENCHMARK(bytes_of_varve<varve_loaded>)->Name("1d/bytes/varve_bulk_loaded")->Iterations(1);
