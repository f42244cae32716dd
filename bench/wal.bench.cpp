// SPDX-License-Identifier: Apache-2.0
// Durable commits of one record of 128 bytes, by 1 to 64 threads that each wait for their own, and
// of 100 records: Wal over engines, beside the engines' own logs and the disk's own serial limit.
// The time that a log takes to be read again, beside RocksDB's.
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/buffered.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>

#include <benchmark/benchmark.h>

#if defined(VARVE_BENCH_LEVELDB)
#include <leveldb/db.h>
#include <leveldb/write_batch.h>
#endif

#include <lmdb.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "directory.hpp"

namespace {

using namespace varve;
using varve_bench::Directory;

#if defined(VARVE_BENCH_LEVELDB)
/// As much of LevelDB as the benchmarks need.
class LevelDb {
 public:
  explicit LevelDb(const std::string& directory) {
    leveldb::Options options;
    options.create_if_missing = true;
    leveldb::DB* db = nullptr;
    good_ = leveldb::DB::Open(options, directory, &db).ok();
    db_.reset(db);
  }

  [[nodiscard]] static Tree open_tree(BytesView) { return {}; }

  void write(const WriteBatch& batch, Durability) {
    leveldb::WriteBatch all;
    for (const WriteOp op : batch) {
      all.Put({op.key.data(), op.key.size()}, {op.value.data(), op.value.size()});
    }
    leveldb::WriteOptions options;
    options.sync = true;
    good_ = good_ && db_->Write(options, &all).ok();
    if (!good_) std::abort();
  }

 private:
  std::unique_ptr<leveldb::DB> db_;
  bool good_ = false;
};
#endif

/// A transaction of LMDB for each batch, without the groups that `LmdbAdapter` makes of them.
class RawLmdb {
 public:
  explicit RawLmdb(const std::string& directory) {
    std::filesystem::create_directories(directory);
    MDB_txn* txn = nullptr;
    check(mdb_env_create(&env_));
    check(mdb_env_set_mapsize(env_, std::size_t{16} << 30U));
    check(mdb_env_open(env_, directory.c_str(), 0, 0600));
    check(mdb_txn_begin(env_, nullptr, 0, &txn));
    check(mdb_dbi_open(txn, nullptr, 0, &rows_));
    check(mdb_txn_commit(txn));
  }
  ~RawLmdb() { mdb_env_close(env_); }
  RawLmdb(const RawLmdb&) = delete;
  RawLmdb& operator=(const RawLmdb&) = delete;

  [[nodiscard]] static Tree open_tree(BytesView) { return {}; }

  void write(const WriteBatch& batch, Durability) {
    MDB_txn* txn = nullptr;
    check(mdb_txn_begin(env_, nullptr, 0, &txn));
    for (const WriteOp op : batch) {
      MDB_val key{op.key.size(), const_cast<char*>(op.key.data())};
      MDB_val value{op.value.size(), const_cast<char*>(op.value.data())};
      check(mdb_put(txn, rows_, &key, &value, 0));
    }
    check(mdb_txn_commit(txn));
  }

 private:
  static void check(int code) {
    if (code != MDB_SUCCESS) std::abort();
  }

  MDB_env* env_ = nullptr;
  MDB_dbi rows_ = 0;
};

/// A store that all threads of a benchmark share. The first of them makes it and the last ends it.
template <class Stack>
struct Shared {
  explicit Shared(const std::string& name) : directory(name), store(make(directory.path())) {}

  static Stack make(const std::string& path) {
    if constexpr (KvEngine<Stack>) {
      return open<Stack>(path);
    } else {
      return Stack(path);
    }
  }

  Directory directory;
  Stack store;
  Tree tree = store.open_tree("rows");

  static inline std::unique_ptr<Shared> now;
};

/// The key of a record; no two are the same.
class Keys {
 public:
  explicit Keys(int thread) : number_(static_cast<std::uint64_t>(thread) << 40U) {}

  [[nodiscard]] BytesView next() {
    const std::uint64_t scattered = ++number_ * 0x9e3779b97f4a7c15U;
    std::memcpy(key_, &scattered, 8);
    std::memcpy(key_ + 8, &number_, 8);
    return BytesView(key_, sizeof key_);
  }

 private:
  std::uint64_t number_;
  char key_[16] = {};
};

template <class Stack>
void commit(benchmark::State& state, const std::string& candidate, int records) {
  using Clock = std::chrono::steady_clock;
  if (state.thread_index() == 0) Shared<Stack>::now = std::make_unique<Shared<Stack>>(candidate);
  Keys keys(state.thread_index());
  const std::string value(112, 'v');
  std::vector<double> times;
  for (auto _ : state) {
    auto& shared = *Shared<Stack>::now;
    WriteBatch batch;
    for (int i = 0; i < records; ++i) batch.put(shared.tree, keys.next(), value);
    const auto start = Clock::now();
    shared.store.write(batch, Durability::synced);
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  if (!times.empty()) {
    state.counters["p50_us"] =
        benchmark::Counter(times[times.size() / 2], benchmark::Counter::kAvgThreads);
    state.counters["p99_us"] =
        benchmark::Counter(times[times.size() * 99 / 100], benchmark::Counter::kAvgThreads);
  }
  state.SetItemsProcessed(state.iterations() * records);
  if (state.thread_index() == 0) Shared<Stack>::now.reset();
}

/// Opens a store whose last records are in its log only.
template <class Stack>
void recover(benchmark::State& state, const std::string& candidate) {
  constexpr int records = 300'000;
  const Directory sample("sample." + candidate);
  {
    auto store = open<Stack>(sample.path());
    const Tree tree = store.open_tree("rows");
    Keys keys(0);
    const std::string value(112, 'v');
    WriteBatch batch;
    for (int i = 0; i < records; ++i) {
      batch.clear();
      store.write(batch.put(tree, keys.next(), value),
                  i + 1 == records ? Durability::synced : Durability::buffered);
    }
  }
  for (auto _ : state) {
    const Directory copy(candidate);
    std::filesystem::copy(sample.path(), copy.path(), std::filesystem::copy_options::recursive);
    const auto start = std::chrono::steady_clock::now();
    auto store = open<Stack>(copy.path());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    state.SetIterationTime(took.count());
    if (!store.get(*store.find_tree("rows"), Keys(0).next()))
      state.SkipWithError("records are lost");
  }
  state.SetItemsProcessed(state.iterations() * records);
  state.SetBytesProcessed(state.iterations() * records * 128);
}

/// One block of 4 KiB after another onto zeros that are on disk, past the page cache.
void disk_limit(benchmark::State& state) {
  constexpr std::size_t block = 4096;
  constexpr std::size_t blocks = 4096;
  struct Free {
    void operator()(char* memory) const noexcept { std::free(memory); }
  };
  const std::unique_ptr<char, Free> bytes(static_cast<char*>(std::aligned_alloc(block, block)));
  std::memset(bytes.get(), 0, block);
  const char* const path = "varve-wal-bench.disk";
  const int file = ::open(path, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);
  bool good = file >= 0;
  for (std::size_t i = 0; good && i < blocks; ++i) {
    good = ::write(file, bytes.get(), block) == static_cast<ssize_t>(block);
  }
  good = good && ::fsync(file) == 0;
  ::close(file);
  const int through = ::open(path, O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC);
  std::memset(bytes.get(), 'v', block);
  std::size_t at = 0;
  for (auto _ : state) {
    const off_t offset = static_cast<off_t>(at++ % blocks * block);
    good = good && ::pwrite(through, bytes.get(), block, offset) == static_cast<ssize_t>(block);
  }
  ::close(through);
  ::unlink(path);
  if (!good) state.SkipWithError("the file system has no O_DIRECT");
  state.SetItemsProcessed(state.iterations());
}

template <class Stack>
void add(const char* candidate) {
  const auto add_case = [&](const std::string& name, int records, int threads) {
    benchmark::RegisterBenchmark(
        (name + candidate).c_str(),
        [=](benchmark::State& state) { commit<Stack>(state, candidate, records); })
        ->Threads(threads)
        ->UseRealTime();
  };
  for (const int threads : {1, 4, 16, 64}) add_case("3/durable_commit/", 1, threads);
  add_case("3/batch100/", 100, 1);
}

template <class Stack>
void add_recovery(const char* candidate) {
  const std::string name = std::string("3/recovery/") + candidate;
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) { recover<Stack>(state, candidate); })
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

const bool registered = [] {
  add<Wal<RocksAdapter>>("varve_rocksdb");
  add<Wal<Buffered<LmdbAdapter>>>("varve_lmdb");
  add<Wal<MemoryAdapter>>("varve_memory");
  add<RocksAdapter>("rocksdb_sync");
  add<LmdbAdapter>("lmdb_sync");
  add<RawLmdb>("lmdb_raw");
#if defined(VARVE_BENCH_LEVELDB)
  add<LevelDb>("leveldb_sync");
#endif
  benchmark::RegisterBenchmark("3/durable_commit/disk", disk_limit)->Threads(1)->UseRealTime();
  add_recovery<Wal<MemoryAdapter>>("varve");
  add_recovery<RocksAdapter>("rocksdb_reopen");
  return true;
}();

}  // namespace
