// SPDX-License-Identifier: Apache-2.0
//
// The RocksDB engine beside RocksDB itself, on one store of one process. Read the kind of build
// that is printed first: Debian's library checks its own assertions, which slows scans most.
//
// VARVE_BENCH_ROWS      rows of the store that is read (1,000,000)
// VARVE_BENCH_BULK_ROWS rows of a bulk load (1,000,000)

#include <varve/adapters/rocksdb.hpp>

#include <benchmark/benchmark.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using varve::BytesView;
using varve::KeyRange;
using varve::RocksAdapter;
using varve::Tree;

constexpr std::size_t key_bytes = 16;
constexpr std::size_t value_bytes = 100;
constexpr std::size_t hot_keys = 100;
constexpr std::size_t neighbours = 32;

std::size_t from_environment(const char* name, std::size_t otherwise) {
  const char* const given = ::getenv(name);
  return given == nullptr ? otherwise : std::strtoull(given, nullptr, 10);
}

std::size_t rows() {
  static const std::size_t count = from_environment("VARVE_BENCH_ROWS", 1'000'000);
  return count;
}

std::size_t bulk_rows() {
  static const std::size_t count = from_environment("VARVE_BENCH_BULK_ROWS", 1'000'000);
  return count;
}

/// A step of a generator of 64 random bits (splitmix64).
std::uint64_t mixed(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

struct Key {
  explicit Key(std::size_t row) {
    for (std::size_t i = 0; i < key_bytes; ++i) {
      bytes[key_bytes - 1 - i] = static_cast<char>('0' + row % 10);
      row /= 10;
    }
  }
  [[nodiscard]] BytesView view() const { return {bytes.data(), bytes.size()}; }
  [[nodiscard]] rocksdb::Slice slice() const { return {bytes.data(), bytes.size()}; }

  std::array<char, key_bytes> bytes{};
};

/// Bytes that do not compress, made beforehand.
struct Value {
  static constexpr std::size_t different = 8192;

  explicit Value(std::size_t row) : start(&bytes()[row % different * value_bytes]) {}

  [[nodiscard]] BytesView view() const { return {start, value_bytes}; }
  [[nodiscard]] rocksdb::Slice slice() const { return {start, value_bytes}; }

  static const std::string& bytes() {
    static const std::string made = [] {
      std::string random;
      while (random.size() < different * value_bytes) {
        const std::uint64_t word = mixed(random.size());
        for (unsigned i = 0; i < 64; i += 8) random.push_back(static_cast<char>(word >> i));
      }
      return random;
    }();
    return made;
  }

  const char* start;
};

std::string fresh_directory(const std::string& name) {
  const std::string path = (std::filesystem::temp_directory_path() /
                            ("varve-bench-" + name + "-" + std::to_string(::getpid())))
                               .string();
  std::filesystem::remove_all(path);
  return path;
}

/// The store that is read: loaded once, all of it in table files and in the cache.
struct Store {
  Store() : directory(fresh_directory("rocksdb")), engine(directory) {
    tree = engine.open_tree("rows");
    auto loader = engine.bulk_loader(tree);
    for (std::size_t row = 0; row < rows(); ++row) loader.put(Key(row).view(), Value(row).view());
    loader.finish();
    family = engine.column_family(tree);
    for (const varve::Entry entry : engine.scan(tree, KeyRange::all())) {
      benchmark::DoNotOptimize(entry.value.data());
    }
  }

  std::string directory;
  RocksAdapter engine;
  Tree tree;
  rocksdb::ColumnFamilyHandle* family = nullptr;
};

std::optional<Store>& opened() {
  static std::optional<Store> store;
  return store;
}

Store& store() {
  if (!opened()) opened().emplace();
  return *opened();
}

/// The keys of one run, the same for every candidate.
std::vector<Key> keys_to_read(std::size_t among, std::uint64_t seed) {
  std::vector<Key> keys;
  for (std::size_t i = 0; i < 65'536; ++i) keys.emplace_back(mixed(seed + i) % among);
  return keys;
}

template <class Read>
void get_loop(benchmark::State& state, std::size_t among, Read&& read) {
  static_cast<void>(store());
  const std::vector<Key> keys = keys_to_read(among, 1);
  std::size_t i = 0;
  for (auto _ : state) {
    read(keys[i]);
    i = (i + 1) % keys.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

void get_varve(benchmark::State& state, std::size_t among) {
  const Store& read = store();
  get_loop(state, among, [&](const Key& key) {
    const auto value = read.engine.get(read.tree, key.view());
    benchmark::DoNotOptimize(value->view().data());
  });
}

void get_raw_pinnable(benchmark::State& state, std::size_t among) {
  rocksdb::DB& database = store().engine.database();
  rocksdb::ColumnFamilyHandle* const family = store().family;
  const rocksdb::ReadOptions options;
  rocksdb::PinnableSlice value;
  get_loop(state, among, [&](const Key& key) {
    value.Reset();
    if (!database.Get(options, family, key.slice(), &value).ok()) std::abort();
    benchmark::DoNotOptimize(value.data());
  });
}

void get_raw_string(benchmark::State& state, std::size_t among) {
  rocksdb::DB& database = store().engine.database();
  rocksdb::ColumnFamilyHandle* const family = store().family;
  const rocksdb::ReadOptions options;
  get_loop(state, among, [&](const Key& key) {
    std::string value;
    if (!database.Get(options, family, key.slice(), &value).ok()) std::abort();
    benchmark::DoNotOptimize(value.data());
  });
}

/// Reads runs of neighbours; the time is that of one key.
template <class Read>
void neighbours_loop(benchmark::State& state, Read&& read) {
  static_cast<void>(store());
  std::vector<std::vector<Key>> runs;
  for (std::size_t i = 0; i < 2048; ++i) {
    const std::size_t first = mixed(7 + i) % (rows() - neighbours);
    std::vector<Key> run;
    for (std::size_t j = 0; j < neighbours; ++j) run.emplace_back(first + j);
    runs.push_back(std::move(run));
  }
  std::size_t i = 0;
  while (state.KeepRunningBatch(neighbours)) {
    read(runs[i]);
    i = (i + 1) % runs.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

void multi_get_varve(benchmark::State& state) {
  const Store& read = store();
  std::array<BytesView, neighbours> keys;
  std::array<std::optional<varve::RocksPinned>, neighbours> values;
  neighbours_loop(state, [&](const std::vector<Key>& run) {
    for (std::size_t i = 0; i < neighbours; ++i) keys[i] = run[i].view();
    read.engine.multi_get(read.tree, keys, values);
    benchmark::DoNotOptimize(values.back()->view().data());
  });
}

void multi_get_by_gets(benchmark::State& state) {
  const Store& read = store();
  neighbours_loop(state, [&](const std::vector<Key>& run) {
    for (const Key& key : run) {
      const auto value = read.engine.get(read.tree, key.view());
      benchmark::DoNotOptimize(value->view().data());
    }
  });
}

void multi_get_raw(benchmark::State& state) {
  rocksdb::DB& database = store().engine.database();
  rocksdb::ColumnFamilyHandle* const family = store().family;
  const rocksdb::ReadOptions options;
  std::array<rocksdb::Slice, neighbours> keys;
  std::array<rocksdb::PinnableSlice, neighbours> values;
  std::array<rocksdb::Status, neighbours> statuses;
  neighbours_loop(state, [&](const std::vector<Key>& run) {
    for (std::size_t i = 0; i < neighbours; ++i) {
      keys[i] = run[i].slice();
      values[i].Reset();
    }
    database.MultiGet(options, family, neighbours, keys.data(), values.data(), statuses.data(),
                      true);
    benchmark::DoNotOptimize(values.back().data());
  });
}

void scan_varve(benchmark::State& state) {
  const Store& read = store();
  for (auto _ : state) {
    std::size_t bytes = 0;
    for (const varve::Entry entry : read.engine.scan(read.tree, KeyRange::all())) {
      bytes += entry.key.size() + entry.value.size();
    }
    benchmark::DoNotOptimize(bytes);
  }
  state.SetItemsProcessed(
      static_cast<std::int64_t>(static_cast<std::size_t>(state.iterations()) * rows()));
}

void scan_raw(benchmark::State& state) {
  rocksdb::DB& database = store().engine.database();
  for (auto _ : state) {
    std::size_t bytes = 0;
    const std::unique_ptr<rocksdb::Iterator> it(
        database.NewIterator(rocksdb::ReadOptions(), store().family));
    for (it->SeekToFirst(); it->Valid(); it->Next()) bytes += it->key().size() + it->value().size();
    if (!it->status().ok()) std::abort();
    benchmark::DoNotOptimize(bytes);
  }
  state.SetItemsProcessed(
      static_cast<std::int64_t>(static_cast<std::size_t>(state.iterations()) * rows()));
}

/// Loads into a new store; the time is that of the load alone, all of it on disk at the end.
template <class Load>
void load_loop(benchmark::State& state, Load&& load) {
  const std::size_t count = bulk_rows();
  for (auto _ : state) {
    state.PauseTiming();
    const std::string directory = fresh_directory("rocksdb-load");
    {
      RocksAdapter engine(directory);
      const Tree tree = engine.open_tree("rows");
      state.ResumeTiming();
      load(engine, tree, count);
      state.PauseTiming();
      if (!engine.contains(tree, Key(count - 1).view())) std::abort();
    }
    std::filesystem::remove_all(directory);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(
      static_cast<std::int64_t>(static_cast<std::size_t>(state.iterations()) * count));
  state.SetBytesProcessed(static_cast<std::int64_t>(static_cast<std::size_t>(state.iterations()) *
                                                    count * (key_bytes + value_bytes)));
}

void load_part(RocksAdapter& engine, Tree tree, std::size_t first, std::size_t last) {
  auto loader = engine.bulk_loader(tree);
  for (std::size_t row = first; row < last; ++row) loader.put(Key(row).view(), Value(row).view());
  loader.finish();
}

void load_varve_1t(benchmark::State& state) {
  load_loop(state, [](RocksAdapter& engine, Tree tree, std::size_t count) {
    load_part(engine, tree, 0, count);
  });
}

void load_varve_2t(benchmark::State& state) {
  load_loop(state, [](RocksAdapter& engine, Tree tree, std::size_t count) {
    std::thread other([&] { load_part(engine, tree, count / 2, count); });
    load_part(engine, tree, 0, count / 2);
    other.join();
  });
}

/// What a program without a bulk loader does: batches of 1000 without the log, then a flush.
void load_raw_write_batch(benchmark::State& state) {
  load_loop(state, [](RocksAdapter& engine, Tree tree, std::size_t count) {
    rocksdb::DB& database = engine.database();
    rocksdb::ColumnFamilyHandle* const family = engine.column_family(tree);
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    rocksdb::WriteBatch batch;
    for (std::size_t row = 0; row < count; ++row) {
      if (!batch.Put(family, Key(row).slice(), Value(row).slice()).ok()) std::abort();
      if (batch.Count() != 1000 && row + 1 != count) continue;
      if (!database.Write(options, &batch).ok()) std::abort();
      batch.Clear();
    }
    if (!database.Flush(rocksdb::FlushOptions(), family).ok()) std::abort();
  });
}

void load_raw_sst_writer(benchmark::State& state) {
  load_loop(state, [](RocksAdapter& engine, Tree tree, std::size_t count) {
    rocksdb::DB& database = engine.database();
    rocksdb::ColumnFamilyHandle* const family = engine.column_family(tree);
    rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), database.GetOptions(family), family);
    const std::string path = database.GetName() + "/bench.tmp";
    if (!writer.Open(path).ok()) std::abort();
    for (std::size_t row = 0; row < count; ++row) {
      if (!writer.Put(Key(row).slice(), Value(row).slice()).ok()) std::abort();
    }
    if (!writer.Finish().ok()) std::abort();
    rocksdb::IngestExternalFileOptions options;
    options.move_files = true;
    options.write_global_seqno = false;
    if (!database.IngestExternalFile(family, {path}, options).ok()) std::abort();
  });
}

const char* build_kind() {
  // Only a build with assertions has the points at which its own tests stop it.
  const char* const symbol = "_ZN7rocksdb9SyncPoint11GetInstanceEv";
  return ::dlsym(RTLD_DEFAULT, symbol) != nullptr ? "with assertions and sync points (slower)"
                                                  : "release";
}

void add_get(const std::string& name, std::size_t among) {
  benchmark::RegisterBenchmark((name + "/varve").c_str(), get_varve, among);
  benchmark::RegisterBenchmark((name + "/raw_pinnable").c_str(), get_raw_pinnable, among);
  benchmark::RegisterBenchmark((name + "/raw_string").c_str(), get_raw_string, among);
}

void add_load(const char* name, void (*run)(benchmark::State&)) {
  benchmark::RegisterBenchmark(name, run)->Unit(benchmark::kMillisecond)->UseRealTime();
}

void add_all() {
  add_get("1b/rocksdb_get_uniform", rows());
  add_get("1b/rocksdb_get_hot", hot_keys);
  benchmark::RegisterBenchmark("1c/rocksdb_multi_get32_sorted/varve", multi_get_varve);
  benchmark::RegisterBenchmark("1c/rocksdb_multi_get32_sorted/varve_get", multi_get_by_gets);
  benchmark::RegisterBenchmark("1c/rocksdb_multi_get32_sorted/raw_multiget", multi_get_raw);
  // The get of any key, beside which neighbours are to be cheap: those of varve_get are in one
  // block.
  benchmark::RegisterBenchmark("1c/rocksdb_get_any/raw_pinnable", get_raw_pinnable, rows());
  benchmark::RegisterBenchmark("5/rocksdb_scan/varve", scan_varve)->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("5/rocksdb_scan/raw_iterator", scan_raw)
      ->Unit(benchmark::kMillisecond);
  add_load("5/rocksdb_bulk_load/varve_1t", load_varve_1t);
  add_load("5/rocksdb_bulk_load/varve_2t", load_varve_2t);
  add_load("5/rocksdb_bulk_load/raw_write_batch", load_raw_write_batch);
  add_load("5/rocksdb_bulk_load/raw_sst_writer", load_raw_sst_writer);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const std::string version = std::to_string(ROCKSDB_MAJOR) + "." + std::to_string(ROCKSDB_MINOR) +
                              "." + std::to_string(ROCKSDB_PATCH);
  benchmark::AddCustomContext("rocksdb_version", version);
  benchmark::AddCustomContext("rocksdb_build", build_kind());
  add_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  if (!opened()) return 0;
  const std::string directory = opened()->directory;
  opened().reset();
  std::filesystem::remove_all(directory);
  return 0;
}
