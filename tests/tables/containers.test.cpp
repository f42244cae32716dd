// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/tables/counters.hpp>
#include <varve/tables/multimap.hpp>
#include <varve/tables/queue.hpp>
#include <varve/tables/sequence.hpp>
#include <varve/tables/set.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <atomic>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

using varve::MemoryAdapter;
using varve_test::TempDirectory;

namespace {

/// Texts as they are, behind their number.
struct ItemCodec {
  static constexpr varve::BytesView name = "item";

  template <class T>
  static void encode(const T& item, std::string& sink) {
    varve::Ordered::encode(std::tuple(item.number, item.value), sink);
  }
  template <class T>
  [[nodiscard]] static T decode(varve::BytesView bytes) {
    const auto [number, value] =
        varve::Ordered::decode<std::tuple<std::uint64_t, std::string>>(bytes);
    return {number, value};
  }
  template <class T>
  [[nodiscard]] static constexpr varve::BytesView identity() noexcept {
    return "item 1";
  }
};

using Seen = varve::Set<"seen", std::string>;
using Children = varve::Multimap<"children", std::uint32_t, std::uint32_t>;
using Hits = varve::Counters<"hits", std::string>;
using Ids = varve::Sequence<"ids", 10>;
using Jobs = varve::Queue<"jobs", std::string, ItemCodec>;

template <class Rows>
auto listed(const Rows& rows) {
  std::vector<typename Rows::Row> all;
  for (const auto& row : rows) all.push_back(row);
  return all;
}

}  // namespace

TEST_CASE("Set: holds each value once, in order") {
  MemoryAdapter store;
  const Seen::On seen{store};
  for (const char* const value : {"b", "a", "c", "a"}) seen.insert(value);
  CHECK(listed(seen.all()) == std::vector<std::string>{"a", "b", "c"});
  seen.erase("b");
  CHECK_FALSE(seen.contains("b"));
  CHECK(seen.contains("a"));
  varve::TableBatch batch(store);
  seen.insert(batch, "d");
  seen.erase(batch, "a");
  batch.write();
  CHECK(listed(seen.all()) == std::vector<std::string>{"c", "d"});
  CHECK(seen.count() == 2);
  CHECK(listed(seen.between("c", "d")) == std::vector<std::string>{"c"});
}

TEST_CASE("Multimap: many values under a key, in order") {
  MemoryAdapter store;
  const Children::On children{store};
  for (std::uint32_t i = 0; i != 12; ++i) children.insert(i % 3, 100 - i);
  CHECK(children.count() == 12);
  std::vector<std::uint32_t> of_one;
  for (const auto& [parent, child] : children.equal(1)) of_one.push_back(child);
  CHECK(of_one == std::vector<std::uint32_t>{90, 93, 96, 99});
  children.erase(1, 93);
  CHECK_FALSE(children.contains(1, 93));
  children.erase(0);
  CHECK(children.equal(0).empty());
  CHECK(children.count() == 7);
}

TEST_CASE("Counters: no addition is lost") {
  MemoryAdapter store;
  std::vector<std::thread> threads;
  for (int t = 0; t != 4; ++t) {
    threads.emplace_back([&] {
      const Hits::On hits{store};
      for (int i = 0; i != 500; ++i) hits.add(i % 2 == 0 ? "even" : "odd", 2);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const Hits::On hits{store};
  CHECK(hits.value("even") == 2000);
  CHECK(hits.value("odd") == 2000);
  CHECK(hits.value("none") == 0);
  CHECK(hits.add("even", -2001) == -1);
  CHECK(hits.add("top", std::numeric_limits<std::int64_t>::max()) > 0);
  CHECK_THROWS_AS(hits.add("top"), varve::Error);
  CHECK(hits.value("top") == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("Sequence: gives no number twice, over handles, threads and reopenings") {
  const TempDirectory directory;
  std::mutex mutex;
  std::set<std::uint64_t> given;
  std::uint64_t count = 0;
  for (int round = 0; round != 3; ++round) {
    auto store = varve::open<varve::Wal<MemoryAdapter>>(directory.path());
    Ids::On shared{store};
    std::vector<std::thread> threads;
    for (int t = 0; t != 3; ++t) {
      threads.emplace_back([&, t] {
        Ids::On own{store};
        for (int i = 0; i != 25; ++i) {
          const std::uint64_t id = t == 0 ? own.next() : shared.next();
          const std::lock_guard lock(mutex);
          given.insert(id);
          ++count;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(given.size() == count);
  CHECK(*given.begin() == 1);
  CHECK(*given.rbegin() <= count + 9 * 10);
}

TEST_CASE("Queue: a push joins a batch, and has its number when that is written") {
  MemoryAdapter store;
  Jobs::On jobs{store};
  using Others = varve::Queue<"others", std::string, ItemCodec>;
  Others::On others{store};
  const Seen::On seen{store};
  varve::TableBatch batch(store);
  jobs.push(batch, "b");
  seen.insert(batch, "x");
  others.push(batch, "o");
  jobs.push(batch, "c");
  CHECK(batch.count() == 4);
  CHECK(jobs.empty());  // nothing is there before it is written
  CHECK(jobs.push("a") == 1);
  CHECK(jobs.front()->value == "a");
  batch.write(varve::Durability::buffered);
  CHECK(seen.contains("x"));
  CHECK(jobs.count() == 3);
  CHECK(jobs.push("d") == 4);
  for (const char* const value : {"a", "b", "c", "d"}) {
    CHECK(jobs.front()->value == value);
    CHECK(jobs.pop(varve::Durability::buffered) == value);
  }
  CHECK(others.pop() == "o");
  batch.write();
  CHECK(jobs.front()->number == 5);
  batch.clear();
  CHECK(batch.empty());

  MemoryAdapter other;
  varve::TableBatch foreign(other);
  CHECK_THROWS_AS(jobs.push(foreign, "e"), varve::Error);
  varve::TableBatch failing(store);
  jobs.push(failing, "f");
  CHECK_THROWS_AS(failing.write_with([](const varve::WriteBatch&) { throw 1; }), int);
  CHECK(jobs.count() == 2);

  // Batches of several threads: no number twice, none missing.
  std::vector<std::thread> threads;
  for (int t = 0; t != 3; ++t) {
    threads.emplace_back([&] {
      const Jobs::On own{store};
      for (int i = 0; i != 50; ++i) {
        varve::TableBatch two(store);
        own.push(two, "y");
        own.push(two, "z");
        two.write();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::uint64_t number = 4;
  for (const auto& item : jobs.all()) CHECK(item.number == ++number);
  CHECK(number == 306);
}

TEST_CASE("Queue: first in, first out, each item to one") {
  MemoryAdapter store;
  Jobs::On jobs{store};
  CHECK_FALSE(jobs.pop());
  CHECK(jobs.push("a") == 1);
  CHECK(jobs.push("b") == 2);
  CHECK(jobs.front()->value == "a");
  CHECK(jobs.pop() == "a");
  jobs.remove(2);
  CHECK(jobs.empty());
  CHECK(jobs.push("c") == 3);  // no number comes again
  CHECK(jobs.pop() == "c");

  std::mutex mutex;
  std::multiset<std::string> popped;
  std::atomic<bool> in_order{true};
  std::vector<std::thread> threads;
  for (int t = 0; t != 2; ++t) {
    threads.emplace_back([&, t] {
      Jobs::On own{store};
      for (int i = 0; i != 200; ++i) own.push(std::string(1, static_cast<char>('0' + t)));
    });
    threads.emplace_back([&] {
      Jobs::On own{store};
      std::uint64_t last = 0;
      for (int i = 0; i != 150; ++i) {
        if (const auto item = own.front()) {
          if (item->number < last) in_order = false;
          last = item->number;
        }
        if (auto job = own.pop()) {
          const std::lock_guard lock(mutex);
          popped.insert(*std::move(job));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  while (auto job = jobs.pop()) popped.insert(*std::move(job));
  CHECK(popped.size() == 400);
  CHECK(popped.count("0") == 200);
  CHECK(in_order);
}
