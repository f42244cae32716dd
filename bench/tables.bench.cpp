// SPDX-License-Identifier: Apache-2.0
//
// Goal 4: a typed table beside the same engine with an encoding of the same struct by hand. The
// hand writes what it must: a key and a little-endian record with lengths; `typed` adds the table.
//
// VARVE_BENCH_ROWS  records that are read (100,000)

#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/codecs/packed.hpp>
#include <varve/table.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using varve::BytesView;
using varve::Durability;
using varve::LmdbAdapter;
using varve::MemoryAdapter;
using varve::RocksAdapter;
using varve::Tree;

using Hash = std::array<std::uint8_t, 32>;

struct Vertex {
  Hash id{};
  std::uint64_t height = 0;
  std::int64_t timestamp = 0;
  std::vector<Hash> parents;
  std::string payload;
  bool finalized = false;
};

using Plain = varve::Table<"plain", varve::Key<&Vertex::id>, Vertex, varve::Packed>;
using Indexed = varve::Table<"indexed", varve::Key<&Vertex::id>, Vertex, varve::Packed,
                             varve::Index<"by_height", &Vertex::height>>;

std::size_t rows() {
  static const std::size_t count = [] {
    const char* const given = std::getenv("VARVE_BENCH_ROWS");
    return given == nullptr ? std::size_t{100'000} : std::strtoull(given, nullptr, 10);
  }();
  return count;
}

std::uint64_t mixed(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

Hash hash_of(std::uint64_t number) {
  Hash hash{};
  for (std::size_t word = 0; word != 4; ++word) {
    const std::uint64_t bits = mixed(number * 4 + word);
    std::memcpy(hash.data() + 8 * word, &bits, 8);
  }
  return hash;
}

Vertex vertex(std::uint64_t number, std::size_t payload_bytes) {
  return {.id = hash_of(number),
          .height = number / 3,
          .timestamp = static_cast<std::int64_t>(number) * 10,
          .parents = {hash_of(number / 2), hash_of(number / 3)},
          .payload = std::string(payload_bytes, static_cast<char>('a' + number % 26)),
          .finalized = false};
}

// By hand

template <class Number>
void append(std::string& bytes, Number number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

BytesView key_of(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

void encode_by_hand(const Vertex& v, std::string& bytes) {
  bytes.append(key_of(v.id));
  append(bytes, v.height);
  append(bytes, v.timestamp);
  append(bytes, static_cast<std::uint32_t>(v.parents.size()));
  for (const Hash& parent : v.parents) bytes.append(key_of(parent));
  append(bytes, static_cast<std::uint32_t>(v.payload.size()));
  bytes.append(v.payload);
  append(bytes, v.finalized);
}

template <class Number>
Number take(BytesView& bytes) {
  Number number{};
  if (bytes.size() < sizeof number) std::abort();
  std::memcpy(&number, bytes.data(), sizeof number);
  bytes.remove_prefix(sizeof number);
  return number;
}

Vertex decode_by_hand(BytesView bytes) {
  Vertex v;
  v.id = take<Hash>(bytes);
  v.height = take<std::uint64_t>(bytes);
  v.timestamp = take<std::int64_t>(bytes);
  const auto parents = take<std::uint32_t>(bytes);
  if (bytes.size() < parents * sizeof(Hash)) std::abort();
  v.parents.reserve(parents);
  for (std::uint32_t i = 0; i != parents; ++i) v.parents.push_back(take<Hash>(bytes));
  const auto size = take<std::uint32_t>(bytes);
  if (bytes.size() < size) std::abort();
  v.payload = bytes.substr(0, size);
  bytes.remove_prefix(size);
  v.finalized = take<bool>(bytes);
  return v;
}

void entry_by_hand(const Vertex& v, std::string& key) {
  for (unsigned shift = 64; shift != 0; shift -= 8) {
    key.push_back(static_cast<char>(v.height >> (shift - 8)));
  }
  key.append(key_of(v.id));
}

// Stores

template <class Engine>
struct Fresh {
  Fresh() {
    if constexpr (std::constructible_from<Engine, const std::string&>) {
      static int count = 0;
      directory = (std::filesystem::temp_directory_path() /
                   ("varve-bench-tables-" + std::string(Engine::name) + std::to_string(count++)))
                      .string();
      std::filesystem::remove_all(directory);
      engine.emplace(directory);
    } else {
      engine.emplace();
    }
  }
  Fresh(const Fresh&) = delete;
  Fresh& operator=(const Fresh&) = delete;
  ~Fresh() {
    engine.reset();
    if (!directory.empty()) std::filesystem::remove_all(directory);
  }

  std::string directory;
  std::optional<Engine> engine;
};

/// The vertices that are put, made before the clock runs.
const std::vector<Vertex>& vertices() {
  static const std::vector<Vertex> all = [] {
    std::vector<Vertex> made;
    for (std::uint64_t i = 0; i != rows(); ++i) made.push_back(vertex(i, 100));
    return made;
  }();
  return all;
}

/// Puts every vertex again and again; the first round inserts.
template <class Put>
void put_all(benchmark::State& state, Put put) {
  const auto& all = vertices();
  std::size_t i = 0;
  for (auto _ : state) {
    put(all[i]);
    if (++i == all.size()) i = 0;
  }
}

template <class Engine>
void put_by_hand(benchmark::State& state) {
  Fresh<Engine> store;
  const Tree tree = store.engine->open_tree("plain");
  put_all(state, [&, batch = varve::WriteBatch(), bytes = std::string()](const Vertex& v) mutable {
    bytes.clear();
    encode_by_hand(v, bytes);
    batch.clear();
    batch.put(tree, key_of(v.id), bytes);
    store.engine->write(batch, Durability::buffered);
  });
}

template <class Engine>
void put_typed(benchmark::State& state) {
  Fresh<Engine> store;
  const typename Plain::template On<Engine> table{*store.engine};
  put_all(state, [&](const Vertex& v) { table.put(v, Durability::buffered); });
}

/// The record and its entry, without asking what they replace: what an index costs at the least.
template <class Engine>
void put_index_by_hand(benchmark::State& state) {
  Fresh<Engine> store;
  const Tree tree = store.engine->open_tree("indexed");
  const Tree index = store.engine->open_tree("indexed.by_height");
  put_all(state, [&, batch = varve::WriteBatch(), bytes = std::string(),
                  entry = std::string()](const Vertex& v) mutable {
    bytes.clear();
    entry.clear();
    encode_by_hand(v, bytes);
    entry_by_hand(v, entry);
    batch.clear();
    batch.put(tree, key_of(v.id), bytes).put(index, entry, "");
    store.engine->write(batch, Durability::buffered);
  });
}

template <class Engine>
void put_index_typed(benchmark::State& state) {
  Fresh<Engine> store;
  const typename Indexed::template On<Engine> table{*store.engine};
  put_all(state, [&](const Vertex& v) { table.put(v, Durability::buffered); });
}

/// A store with both encodings of the same records, kept for all that read.
template <class Engine, std::size_t payload_bytes>
struct Filled {
  Fresh<Engine> store;
  Tree by_hand = store.engine->open_tree("by_hand");
  Plain::On<Engine> typed{*store.engine};

  Filled() {
    varve::WriteBatch batch;
    for (std::uint64_t i = 0; i != rows(); ++i) {
      const Vertex v = vertex(i, payload_bytes);
      std::string bytes;
      encode_by_hand(v, bytes);
      batch.put(by_hand, key_of(v.id), bytes);
      typed.put(batch, v);
      if (batch.count() < 1000) continue;
      store.engine->write(batch, Durability::buffered);
      batch.clear();
    }
    store.engine->write(batch, Durability::buffered);
    store.engine->flush();
  }

  static const Filled& get() {
    static const Filled filled;
    return filled;
  }
};

/// A hundred keys that are asked for in turn, as a program asks for those that are hot.
struct HotKeys {
  std::vector<Hash> keys;
  std::size_t at = 0;
  HotKeys() {
    for (std::uint64_t i = 0; i != 100; ++i) keys.push_back(hash_of(mixed(i) % rows()));
  }
  const Hash& next() { return keys[at = (at + 1) % keys.size()]; }
};

template <class Engine>
void get_by_hand(benchmark::State& state) {
  const auto& filled = Filled<Engine, 100>::get();
  HotKeys keys;
  for (auto _ : state) {
    const auto pinned = filled.store.engine->get(filled.by_hand, key_of(keys.next()));
    benchmark::DoNotOptimize(decode_by_hand(pinned->view()));
  }
}

template <class Engine>
void get_typed(benchmark::State& state) {
  const auto& filled = Filled<Engine, 100>::get();
  HotKeys keys;
  for (auto _ : state) benchmark::DoNotOptimize(filled.typed.get(keys.next()));
}

/// A field of a record of 1 KB, and nothing else.
template <class Engine>
void view_pinned(benchmark::State& state) {
  const auto& filled = Filled<Engine, 900>::get();
  const Tree tree = filled.typed.tree();
  HotKeys keys;
  for (auto _ : state) {
    const auto pinned = filled.store.engine->get(tree, key_of(keys.next()));
    benchmark::DoNotOptimize(pinned->view().data());
  }
}

template <class Engine>
void view_typed(benchmark::State& state) {
  const auto& filled = Filled<Engine, 900>::get();
  HotKeys keys;
  for (auto _ : state) {
    const auto view = filled.typed.view(keys.next());
    benchmark::DoNotOptimize(view->template get<&Vertex::height>());
  }
}

template <class Engine>
void add(const std::string& engine) {
  const auto name = [&](const char* what, const char* candidate) {
    return std::string("4/") + what + "_" + engine + "/" + candidate;
  };
  const auto reg = [](const std::string& named, void (*run)(benchmark::State&)) {
    benchmark::RegisterBenchmark(named.c_str(), run);
  };
  reg(name("table_put", "by_hand"), put_by_hand<Engine>);
  reg(name("table_put", "typed"), put_typed<Engine>);
  reg(name("table_put_index", "by_hand"), put_index_by_hand<Engine>);
  reg(name("table_put_index", "typed"), put_index_typed<Engine>);
  reg(name("table_get", "by_hand"), get_by_hand<Engine>);
  reg(name("table_get", "typed"), get_typed<Engine>);
  reg(name("table_view", "pinned"), view_pinned<Engine>);
  reg(name("table_view", "typed"), view_typed<Engine>);
}

const bool added = [] {
  add<LmdbAdapter>("lmdb");
  add<MemoryAdapter>("memory");
  add<RocksAdapter>("rocksdb");
  return true;
}();

}  // namespace
