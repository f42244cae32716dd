// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

// The sanitizers replace operator new themselves.
#if !VARVE_SANITIZED
namespace {

std::atomic<std::uint64_t> allocations{0};

}  // namespace

// Not inlined: the compiler would see free() meet operator new.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size);
}
#endif

namespace {

using namespace varve;
using varve_test::TempDirectory;

void put(LmdbAdapter& store, Tree tree, BytesView key, BytesView value) {
  WriteBatch batch;
  batch.put(tree, key, value);
  store.write(batch, Durability::buffered);
}

std::string read(const auto& reader, Tree tree, BytesView key) {
  const auto value = reader.get(tree, key);
  return value ? std::string(value->view()) : "(absent)";
}

/// Catch's assertions are for one thread; others count what went wrong.
class Faults {
 public:
  void expect(bool good) noexcept {
    if (!good) count_.fetch_add(1);
  }
  [[nodiscard]] int count() const noexcept { return count_; }

 private:
  std::atomic<int> count_{0};
};

template <class Body>
void run_threads(int count, Body body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

#if !VARVE_SANITIZED
TEST_CASE("LmdbAdapter: a get allocates nothing") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  put(store, tree, "key", std::string(200, 'v'));
  CHECK(store.contains(tree, "key"));
  const std::uint64_t before = allocations;
  std::size_t bytes = 0;
  for (int i = 0; i < 100; ++i) {
    if (const auto value = store.get(tree, "key")) bytes += value->view().size();
    if (store.contains(tree, "other")) ++bytes;
  }
  const std::uint64_t after = allocations;
  CHECK(after == before);
  CHECK(bytes == 20'000);
}
#endif

TEST_CASE("LmdbAdapter: a thread that ends gives its reading transaction back") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path(), {.max_readers = 8});
  const Tree tree = store.open_tree("tree");
  put(store, tree, "key", "value");
  Faults faults;
  for (int i = 0; i < 100; ++i) {
    run_threads(2, [&](int) { faults.expect(read(store, tree, "key") == "value"); });
  }
  CHECK(faults.count() == 0);
  CHECK(store.statistics().reader_slots <= 4);
}

TEST_CASE(
    "LmdbAdapter: a pinned value may be destroyed by another thread, after its own has ended") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path(), {.max_readers = 8});
  const Tree tree = store.open_tree("tree");
  put(store, tree, "key", "old");
  for (int i = 0; i < 50; ++i) {
    std::optional<LmdbPinned> value;
    std::thread([&] { value = store.get(tree, "key"); }).join();
    std::thread([&, moved = std::move(*value)]() mutable {
      const LmdbPinned held = std::move(moved);
      if (held.view() != "old") std::abort();
    }).join();
  }
  std::optional<LmdbPinned> value;
  std::thread([&] { value = store.get(tree, "key"); }).join();
  put(store, tree, "key", "new");
  CHECK(value->view() == "old");
  value.reset();
  CHECK(store.statistics().reader_slots <= 4);
  CHECK(store.statistics().oldest_reader_lag == 0);
}

TEST_CASE("LmdbAdapter: values of one multi_get may be destroyed by several threads") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  WriteBatch batch;
  std::vector<std::string> keys;
  for (int i = 0; i < 64; ++i) {
    keys.push_back("key" + std::to_string(i));
    batch.put(tree, keys.back(), keys.back());
  }
  store.write(batch);
  const std::vector<BytesView> views(keys.begin(), keys.end());
  Faults faults;
  for (int round = 0; round < 50; ++round) {
    std::vector<std::optional<LmdbPinned>> values(keys.size());
    store.multi_get(tree, views, values);
    run_threads(4, [&](int thread) {
      for (std::size_t i = static_cast<std::size_t>(thread); i < values.size(); i += 4) {
        faults.expect(values[i]->view() == keys[i]);
        values[i].reset();
      }
    });
    put(store, tree, "other", std::to_string(round));
  }
  CHECK(faults.count() == 0);
  CHECK(store.statistics().oldest_reader_lag == 0);
}

TEST_CASE("LmdbAdapter: the engine may be destroyed while threads that used it live on") {
  const TempDirectory temp;
  constexpr int thread_count = 4;
  std::barrier step(thread_count + 1);
  std::unique_ptr<LmdbAdapter> store;
  Tree tree;
  Faults faults;
  std::vector<std::thread> threads;
  for (int i = 0; i < thread_count; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 10; ++round) {
        step.arrive_and_wait();
        faults.expect(read(*store, tree, "key") == std::to_string(round));
        step.arrive_and_wait();
      }
    });
  }
  for (int round = 0; round < 10; ++round) {
    store = std::make_unique<LmdbAdapter>(temp.path());
    tree = store->open_tree("tree");
    put(*store, tree, "key", std::to_string(round));
    step.arrive_and_wait();
    step.arrive_and_wait();
    store.reset();
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(faults.count() == 0);
}

TEST_CASE("LmdbAdapter: a thread may read several stores by turns") {
  const TempDirectory temp;
  LmdbAdapter one(temp / "one");
  LmdbAdapter two(temp / "two");
  const Tree in_one = one.open_tree("tree");
  const Tree in_two = two.open_tree("tree");
  put(one, in_one, "key", "one");
  put(two, in_two, "key", "two");
  for (int i = 0; i < 100; ++i) {
    REQUIRE(read(one, in_one, "key") == "one");
    REQUIRE(read(two, in_two, "key") == "two");
  }
  CHECK(one.statistics().reader_slots <= 2);
}

TEST_CASE("LmdbAdapter: readers see whole batches, and their own thread's at once") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  WriteBatch first;
  first.put(tree, "a", "0").put(tree, "b", "0");
  store.write(first);
  std::atomic<bool> stop{false};
  Faults faults;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      long last = 0;
      while (!stop) {
        const auto snapshot = store.snapshot();
        faults.expect(read(snapshot, tree, "a") == read(snapshot, tree, "b"));
        std::vector<std::optional<LmdbPinned>> values(2);
        const std::vector<BytesView> keys{"a", "b"};
        store.multi_get(tree, keys, values);
        faults.expect(values[0]->view() == values[1]->view());
        std::vector<std::string> seen;
        for (const Entry entry : store.scan(tree, KeyRange::prefix("a")))
          seen.emplace_back(entry.value);
        const long now = std::stol(read(store, tree, "b"));
        faults.expect(now >= std::stol(seen.at(0)) && std::stol(seen.at(0)) >= last);
        last = now;
      }
    });
  }
  for (int i = 1; i <= 300; ++i) {
    WriteBatch batch;
    batch.put(tree, "a", std::to_string(i)).put(tree, "b", std::to_string(i));
    store.write(batch, i % 10 == 0 ? Durability::synced : Durability::buffered);
    REQUIRE(read(store, tree, "a") == std::to_string(i));
  }
  stop = true;
  for (std::thread& thread : readers) thread.join();
  CHECK(faults.count() == 0);
}

TEST_CASE("LmdbAdapter: what a reader holds is never written over, however it came by it") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  const auto value_of = [](int number) {
    return std::string(20'000, static_cast<char>('a' + number % 26));
  };
  const auto one_letter = [](BytesView value) {
    return value.size() == 20'000 && value.find_first_not_of(value[0]) == BytesView::npos;
  };
  for (int i = 0; i < 8; ++i) put(store, tree, std::to_string(i), value_of(i));
  std::atomic<bool> stop{false};
  Faults faults;
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&, reader] {
      for (unsigned i = 0; !stop; ++i) {
        const auto held = store.get(tree, std::to_string(i % 8));
        // Now and then a thread sleeps with its transaction at rest, or in use.
        if (i % 64 == static_cast<unsigned>(reader)) {
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        faults.expect(one_letter(held->view()));
        std::vector<LmdbPinned> more;
        for (unsigned j = 0; j < i % 8; ++j) {
          more.push_back(*store.get(tree, std::to_string(j)));
        }
        for (const LmdbPinned& each : more) faults.expect(one_letter(each.view()));
        if (i % 16 == 0) {
          for (const Entry entry : store.scan(tree, KeyRange::all())) {
            faults.expect(one_letter(entry.value));
          }
        }
      }
    });
  }
  for (int i = 0; i < 1500; ++i) put(store, tree, std::to_string(i % 8), value_of(i));
  stop = true;
  for (std::thread& thread : readers) thread.join();
  CHECK(faults.count() == 0);
  CHECK(store.statistics().oldest_reader_lag == 0);
}

TEST_CASE("LmdbAdapter: writers that wait are committed together, and a bad batch alone fails") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  const Tree doomed = store.open_tree("doomed");
  constexpr int writers = 8;
  constexpr int rounds = 60;
  Faults faults;
  std::atomic<int> refused{0};
  run_threads(writers, [&](int writer) {
    for (int round = 0; round < rounds; ++round) {
      const std::string key = std::to_string(writer) + "/" + std::to_string(round);
      WriteBatch batch;
      batch.put(tree, key, key);
      if (writer == 0 && round == rounds / 2) store.drop_tree(doomed);
      if (writer == 1) batch.put(doomed, key, key);
      try {
        store.write(batch);
        faults.expect(read(store, tree, key) == key);
      } catch (const Error& error) {
        faults.expect(writer == 1 && error.kind() == ErrorKind::invalid_argument);
        faults.expect(!store.contains(tree, key));
        refused.fetch_add(1);
      }
    }
  });
  CHECK(faults.count() == 0);
  std::size_t found = 0;
  for (const Entry entry : store.scan(tree, KeyRange::all())) {
    CHECK(entry.key == entry.value);
    ++found;
  }
  CHECK(found == static_cast<std::size_t>(writers * rounds - refused));
  const LmdbStatistics statistics = store.statistics();
  CHECK(statistics.batches == found + 1);
  CHECK(statistics.commits < statistics.batches);
}

TEST_CASE("LmdbAdapter: a batch that cannot be had fails alone in its group") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path(), {.map_bytes = 1 << 20});
  const Tree tree = store.open_tree("tree");
  put(store, tree, "small", "0");
  const auto held = store.get(tree, "small");  // So the map cannot grow.
  Faults faults;
  run_threads(4, [&](int thread) {
    for (int round = 0; round < 5; ++round) {
      WriteBatch batch;
      const bool large = thread == 0;
      batch.put(tree, "k" + std::to_string(thread), std::string(large ? 2'000'000 : 10, 'x'));
      try {
        store.write(batch);
        faults.expect(!large);
      } catch (const Error& error) {
        faults.expect(large && error.kind() == ErrorKind::no_space);
      }
    }
  });
  CHECK(faults.count() == 0);
  CHECK_FALSE(store.contains(tree, "k0"));
  CHECK(store.contains(tree, "k3"));
}

TEST_CASE("LmdbAdapter: the map grows and trees come and go under readers") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path(), {.map_bytes = 1 << 20, .max_trees = 4});
  const Tree tree = store.open_tree("tree");
  put(store, tree, "key", "value");
  std::atomic<bool> stop{false};
  Faults faults;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        for (int j = 0; j < 50; ++j) faults.expect(read(store, tree, "key") == "value");
        std::size_t entries = 0;
        for (const Entry entry : store.scan(tree, KeyRange::prefix("key"))) {
          entries += entry.value.size();
        }
        faults.expect(entries == 5);
      }
    });
  }
  for (int i = 0; i < 60; ++i) {
    put(store, tree, "large" + std::to_string(i), std::string(200'000, 'x'));
    const Tree temporary = store.open_tree("temporary" + std::to_string(i));
    put(store, temporary, "key", std::to_string(i));
    REQUIRE(read(store, temporary, "key") == std::to_string(i));
    store.drop_tree(temporary);
  }
  stop = true;
  for (std::thread& thread : readers) thread.join();
  CHECK(faults.count() == 0);
  CHECK(store.statistics().map_growths > 2);
}

TEST_CASE("LmdbAdapter: a bulk loader may be used by one thread after another") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  // A thread that ends leaves its id of the system to the next, which is to wait, not to be taken
  // for the user of the loader.
  for (int round = 0; round < 20; ++round) {
    auto loader = store.bulk_loader(tree);
    std::thread([&] {
      for (int i = 10'000; i < 12'000; ++i) loader.put(std::to_string(i), "v");
    }).join();
    Faults faults;
    std::thread writer([&] {
      try {
        put(store, tree, "waited", "for the loader");
      } catch (const Error&) {
        faults.expect(false);
      }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    loader.put("2", "v");
    loader.finish();
    writer.join();
    CHECK(faults.count() == 0);
  }
  CHECK(store.approximate_count(tree, KeyRange::all()) == 2'002);
}
