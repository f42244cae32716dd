// SPDX-License-Identifier: Apache-2.0
//
// A migration beside what one would write by hand over the raw engine: read, convert, write, in
// batches of the same size. Records of 100 bytes; VARVE_BENCH_RECORDS sets their number.
//
// `varve` opens a store of version 1, which converts it, and verifies what was written; `by_hand`
// opens the engine and runs the loop, and verifies nothing. The run reads and converts in a thread
// of its own (RunOptions::workers), the loop does all in one. Both are closed off the clock.
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/codecs/ordered.hpp>
#include <varve/codecs/packed.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/migrations/evolving.hpp>
#include <varve/open.hpp>

#include <benchmark/benchmark.h>
#include <lmdb.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "directory.hpp"

namespace {

using namespace varve;
using varve_bench::Directory;
using Clock = std::chrono::steady_clock;

struct PaymentV1 {
  std::uint64_t number = 0;
  std::uint64_t cents = 0;
  std::string memo;
};
struct PaymentV2 {
  std::uint64_t number = 0;
  std::int64_t cents = 0;
  std::uint32_t currency = 0;
  std::string memo;
};

using Payments = RecordTree<"payments", std::uint64_t>;

struct AddCurrency : Step<1, 2> {
  static constexpr auto description = "payments have a currency";
  using Tree = Payments;
  using In = PaymentV1;
  using Out = PaymentV2;
  static Out convert(const In& old) {
    return {old.number, static_cast<std::int64_t>(old.cents), 978, old.memo};
  }
  static In invert(const Out& payment) {
    return {payment.number, static_cast<std::uint64_t>(payment.cents), payment.memo};
  }
};

using Chain = MigrationChain<AddCurrency>;
using PaymentCodec = Evolving<Chain, Payments>;

std::uint64_t records() {
  const char* const given = std::getenv("VARVE_BENCH_RECORDS");
  if (given != nullptr) return std::strtoull(given, nullptr, 10);
  return std::getenv("VARVE_BENCH_QUICK") != nullptr ? 100'000 : 5'000'000;
}

const RunOptions batches{};

std::uint64_t mixed(std::uint64_t number) {
  number += 0x9e3779b97f4a7c15U;
  number = (number ^ (number >> 30U)) * 0xbf58476d1ce4e5b9U;
  number = (number ^ (number >> 27U)) * 0x94d049bb133111ebU;
  return number ^ (number >> 31U);
}

PaymentV1 payment(std::uint64_t number) {
  // Half of the memo compresses, as texts do.
  std::string memo(80, 'm');
  for (std::size_t i = 0; i != 40; ++i) {
    memo[i] = static_cast<char>('a' + (mixed(number * 8 + i / 8) >> (8 * (i % 8))) % 26);
  }
  return {number, mixed(number) % 1'000'000, memo};
}

std::string key_of(std::uint64_t number) {
  std::string bytes;
  Ordered::encode(number, bytes);
  return bytes;
}

void must(bool held) {
  if (!held) std::abort();
}

/// A store of version 1, made once; copied for each run.
template <class Engine>
struct Source {
  Source() {
    auto store = open<Engine>(directory / "store");
    auto loader = store.bulk_loader(store.open_tree("payments"));
    std::string bytes;
    for (std::uint64_t number = 0; number != records(); ++number) {
      bytes.clear();
      Packed::encode(payment(number), bytes);
      loader.put(key_of(number), bytes);
    }
    loader.finish();
    store.flush();
  }

  static void copy_to(const std::string& path) {
    static const Source source;
    std::filesystem::copy(source.directory / "store", path,
                          std::filesystem::copy_options::recursive);
  }

  Directory directory;
};

/// Times `run(path)` on a copy of the store; what it answers is destroyed off the clock.
template <class Engine, class Run>
void on_copies(benchmark::State& state, Run run) {
  for (auto _ : state) {
    const Directory directory;
    Source<Engine>::copy_to(directory / "store");
    const auto start = Clock::now();
    const auto store = run(directory / "store");
    const std::chrono::duration<double> taken = Clock::now() - start;
    benchmark::DoNotOptimize(store);
    state.SetIterationTime(taken.count());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(records()));
}

template <class Engine>
void eager(benchmark::State& state) {
  on_copies<Engine>(state, [](const std::string& path) {
    return open<Migrated<Chain, Engine>>(path, MigratedOptions{.adopt_as = 1, .run = batches});
  });
}

/// The new form of a record, behind the version that it has.
void convert_by_hand(BytesView old, std::string& bytes) {
  bytes.assign("\x02");
  Packed::encode(AddCurrency::convert(Packed::decode<PaymentV1>(old)), bytes);
}

void by_hand_rocksdb(benchmark::State& state) {
  on_copies<RocksAdapter>(state, [](const std::string& path) {
    auto engine = open<RocksAdapter>(path);
    rocksdb::DB& database = engine.database();
    auto* const family = engine.column_family(*engine.find_tree("payments"));
    rocksdb::WriteBatch batch;
    rocksdb::WriteOptions synced;
    synced.sync = true;
    std::string bytes;
    const std::unique_ptr<rocksdb::Iterator> it(
        database.NewIterator(rocksdb::ReadOptions(), family));
    std::size_t taken = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      convert_by_hand({it->value().data(), it->value().size()}, bytes);
      must(batch.Put(family, it->key(), bytes).ok());
      if (++taken != batches.batch_records && batch.GetDataSize() < batches.batch_bytes) continue;
      must(database.Write(rocksdb::WriteOptions(), &batch).ok());
      batch.Clear();
      taken = 0;
    }
    must(it->status().ok());
    must(database.Write(synced, &batch).ok());
    return engine;
  });
}

/// The records without this library's way to keep several trees.
struct RawSource {
  struct Close {
    void operator()(MDB_env* environment) const { mdb_env_close(environment); }
  };
  using Environment = std::unique_ptr<MDB_env, Close>;

  static Environment open_environment(const std::string& path) {
    MDB_env* environment = nullptr;
    must(mdb_env_create(&environment) == MDB_SUCCESS);
    must(mdb_env_set_mapsize(environment, std::size_t{16} << 30U) == MDB_SUCCESS);
    must(mdb_env_open(environment, path.c_str(), MDB_NOMETASYNC, 0600) == MDB_SUCCESS);
    return Environment(environment);
  }

  RawSource() {
    std::filesystem::create_directories(directory / "store");
    const Environment environment = open_environment(directory / "store");
    MDB_txn* transaction = nullptr;
    MDB_dbi database = 0;
    must(mdb_txn_begin(environment.get(), nullptr, 0, &transaction) == MDB_SUCCESS);
    must(mdb_dbi_open(transaction, nullptr, 0, &database) == MDB_SUCCESS);
    std::string bytes;
    for (std::uint64_t number = 0; number != records(); ++number) {
      bytes.clear();
      Packed::encode(payment(number), bytes);
      std::string key_bytes = key_of(number);
      MDB_val key{key_bytes.size(), key_bytes.data()};
      MDB_val value{bytes.size(), bytes.data()};
      must(mdb_put(transaction, database, &key, &value, MDB_APPEND) == MDB_SUCCESS);
    }
    must(mdb_txn_commit(transaction) == MDB_SUCCESS);
  }

  static void copy_to(const std::string& path) {
    static const RawSource source;
    std::filesystem::copy(source.directory / "store", path,
                          std::filesystem::copy_options::recursive);
  }

  Directory directory;
};

/// One transaction a batch, whose cursor reads a record and writes the new one in its place.
void convert_batches(MDB_env* environment) {
  std::string bytes;
  std::string last;
  std::uint64_t all = 0;
  for (bool more = true; more;) {
    MDB_txn* transaction = nullptr;
    MDB_dbi database = 0;
    MDB_cursor* cursor = nullptr;
    must(mdb_txn_begin(environment, nullptr, 0, &transaction) == MDB_SUCCESS);
    must(mdb_dbi_open(transaction, nullptr, 0, &database) == MDB_SUCCESS);
    must(mdb_cursor_open(transaction, database, &cursor) == MDB_SUCCESS);
    MDB_val key{last.size(), last.data()};
    MDB_val value{};
    int found = mdb_cursor_get(cursor, &key, &value, last.empty() ? MDB_FIRST : MDB_SET);
    if (!last.empty() && found == MDB_SUCCESS) {
      found = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    std::size_t written = 0;
    for (std::size_t taken = 0; found == MDB_SUCCESS; ++taken) {
      if (taken == batches.batch_records || written >= batches.batch_bytes) break;
      convert_by_hand({static_cast<const char*>(value.mv_data), value.mv_size}, bytes);
      last.assign(static_cast<const char*>(key.mv_data), key.mv_size);
      written += key.mv_size + bytes.size();
      MDB_val same{last.size(), last.data()};
      MDB_val put{bytes.size(), bytes.data()};
      must(mdb_cursor_put(cursor, &same, &put, MDB_CURRENT) == MDB_SUCCESS);
      ++all;
      found = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    must(found == MDB_SUCCESS || found == MDB_NOTFOUND);
    more = found == MDB_SUCCESS;
    mdb_cursor_close(cursor);
    must(mdb_txn_commit(transaction) == MDB_SUCCESS);
  }
  must(mdb_env_sync(environment, 1) == MDB_SUCCESS);
  must(all == records());
}

void by_hand_lmdb(benchmark::State& state) {
  for (auto _ : state) {
    const Directory directory;
    RawSource::copy_to(directory / "store");
    const auto start = Clock::now();
    const auto environment = RawSource::open_environment(directory / "store");
    convert_batches(environment.get());
    const std::chrono::duration<double> taken = Clock::now() - start;
    state.SetIterationTime(taken.count());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(records()));
}

double median(std::vector<double>& of) {
  const auto middle = of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2);
  std::nth_element(of.begin(), middle, of.end());
  return *middle;
}

/// An engine that knows when it was there.
template <class Engine>
struct Clocked : Engine {
  using Engine::Engine;
  Clock::time_point made = Clock::now();
};

/// What the layer and the check of the stack cost on top of opening the engine.
template <class Engine>
void open_current(benchmark::State& state) {
  const Directory directory;
  Source<Engine>::copy_to(directory / "store");
  static_cast<void>(
      open<Migrated<Chain, Engine>>(directory / "store", MigratedOptions{.adopt_as = 1}));
  std::vector<double> milliseconds;
  for (auto _ : state) {
    const auto store = open<Migrated<Chain, Clocked<Engine>>>(directory / "store");
    const std::chrono::duration<double> taken = Clock::now() - store.next().made;
    state.SetIterationTime(taken.count());
    milliseconds.push_back(taken.count() * 1e3);
  }
  state.counters["milliseconds"] = median(milliseconds);
}

/// Old records, read as they are met; by hand and by the codec of the chain in turn. The figures
/// are medians of rounds, since a round that the system interrupts is many times as long.
void lazy_read(benchmark::State& state) {
  std::vector<std::string> old;
  for (std::uint64_t number = 0; number != 200; ++number) {
    old.emplace_back("\x01");
    Packed::encode(payment(number), old.back());
  }
  std::vector<double> by_hand;
  std::vector<double> by_chain;
  const auto nanoseconds_each = [&](Clock::duration taken) {
    return std::chrono::duration<double, std::nano>(taken).count() /
           static_cast<double>(old.size());
  };
  for (auto _ : state) {
    const auto start = Clock::now();
    for (const std::string& bytes : old) {
      const auto read = AddCurrency::convert(Packed::decode<PaymentV1>(BytesView(bytes).substr(1)));
      benchmark::DoNotOptimize(&read);
      benchmark::ClobberMemory();
    }
    const auto middle = Clock::now();
    for (const std::string& bytes : old) {
      const auto read = PaymentCodec::decode<PaymentV2>(bytes);
      benchmark::DoNotOptimize(&read);
      benchmark::ClobberMemory();
    }
    const auto end = Clock::now();
    by_hand.push_back(nanoseconds_each(middle - start));
    by_chain.push_back(nanoseconds_each(end - middle));
    state.SetIterationTime(std::chrono::duration<double>(end - middle).count());
  }
  state.counters["nanoseconds_by_hand"] = median(by_hand);
  state.counters["nanoseconds_above"] = median(by_chain) - median(by_hand);
}

BENCHMARK(eager<RocksAdapter>)
    ->Name("migrate/eager_rocksdb/varve")
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime();
BENCHMARK(by_hand_rocksdb)
    ->Name("migrate/eager_rocksdb/by_hand")
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime();
BENCHMARK(eager<LmdbAdapter>)
    ->Name("migrate/eager_lmdb/varve")
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime();
BENCHMARK(by_hand_lmdb)
    ->Name("migrate/eager_lmdb/by_hand")
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime();
BENCHMARK(open_current<RocksAdapter>)
    ->Name("migrate/open_current/rocksdb")
    ->Unit(benchmark::kMillisecond)
    ->Iterations(20)  // The time counted is a small part of what it takes to open an engine.
    ->UseManualTime();
BENCHMARK(open_current<LmdbAdapter>)
    ->Name("migrate/open_current/lmdb")
    ->Unit(benchmark::kMillisecond)
    ->Iterations(20)  // The time counted is a small part of what it takes to open an engine.
    ->UseManualTime();
BENCHMARK(lazy_read)->Name("migrate/lazy_read/varve")->UseManualTime();

}  // namespace
