// SPDX-License-Identifier: Apache-2.0
//
// The LMDB engine beside LMDB itself, in two stores with the same rows in one process. The raw one
// is as a program has it that uses LMDB directly: one named database and no catalogue.
//
// VARVE_BENCH_ROWS      rows of the store that is read (1,000,000)
// VARVE_BENCH_BULK_ROWS rows of a bulk load (1,000,000)

#include <varve/adapters/lmdb.hpp>

#include <benchmark/benchmark.h>
#include <lmdb.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using varve::BytesView;
using varve::KeyRange;
using varve::LmdbAdapter;
using varve::Tree;

constexpr std::size_t key_bytes = 16;
constexpr std::size_t value_bytes = 100;
constexpr std::size_t hot_keys = 100;
constexpr std::size_t map_bytes = std::size_t{1} << 36U;

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

  std::array<char, key_bytes> bytes{};
};

/// Bytes that do not compress.
struct Value {
  explicit Value(std::size_t row) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < value_bytes; ++i) {
      if (i % 8 == 0) word = mixed(row * 16 + i);
      bytes[i] = static_cast<char>(word >> (8 * (i % 8)));
    }
  }
  [[nodiscard]] BytesView view() const { return {bytes.data(), bytes.size()}; }

  std::array<char, value_bytes> bytes{};
};

MDB_val to_value(BytesView bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())};
}

void must(int code) {
  if (code == MDB_SUCCESS) return;
  std::fprintf(stderr, "%s\n", mdb_strerror(code));
  std::abort();
}

std::string fresh_directory(const std::string& name) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("varve-bench-" + name)).string();
  std::filesystem::remove_all(path);
  return path;
}

/// LMDB as a program has it that uses it directly, with one named database.
class Raw {
 public:
  explicit Raw(std::string directory) : directory_(std::move(directory)) {
    std::filesystem::create_directories(directory_);
    must(mdb_env_create(&environment_));
    must(mdb_env_set_mapsize(environment_, map_bytes));
    must(mdb_env_set_maxdbs(environment_, 1));
    must(mdb_env_open(environment_, directory_.c_str(), MDB_NOTLS, 0600));
    MDB_txn* const transaction = begin(0);
    must(mdb_dbi_open(transaction, "rows", MDB_CREATE, &database_));
    must(mdb_txn_commit(transaction));
  }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;
  ~Raw() {
    mdb_env_close(environment_);
    std::filesystem::remove_all(directory_);
  }

  [[nodiscard]] MDB_txn* begin(unsigned flags) const {
    MDB_txn* transaction = nullptr;
    must(mdb_txn_begin(environment_, nullptr, flags, &transaction));
    return transaction;
  }

  [[nodiscard]] MDB_dbi database() const { return database_; }

  /// One transaction of appends.
  void load(std::size_t count) const {
    MDB_txn* const transaction = begin(0);
    MDB_cursor* cursor = nullptr;
    must(mdb_cursor_open(transaction, database_, &cursor));
    for (std::size_t row = 0; row < count; ++row) {
      const Key key(row);
      const Value value(row);
      MDB_val key_value = to_value(key.view());
      MDB_val value_value = to_value(value.view());
      must(mdb_cursor_put(cursor, &key_value, &value_value, MDB_APPEND));
    }
    mdb_cursor_close(cursor);
    must(mdb_txn_commit(transaction));
  }

 private:
  std::string directory_;
  MDB_env* environment_ = nullptr;
  MDB_dbi database_ = 0;
};

void load_varve(LmdbAdapter& engine, Tree tree, std::size_t count) {
  auto loader = engine.bulk_loader(tree);
  for (std::size_t row = 0; row < count; ++row) loader.put(Key(row).view(), Value(row).view());
  loader.finish();
}

/// The two stores that are read, with the same rows, loaded once.
struct Stores {
  Stores()
      : directory(fresh_directory("lmdb")), engine(directory), raw(fresh_directory("lmdb-raw")) {
    tree = engine.open_tree("rows");
    load_varve(engine, tree, rows());
    raw.load(rows());
  }

  std::string directory;
  LmdbAdapter engine;
  Tree tree;
  Raw raw;
};

std::optional<Stores>& opened() {
  static std::optional<Stores> stores;
  return stores;
}

const Stores& stores() {
  return *opened();
}

/// The keys of one run, the same for every candidate.
std::vector<Key> keys_to_read(std::size_t among, int thread) {
  std::vector<Key> keys;
  const std::uint64_t seed = static_cast<std::uint64_t>(thread) << 32U;
  for (std::size_t i = 0; i < 65'536; ++i) keys.emplace_back(mixed(seed + i) % among);
  return keys;
}

template <class Read>
void get_loop(benchmark::State& state, std::size_t among, Read&& read) {
  const std::vector<Key> keys = keys_to_read(among, state.thread_index());
  std::size_t i = 0;
  for (auto _ : state) {
    read(keys[i]);
    i = (i + 1) % keys.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

void get_varve(benchmark::State& state, std::size_t among) {
  const LmdbAdapter& engine = stores().engine;
  const Tree tree = stores().tree;
  get_loop(state, among, [&](const Key& key) {
    const auto value = engine.get(tree, key.view());
    benchmark::DoNotOptimize(value->view().data());
  });
}

void get_raw_renew(benchmark::State& state, std::size_t among) {
  MDB_txn* const transaction = stores().raw.begin(MDB_RDONLY);
  const MDB_dbi database = stores().raw.database();
  mdb_txn_reset(transaction);
  get_loop(state, among, [&](const Key& key) {
    MDB_val wanted = to_value(key.view());
    MDB_val value;
    must(mdb_txn_renew(transaction));
    must(mdb_get(transaction, database, &wanted, &value));
    benchmark::DoNotOptimize(value.mv_data);
    mdb_txn_reset(transaction);
  });
  mdb_txn_abort(transaction);
}

void get_raw_begin(benchmark::State& state, std::size_t among) {
  const MDB_dbi database = stores().raw.database();
  get_loop(state, among, [&](const Key& key) {
    MDB_val wanted = to_value(key.view());
    MDB_val value;
    MDB_txn* const transaction = stores().raw.begin(MDB_RDONLY);
    must(mdb_get(transaction, database, &wanted, &value));
    benchmark::DoNotOptimize(value.mv_data);
    mdb_txn_abort(transaction);
  });
}

void scan_varve(benchmark::State& state) {
  for (auto _ : state) {
    std::size_t bytes = 0;
    for (const varve::Entry entry : stores().engine.scan(stores().tree, KeyRange::all())) {
      bytes += entry.key.size() + entry.value.size();
    }
    benchmark::DoNotOptimize(bytes);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(rows()));
}

void scan_raw(benchmark::State& state) {
  for (auto _ : state) {
    std::size_t bytes = 0;
    MDB_txn* const transaction = stores().raw.begin(MDB_RDONLY);
    MDB_cursor* cursor = nullptr;
    must(mdb_cursor_open(transaction, stores().raw.database(), &cursor));
    MDB_val key;
    MDB_val value;
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS) {
      bytes += key.mv_size + value.mv_size;
    }
    mdb_cursor_close(cursor);
    mdb_txn_abort(transaction);
    benchmark::DoNotOptimize(bytes);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(rows()));
}

/// Loads into a new store; the time is that of the load alone, all of it on disk at the end.
void set_load_counters(benchmark::State& state) {
  const std::size_t items = static_cast<std::size_t>(state.iterations()) * bulk_rows();
  state.SetItemsProcessed(static_cast<std::int64_t>(items));
  state.SetBytesProcessed(static_cast<std::int64_t>(items * (key_bytes + value_bytes)));
}

void bulk_load_varve(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    const std::string directory = fresh_directory("lmdb-load");
    {
      LmdbAdapter engine(directory);
      const Tree tree = engine.open_tree("rows");
      state.ResumeTiming();
      load_varve(engine, tree, bulk_rows());
      state.PauseTiming();
    }
    std::filesystem::remove_all(directory);
    state.ResumeTiming();
  }
  set_load_counters(state);
}

void bulk_load_raw(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    {
      const Raw raw(fresh_directory("lmdb-load-raw"));
      state.ResumeTiming();
      raw.load(bulk_rows());
      state.PauseTiming();
    }
    state.ResumeTiming();
  }
  set_load_counters(state);
}

void add_get(const std::string& name, std::size_t among, int threads) {
  const std::pair<const char*, void (*)(benchmark::State&, std::size_t)> candidates[] = {
      {"/varve", get_varve}, {"/raw_renew", get_raw_renew}, {"/raw_begin", get_raw_begin}};
  for (const auto& [candidate, run] : candidates) {
    auto* const added = benchmark::RegisterBenchmark((name + candidate).c_str(), run, among);
    if (threads > 1) added->Threads(threads)->UseRealTime();
  }
}

void add_whole(const char* name, void (*run)(benchmark::State&)) {
  benchmark::RegisterBenchmark(name, run)->Unit(benchmark::kMillisecond)->UseRealTime();
}

void add_all() {
  add_get("1b/lmdb_get_hot", hot_keys, 1);
  add_get("1b/lmdb_get_hot", hot_keys, 2);
  add_get("1b/lmdb_get_uniform", rows(), 1);
  add_whole("5/lmdb_scan/varve", scan_varve);
  add_whole("5/lmdb_scan/raw_cursor", scan_raw);
  add_whole("5/lmdb_bulk_load/varve", bulk_load_varve);
  add_whole("5/lmdb_bulk_load/raw_append", bulk_load_raw);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::AddCustomContext("lmdb_version", mdb_version(nullptr, nullptr, nullptr));
  opened().emplace();
  const std::string directory = stores().directory;
  add_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  opened().reset();
  std::filesystem::remove_all(directory);
  return 0;
}
