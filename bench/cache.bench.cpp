// SPDX-License-Identifier: Apache-2.0
//
// What a hit costs, what an entry takes, and what a cache in front of an engine brings: Cached
// beside a list with a hash table and a mutex, the caches of RocksDB and of LevelDB, and none.
// Keys of 16 bytes, values of 100, copied out.
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/cached.hpp>
#include <varve/open.hpp>

#include <benchmark/benchmark.h>
#include <rocksdb/cache.h>

#include <malloc.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "directory.hpp"
#include "traces.hpp"

namespace {

using namespace varve;
using varve_bench::Directory;

constexpr std::size_t key_bytes = 16;
constexpr std::size_t value_bytes = 100;
constexpr std::size_t payload = key_bytes + value_bytes;
constexpr std::size_t entries = 131'072;
constexpr std::size_t hot_keys = 100;
constexpr std::size_t rows = 1'000'000;

using KeyBytes = std::array<char, key_bytes>;
using ValueBytes = std::array<char, value_bytes>;

KeyBytes key_of(std::size_t row) {
  KeyBytes key;
  for (std::size_t i = key_bytes; i-- != 0; row /= 10) key[i] = static_cast<char>('0' + row % 10);
  return key;
}

BytesView view(const KeyBytes& key) {
  return {key.data(), key.size()};
}

std::string value_of(std::size_t row) {
  std::string value(value_bytes, '\0');
  std::uint64_t state = row * 0x9e3779b97f4a7c15U + 1;
  for (char& byte : value) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<char>(state >> 56U);
  }
  return value;
}

/// What one writes first: a hash table of keys, a list by the time of use, a lock around both.
class ListLru {
 public:
  explicit ListLru(std::size_t capacity) : capacity_(capacity) {}

  std::optional<std::string> get(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto at = index_.find(key);
    if (at == index_.end()) return std::nullopt;
    order_.splice(order_.begin(), order_, at->second);
    return at->second->second;
  }

  bool get(BytesView key, ValueBytes& out) {
    const std::optional<std::string> value = get(std::string(key));
    if (!value) return false;
    std::memcpy(out.data(), value->data(), value_bytes);
    return true;
  }

  void put(BytesView key, BytesView value) {
    const std::lock_guard lock(mutex_);
    if (order_.size() == capacity_) {
      index_.erase(order_.back().first);
      order_.pop_back();
    }
    order_.emplace_front(key, value);
    index_.insert_or_assign(order_.front().first, order_.begin());
  }

 private:
  using Order = std::list<std::pair<std::string, std::string>>;

  std::size_t capacity_;
  std::mutex mutex_;
  Order order_;
  std::unordered_map<std::string, Order::iterator> index_;
};

/// The same with a pen sharpened: no memory from the heap for a hit, each key kept once.
class LeanListLru {
 public:
  explicit LeanListLru(std::size_t capacity) : capacity_(capacity) {}

  bool get(BytesView key, ValueBytes& out) {
    const std::lock_guard lock(mutex_);
    const auto at = index_.find(key);
    if (at == index_.end()) return false;
    order_.splice(order_.begin(), order_, at->second);
    std::memcpy(out.data(), at->second->second.data(), value_bytes);
    return true;
  }

  void put(BytesView key, BytesView value) {
    const std::lock_guard lock(mutex_);
    if (index_.find(key) != index_.end()) return;
    if (order_.size() == capacity_) {
      index_.erase(order_.back().first);
      order_.pop_back();
    }
    order_.emplace_front(key, value);
    index_.emplace(order_.front().first, order_.begin());
  }

 private:
  using Order = std::list<std::pair<std::string, std::string>>;

  std::size_t capacity_;
  std::mutex mutex_;
  Order order_;
  std::unordered_map<std::string_view, Order::iterator> index_;
};

/// A cache of blocks of RocksDB, used as a cache of values.
class RocksCache {
 public:
  explicit RocksCache(std::shared_ptr<rocksdb::Cache> cache) : cache_(std::move(cache)) {}

  bool get(BytesView key, ValueBytes& out) {
    rocksdb::Cache::Handle* const found = cache_->Lookup({key.data(), key.size()});
    if (found == nullptr) return false;
    std::memcpy(out.data(), static_cast<std::string*>(cache_->Value(found))->data(), value_bytes);
    cache_->Release(found);
    return true;
  }

  void put(BytesView key, BytesView value) {
    auto made = std::make_unique<std::string>(value);
    const auto remove = [](const rocksdb::Slice&, void* old) {
      delete static_cast<std::string*>(old);
    };
    const rocksdb::Status status =
        cache_->Insert({key.data(), key.size()}, made.get(), payload, remove);
    if (status.ok()) static_cast<void>(made.release());
  }

 private:
  std::shared_ptr<rocksdb::Cache> cache_;
};

/// Cached over an engine in memory that holds all that is asked for.
class VarveCache {
 public:
  explicit VarveCache(std::size_t capacity)
      : store_(open<Cached<MemoryAdapter>>(options(capacity))), tree_(store_.open_tree("rows")) {}

  static CachedOptions options(std::size_t capacity) {
    return {
        .capacity_bytes = capacity * (payload + 16), .entry_bytes = payload, .large_percent = 0};
  }

  bool get(BytesView key, ValueBytes& out) {
    const auto value = store_.get(tree_, key);
    if (!value) return false;
    std::memcpy(out.data(), value->view().data(), value_bytes);
    return true;
  }

  void put(BytesView key, BytesView value) {
    store_.write(WriteBatch().put(tree_, key, value));
    static_cast<void>(store_.get(tree_, key));
  }

  [[nodiscard]] CacheStatistics statistics() const { return store_.statistics(); }

 private:
  Cached<MemoryAdapter> store_;
  Tree tree_;
};

/// The candidates, each made once and full of what is asked for.
template <class Cache>
Cache& filled(std::size_t keys, auto make) {
  static std::unordered_map<std::size_t, std::unique_ptr<Cache>> made;
  std::unique_ptr<Cache>& cache = made[keys];
  if (!cache) {
    cache = make();
    for (std::size_t row = 0; row != keys; ++row) cache->put(view(key_of(row)), value_of(row));
  }
  return *cache;
}

template <class Cache, class Make>
void add_hit(const std::string& name, std::size_t keys, Make make) {
  const auto run = [=](benchmark::State& state) {
    static std::mutex making;
    Cache& cache = [&]() -> Cache& {
      const std::lock_guard lock(making);
      return filled<Cache>(keys, make);
    }();
    std::vector<KeyBytes> asked;
    std::mt19937_64 random(static_cast<std::uint64_t>(state.thread_index()) + 1);
    std::uniform_int_distribution<std::size_t> any(0, keys - 1);
    for (std::size_t i = 0; i != 65'536; ++i) asked.push_back(key_of(any(random)));
    std::size_t at = 0;
    std::size_t found = 0;
    ValueBytes value;
    for (auto _ : state) {
      found += cache.get(view(asked[at]), value) ? 1U : 0U;
      benchmark::DoNotOptimize(value);
      at = at + 1 == asked.size() ? 0 : at + 1;
    }
    state.SetItemsProcessed(state.iterations());
    state.counters["hit_rate"] =
        benchmark::Counter(static_cast<double>(found) / static_cast<double>(state.iterations()),
                           benchmark::Counter::kAvgThreads);
  };
  for (const int threads : {1, 2}) {
    benchmark::RegisterBenchmark(name.c_str(), run)->Threads(threads)->UseRealTime();
  }
}

void add_hits(const std::string& name, std::size_t keys) {
  add_hit<VarveCache>(name + "/varve", keys,
                      [] { return std::make_unique<VarveCache>(2 * entries); });
  add_hit<ListLru>(name + "/list_lru", keys, [] { return std::make_unique<ListLru>(2 * entries); });
  add_hit<LeanListLru>(name + "/list_lru_lean", keys,
                       [] { return std::make_unique<LeanListLru>(2 * entries); });
  struct RocksLru : RocksCache {
    using RocksCache::RocksCache;
  };
  add_hit<RocksCache>(name + "/rocksdb_hyper_clock", keys, [] {
    return std::make_unique<RocksCache>(
        rocksdb::HyperClockCacheOptions(2 * entries * payload, payload).MakeSharedCache());
  });
  add_hit<RocksLru>(name + "/rocksdb_lru", keys, [] {
    return std::make_unique<RocksLru>(rocksdb::NewLRUCache(2 * entries * payload));
  });
}

/// What the process has taken from the heap.
std::size_t heap_bytes() {
  const struct mallinfo2 now = ::mallinfo2();
  return now.uordblks + now.hblkhd;
}

/// Bytes an entry beyond its key and value. Cached counts its own, all memory that it takes; of
/// the others it is what the heap grew by.
void overhead_of_varve(benchmark::State& state) {
  for (auto _ : state) {
    VarveCache cache(entries);
    for (std::size_t row = 0; row != 4 * entries; ++row)
      cache.put(view(key_of(row)), value_of(row));
    const CacheStatistics now = cache.statistics();
    state.counters["bytes_above_payload"] =
        static_cast<double>(now.bytes) / static_cast<double>(now.entries) - payload;
    state.counters["entries"] = static_cast<double>(now.entries);
  }
}

template <class Cache>
void overhead(benchmark::State& state, const std::function<std::unique_ptr<Cache>()>& make) {
  for (auto _ : state) {
    const std::size_t before = heap_bytes();
    const std::unique_ptr<Cache> cache = make();
    for (std::size_t row = 0; row != entries; ++row) cache->put(view(key_of(row)), value_of(row));
    state.counters["bytes_above_payload"] =
        (static_cast<double>(heap_bytes()) - static_cast<double>(before)) / entries - payload;
  }
}

/// 1,000,000 rows, all of them in table files or pages, and in the system's memory.
template <class Stack, class... Options>
struct Store {
  explicit Store(const std::string& name, Options... options)
      : directory(name + "-" + std::string(lowest_t<Stack>::name)),
        stack(open<Stack>(directory.path(), options...)),
        tree(stack.open_tree("rows")) {
    if constexpr (BulkLoadEngine<Stack>) {
      auto loader = stack.bulk_loader(tree);
      for (std::size_t row = 0; row != rows; ++row) loader.put(view(key_of(row)), value_of(row));
      loader.finish();
    } else {
      WriteBatch batch;
      for (std::size_t row = 0; row != rows; ++row)
        batch.put(tree, view(key_of(row)), value_of(row));
      stack.write(batch);
    }
    for (const Entry entry : stack.scan(tree, KeyRange::all())) {
      benchmark::DoNotOptimize(entry.value.data());
    }
  }

  Directory directory;
  Stack stack;
  Tree tree;
};

const std::vector<KeyBytes>& zipf_requests() {
  static const std::vector<KeyBytes> requests = [] {
    const varve_bench::Zipf zipf(rows, 0.99);
    const std::vector<std::uint32_t> order = varve_bench::shuffled(rows, 1);
    std::mt19937_64 random(1);
    std::vector<KeyBytes> made(std::size_t{1} << 22U);
    for (KeyBytes& key : made) key = key_of(order[zipf(random)]);
    return made;
  }();
  return requests;
}

template <class Get>
void ask(benchmark::State& state, std::size_t& at, Get get) {
  const std::vector<KeyBytes>& requests = zipf_requests();
  ValueBytes value;
  for (auto _ : state) {
    if (!get(view(requests[at]), value)) state.SkipWithError("a row is not there");
    benchmark::DoNotOptimize(value);
    at = (at + 1) % requests.size();
  }
  state.SetItemsProcessed(state.iterations());
}

template <class Stack>
bool copy_out(Stack& stack, Tree tree, BytesView key, ValueBytes& out) {
  const auto value = stack.get(tree, key);
  if (!value) return false;
  std::memcpy(out.data(), value->view().data(), value_bytes);
  return true;
}

/// Each goes on with the requests where its last repetition stopped; before the first it is warm.
template <class Engine>
void add_zipf(const std::string& name) {
  constexpr std::size_t warm_requests = 1'000'000;
  using Bare = Store<Engine>;
  using WithCache = Store<Cached<Engine>, CachedOptions>;
  struct WithList : Bare {
    using Bare::Bare;
    ListLru list{entries};
    bool get(BytesView key, ValueBytes& out) {
      if (list.get(key, out)) return true;
      if (!copy_out(this->stack, this->tree, key, out)) return false;
      list.put(key, {out.data(), out.size()});
      return true;
    }
  };
  const auto warm = [](auto get) {
    ValueBytes value;
    for (std::size_t i = 0; i != warm_requests; ++i) get(view(zipf_requests()[i]), value);
  };
  benchmark::RegisterBenchmark((name + "/raw").c_str(), [](benchmark::State& state) {
    static Bare store("raw");
    static std::size_t at = 0;
    ask(state, at,
        [](BytesView key, ValueBytes& out) { return copy_out(store.stack, store.tree, key, out); });
  })->UseRealTime();
  benchmark::RegisterBenchmark((name + "/varve").c_str(), [warm](benchmark::State& state) {
    static WithCache store("cached", VarveCache::options(entries));
    static std::size_t at = 0;
    const auto get = [](BytesView key, ValueBytes& out) {
      return copy_out(store.stack, store.tree, key, out);
    };
    if (at == 0) warm(get);
    const CacheStatistics before = store.stack.statistics();
    ask(state, at, get);
    const CacheStatistics after = store.stack.statistics();
    state.counters["hit_rate"] =
        static_cast<double>(after.hits - before.hits) /
        static_cast<double>(after.hits + after.misses - before.hits - before.misses);
    state.counters["entries"] = static_cast<double>(after.entries);
  })->UseRealTime();
  benchmark::RegisterBenchmark((name + "/list_lru").c_str(), [warm](benchmark::State& state) {
    static WithList store("list");
    static std::size_t at = 0;
    const auto get = [](BytesView key, ValueBytes& out) { return store.get(key, out); };
    if (at == 0) warm(get);
    ask(state, at, get);
  })->UseRealTime();
}

const bool registered = [] {
  add_hits("2/hit_hot", hot_keys);
  add_hits("2/hit_spread", entries);
  add_zipf<RocksAdapter>("2/zipf_rocksdb");
  add_zipf<LmdbAdapter>("2/zipf_lmdb");
  const auto once = [](benchmark::internal::Benchmark* one) {
    one->Iterations(1)->Repetitions(1)->Unit(benchmark::kMillisecond);
  };
  once(benchmark::RegisterBenchmark("2/overhead/varve", overhead_of_varve));
  once(benchmark::RegisterBenchmark("2/overhead/list_lru", [](benchmark::State& state) {
    overhead<ListLru>(state, [] { return std::make_unique<ListLru>(entries); });
  }));
  once(benchmark::RegisterBenchmark("2/overhead/rocksdb_hyper_clock", [](benchmark::State& state) {
    overhead<RocksCache>(state, [] {
      return std::make_unique<RocksCache>(
          rocksdb::HyperClockCacheOptions(2 * entries * payload, payload).MakeSharedCache());
    });
  }));
  return true;
}();

}  // namespace
