// SPDX-License-Identifier: Apache-2.0
// Moves between engines and loads of unsorted input, each beside what a user would write by hand.
// 16-byte keys, 100-byte values; VARVE_BENCH_RECORDS sets their number.
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/operations.hpp>
#include <varve/tools/copy.hpp>
#include <varve/tools/sorting_loader.hpp>

#include <benchmark/benchmark.h>
#include <lmdb.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "directory.hpp"

namespace {

using namespace varve;
using varve_bench::Directory;

constexpr std::size_t key_bytes = 16;
constexpr std::size_t value_bytes = 100;

std::uint64_t records() {
  const char* const given = std::getenv("VARVE_BENCH_RECORDS");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 1'000'000;
}

std::uint64_t mixed(std::uint64_t number) {
  number += 0x9e3779b97f4a7c15U;
  number = (number ^ (number >> 30U)) * 0xbf58476d1ce4e5b9U;
  number = (number ^ (number >> 27U)) * 0x94d049bb133111ebU;
  return number ^ (number >> 31U);
}

std::string key_of(std::uint64_t number) {
  std::string key(key_bytes, '0');
  for (auto at = key.rbegin(); number != 0; ++at, number /= 10) {
    *at = static_cast<char>('0' + number % 10);
  }
  return key;
}

/// Half of it compresses, as values of real stores do.
std::string value_of(std::uint64_t number) {
  std::string value(value_bytes, 'v');
  for (std::size_t i = 0; i < value_bytes / 2; ++i) {
    if (i % 8 == 0) number = mixed(number);
    value[i] = static_cast<char>(number >> (8 * (i % 8)));
  }
  return value;
}

void must(bool held) {
  if (!held) std::abort();
}

void count_bytes(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(records() * (key_bytes + value_bytes)));
}

/// A store of `records()` records, made once.
template <class Engine>
struct Source {
  Source() : engine(std::make_unique<Engine>(directory / "source")), tree(engine->open_tree("t")) {
    auto loader = engine->bulk_loader(tree);
    for (std::uint64_t i = 0; i < records(); ++i) loader.put(key_of(i), value_of(i));
    loader.finish();
  }

  static Source& get() {
    static Source source;
    return source;
  }

  Directory directory;
  std::unique_ptr<Engine> engine;
  Tree tree;
};

/// Runs `fill(engine, tree)` on a fresh engine, timed without opening and closing it.
template <class Engine, class Fill>
void into_fresh(benchmark::State& state, Fill fill) {
  for (auto _ : state) {
    state.PauseTiming();
    {
      Directory directory;
      Engine engine(directory / "target");
      const Tree tree = engine.open_tree("t");
      state.ResumeTiming();
      fill(engine, tree);
      state.PauseTiming();
    }
    state.ResumeTiming();
  }
  count_bytes(state);
}

template <class From, class To>
void copy(benchmark::State& state) {
  auto& source = Source<From>::get();
  into_fresh<To>(state,
                 [&](To& to, Tree tree) { copy_tree(*source.engine, source.tree, to, tree); });
}

/// The loop that one would write: read an entry, load an entry.
template <class From, class To>
void copy_naively(benchmark::State& state) {
  auto& source = Source<From>::get();
  into_fresh<To>(state, [&](To& to, Tree tree) {
    auto loader = to.bulk_loader(tree);
    for (const Entry entry : source.engine->scan(source.tree, KeyRange::all())) {
      loader.put(entry.key, entry.value);
    }
    loader.finish();
  });
}

/// The same without this library: RocksDB's iterator, LMDB's append, one thread and transaction.
void copy_raw(benchmark::State& state) {
  auto& source = Source<RocksAdapter>::get();
  for (auto _ : state) {
    state.PauseTiming();
    {
      const Directory directory;
      std::filesystem::create_directories(directory / "target");
      MDB_env* environment = nullptr;
      must(mdb_env_create(&environment) == MDB_SUCCESS);
      must(mdb_env_set_mapsize(environment, std::size_t{16} << 30U) == MDB_SUCCESS);
      must(mdb_env_open(environment, (directory / "target").c_str(), 0, 0600) == MDB_SUCCESS);
      state.ResumeTiming();
      MDB_txn* transaction = nullptr;
      MDB_dbi database = 0;
      must(mdb_txn_begin(environment, nullptr, 0, &transaction) == MDB_SUCCESS);
      must(mdb_dbi_open(transaction, nullptr, 0, &database) == MDB_SUCCESS);
      const std::unique_ptr<rocksdb::Iterator> it(source.engine->database().NewIterator(
          rocksdb::ReadOptions(), source.engine->column_family(source.tree)));
      for (it->SeekToFirst(); it->Valid(); it->Next()) {
        MDB_val key{it->key().size(), const_cast<char*>(it->key().data())};
        MDB_val value{it->value().size(), const_cast<char*>(it->value().data())};
        must(mdb_put(transaction, database, &key, &value, MDB_APPEND) == MDB_SUCCESS);
      }
      must(it->status().ok());
      must(mdb_txn_commit(transaction) == MDB_SUCCESS);
      state.PauseTiming();
      mdb_env_close(environment);
    }
    state.ResumeTiming();
  }
  count_bytes(state);
}

/// A copy of a whole store within its engine; `make(source, path)` leaves it on disk.
template <class Engine, class Make>
void checkpoint_loop(benchmark::State& state, Make make) {
  auto& source = Source<Engine>::get();
  source.engine->flush();
  for (auto _ : state) {
    state.PauseTiming();
    {
      const Directory directory;
      state.ResumeTiming();
      make(source, directory / "copy");
      state.PauseTiming();
    }
    state.ResumeTiming();
  }
  count_bytes(state);
}

template <class Engine>
void checkpoint(benchmark::State& state) {
  checkpoint_loop<Engine>(
      state, [](auto& source, const std::string& path) { source.engine->checkpoint(path); });
}

void sync(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  must(file >= 0);
  must(::fsync(file) == 0);
  must(::close(file) == 0);
}

void copy_by_lmdb(benchmark::State& state) {
  checkpoint_loop<LmdbAdapter>(state, [](auto& source, const std::string& path) {
    std::filesystem::create_directories(path);
    must(mdb_env_copy2(source.engine->environment(), path.c_str(), 0) == MDB_SUCCESS);
    sync(path + "/data.mdb");
    sync(path);
    sync(path + "/..");
  });
}

void copy_files(benchmark::State& state) {
  checkpoint_loop<RocksAdapter>(state, [](auto& source, const std::string& path) {
    std::filesystem::copy(source.directory / "source", path);
    for (const auto& file : std::filesystem::directory_iterator(path)) sync(file.path());
    sync(path);
    sync(path + "/..");
  });
}

/// The loader alone, fed from memory: what writing costs without any reading.
template <class To>
void load_alone(benchmark::State& state) {
  RecordBlock block;
  for (std::uint64_t i = 0; i < records(); ++i) block.add(key_of(i), value_of(i));
  into_fresh<To>(state, [&](To& to, Tree tree) {
    auto loader = to.bulk_loader(tree);
    for (auto reader = block.read(); reader.valid(); reader.next()) {
      loader.put(reader.entry().key, reader.entry().value);
    }
    loader.finish();
  });
}

/// The scan alone: what reading costs without any writing.
template <class From>
void scan_alone(benchmark::State& state) {
  auto& source = Source<From>::get();
  for (auto _ : state) {
    std::size_t bytes = 0;
    for (const Entry entry : source.engine->scan(source.tree, KeyRange::all())) {
      bytes += entry.key.size() + entry.value.size();
    }
    benchmark::DoNotOptimize(bytes);
  }
  count_bytes(state);
}

/// Keys in random order, as they come from outside.
RecordBlock unsorted() {
  RecordBlock block;
  for (std::uint64_t i = 0; i < records(); ++i) block.add(key_of(mixed(i) >> 16U), value_of(i));
  return block;
}

void unsorted_sorting_loader(benchmark::State& state) {
  const RecordBlock block = unsorted();
  const Directory runs;
  into_fresh<RocksAdapter>(state, [&](RocksAdapter& to, Tree tree) {
    SortingLoader loader(to, tree,
                         {.directory = runs / "runs", .memory_bytes = std::size_t{64} << 20U});
    for (auto reader = block.read(); reader.valid(); reader.next()) {
      loader.put(reader.entry().key, reader.entry().value);
    }
    loader.finish();
  });
}

void unsorted_write_batch(benchmark::State& state) {
  const RecordBlock block = unsorted();
  into_fresh<RocksAdapter>(state, [&](RocksAdapter& to, Tree tree) {
    WriteBatch batch;
    for (auto reader = block.read(); reader.valid(); reader.next()) {
      batch.put(tree, reader.entry().key, reader.entry().value);
      if (batch.count() < 1000) continue;
      to.write(batch, Durability::buffered);
      batch.clear();
    }
    to.write(batch, Durability::buffered);
    to.flush();
  });
}

BENCHMARK(copy<LmdbAdapter, RocksAdapter>)
    ->Name("5/copy_lmdb_rocksdb/varve")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(copy_naively<LmdbAdapter, RocksAdapter>)
    ->Name("5/copy_lmdb_rocksdb/naive")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(load_alone<RocksAdapter>)
    ->Name("5/copy_lmdb_rocksdb/load_alone")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(copy<RocksAdapter, LmdbAdapter>)
    ->Name("5/copy_rocksdb_lmdb/varve")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(copy_naively<RocksAdapter, LmdbAdapter>)
    ->Name("5/copy_rocksdb_lmdb/loader_without_pipe")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(copy_raw)
    ->Name("5/copy_rocksdb_lmdb/naive")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(load_alone<LmdbAdapter>)
    ->Name("5/copy_rocksdb_lmdb/load_alone")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(scan_alone<RocksAdapter>)
    ->Name("5/copy_rocksdb_lmdb/scan_alone")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(checkpoint<LmdbAdapter>)
    ->Name("5/copy_lmdb_lmdb/varve")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(copy_by_lmdb)
    ->Name("5/copy_lmdb_lmdb/mdb_env_copy2")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(checkpoint<RocksAdapter>)
    ->Name("5/copy_rocksdb_rocksdb/varve")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(copy_files)
    ->Name("5/copy_rocksdb_rocksdb/file_copy")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(unsorted_sorting_loader)
    ->Name("5/unsorted_load/varve")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(unsorted_write_batch)
    ->Name("5/unsorted_load/write_batch")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
