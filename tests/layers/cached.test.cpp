// SPDX-License-Identifier: Apache-2.0
#include <varve/layers/cached.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>
#include <varve/testing/faulty.hpp>
#include <varve/testing/full_engine.hpp>
#include <varve/testing/minimal_engine.hpp>

#include "catch.hpp"
#include "layers/hooked.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace varve;
using testing::Call;
using testing::Effect;
using testing::FullEngine;
using varve_test::Hooked;
using varve_test::HookedOptions;

static_assert(assert_layer<Cached<FullEngine>>());
static_assert(!SnapshotEngine<Cached<testing::MinimalEngine>>);
static_assert(SnapshotEngine<Cached<FullEngine>> && MultiGetEngine<Cached<FullEngine>> &&
              TransactionalEngine<Cached<FullEngine>> && BulkLoadEngine<Cached<FullEngine>>);

namespace {

template <class Policy>
using Observed = Cached<testing::Faulty<Hooked<FullEngine>>, Policy>;

std::string big(char c) {
  return std::string(2000, c);
}

}  // namespace

TEMPLATE_TEST_CASE("Cached: a value and an absence are read below once", "", Frequent, Lru) {
  auto store = open<Observed<TestType>>();
  const testing::FaultPlan& plan = store.next().faults();
  const Tree tree = store.open_tree("t");
  put(store, tree, "k", "v");
  put(store, tree, "empty", "");
  put(store, tree, "big", big('b'));
  for (int i = 0; i != 3; ++i) {
    CHECK(get_copy(store, tree, "k") == "v");
    CHECK(get_copy(store, tree, "empty") == "");
    CHECK(get_copy(store, tree, "big") == big('b'));
    CHECK_FALSE(store.get(tree, "none"));
    CHECK_FALSE(store.contains(tree, "none"));
    CHECK(store.contains(tree, "k"));
  }
  CHECK(plan.calls(Call::get) == 4);
  CHECK(plan.calls(Call::contains) == 0);
  const CacheStatistics now = store.statistics();
  CHECK(now.misses == 4);
  CHECK(now.hits == 14);
  CHECK(now.entries == 4);
  CHECK(now.fills == 4);
}

TEMPLATE_TEST_CASE("Cached: peek answers from the cache and keeps nothing", "", Frequent, Lru) {
  auto store = open<Observed<TestType>>();
  const Tree tree = store.open_tree("t");
  put(store, tree, "k", "v");
  CHECK(store.peek(tree, "k")->view() == "v");
  CHECK(store.statistics().entries == 0);
  CHECK(get_copy(store, tree, "k") == "v");
  CHECK(store.peek(tree, "k")->view() == "v");
  CHECK(store.next().faults().calls(Call::get) == 2);
}

TEMPLATE_TEST_CASE("Cached: reserved trees, scans and snapshots go by", "", Frequent, Lru) {
  auto store = open<Observed<TestType>>();
  const Tree own = store.open_tree("varve.own");
  const Tree tree = store.open_tree("t");
  put(store, own, "k", "v");
  put(store, tree, "k", "v");
  CHECK(get_copy(store, own, "k") == "v");
  CHECK(get_copy(store, own, "k") == "v");
  CHECK(store.next().faults().calls(Call::get) == 2);
  CHECK(count(store, tree) == 1);
  CHECK(get_copy(store.snapshot(), tree, "k") == "v");
  CHECK(store.statistics().entries == 0);
  CHECK(store.statistics().misses == 0);
}

TEMPLATE_TEST_CASE("Cached: a write is never hidden by an older read", "", Frequent, Lru) {
  auto hooks = std::make_shared<varve_test::Hooks>();
  auto store = open<Observed<TestType>>(HookedOptions{hooks});
  const Tree tree = store.open_tree("t");
  const std::string old_value = GENERATE(std::string("old"), big('o'));
  put(store, tree, "k", old_value);

  SECTION("put while the value is on its way") {
    hooks->got = [&] { put(store, tree, "k", "new"); };
    CHECK(get_copy(store, tree, "k") == old_value);
    CHECK(get_copy(store, tree, "k") == "new");
    CHECK(store.statistics().rejected_fills == 1);
  }
  SECTION("put while an absence is on its way") {
    hooks->got = [&] { put(store, tree, "other", "new"); };
    CHECK_FALSE(store.get(tree, "other"));
    CHECK(get_copy(store, tree, "other") == "new");
  }
  SECTION("erase") {
    hooks->got = [&] { erase(store, tree, "k"); };
    CHECK(get_copy(store, tree, "k") == old_value);
    CHECK_FALSE(store.get(tree, "k"));
  }
  SECTION("erase of a range") {
    hooks->got = [&] { erase_range(store, tree, KeyRange::prefix("k")); };
    CHECK(get_copy(store, tree, "k") == old_value);
    CHECK_FALSE(store.get(tree, "k"));
  }
  SECTION("drop of the tree") {
    hooks->got = [&] { store.drop_tree(tree); };
    CHECK(get_copy(store, tree, "k") == old_value);
    CHECK_THROWS((void)store.get(tree, "k"));
  }
  SECTION("a transaction") {
    hooks->got = [&] {
      auto transaction = store.begin_transaction();
      transaction.put(tree, "k", "new");
      CHECK(transaction.commit());
    };
    CHECK(get_copy(store, tree, "k") == old_value);
    CHECK(get_copy(store, tree, "k") == "new");
  }
  SECTION("a bulk load") {
    hooks->got = [&] {
      auto loader = store.bulk_loader(tree);
      loader.put("k", "new");
      loader.finish();
    };
    CHECK(get_copy(store, tree, "k") == old_value);
    CHECK(get_copy(store, tree, "k") == "new");
  }
  SECTION("multi_get") {
    hooks->got = [&] { put(store, tree, "k", "new"); };
    const BytesView keys[] = {"k", "other"};
    std::vector<std::optional<pinned_t<Observed<TestType>>>> values(2);
    store.multi_get(tree, keys, values);
    CHECK(get_copy(store, tree, "k") == "new");
  }
  SECTION("resize") {
    hooks->got = [&] { store.resize(1 << 20); };
    CHECK(get_copy(store, tree, "k") == old_value);
    CHECK(store.statistics().entries == 0);
  }
}

TEMPLATE_TEST_CASE("Cached: what is read while a write is under way is not kept", "", Frequent,
                   Lru) {
  auto hooks = std::make_shared<varve_test::Hooks>();
  auto store = open<Observed<TestType>>(HookedOptions{hooks});
  const Tree tree = store.open_tree("t");
  put(store, tree, "k", "old");
  CHECK(get_copy(store, tree, "k") == "old");
  const Tree other = store.open_tree("other");
  put(store, other, "k", "v");
  CHECK(get_copy(store, other, "k") == "v");
  std::string before;
  std::string after;
  hooks->writing = [&] { before = *get_copy(store, tree, "k"); };
  hooks->written = [&] { after = get_copy(store, tree, "k").value_or("none"); };
  SECTION("put") {
    put(store, tree, "k", "new");
    CHECK(after == "new");
    CHECK(get_copy(store, tree, "k") == "new");
  }
  SECTION("erase of a range") {
    erase_range(store, tree, KeyRange::all());
    CHECK(after == "none");
    CHECK_FALSE(store.get(tree, "k"));
  }
  SECTION("write_and_drop") {
    WriteBatch batch;
    batch.put(tree, "k", "new");
    store.write_and_drop(batch, {&other, 1}, Durability::synced);
    CHECK(after == "new");
    CHECK_THROWS((void)store.get(other, "k"));
  }
  CHECK(before == "old");
}

TEMPLATE_TEST_CASE("Cached: a write that fails leaves nothing wrong behind", "", Frequent, Lru) {
  auto store = open<Observed<TestType>>();
  const Tree tree = store.open_tree("t");
  put(store, tree, "k", "old");
  CHECK(get_copy(store, tree, "k") == "old");
  CHECK_FALSE(store.get(tree, "none"));
  const Effect effect = GENERATE(Effect::fails, Effect::fails_after);
  const bool done = effect == Effect::fails_after;
  testing::FaultPlan& plan = store.next().faults();
  SECTION("write") {
    plan.add({.call = Call::write, .effect = effect, .kind = ErrorKind::indeterminate});
    WriteBatch batch;
    batch.put(tree, "k", "new").put(tree, "none", "some");
    CHECK_THROWS_AS(store.write(batch), Error);
    CHECK(get_copy(store, tree, "k") == (done ? "new" : "old"));
    CHECK(store.contains(tree, "none") == done);
  }
  SECTION("commit") {
    plan.add({.call = Call::commit, .effect = effect});
    auto transaction = store.begin_transaction();
    transaction.put(tree, "k", "new");
    CHECK_THROWS_AS((void)transaction.commit(), Error);
    CHECK(get_copy(store, tree, "k") == (done ? "new" : "old"));
  }
  SECTION("finish of a bulk load") {
    plan.add({.call = Call::finish, .effect = effect});
    auto loader = store.bulk_loader(tree);
    loader.put("k", "new");
    CHECK_THROWS_AS(loader.finish(), Error);
    CHECK(get_copy(store, tree, "k") == (done ? "new" : "old"));
  }
  SECTION("a read that fails is not kept") {
    plan.add({.call = Call::get});
    CHECK_THROWS_AS((void)store.get(tree, "other"), Error);
    CHECK_FALSE(store.get(tree, "other"));
  }
  plan.clear();
  CHECK(get_copy(store, tree, "k").has_value());
  const std::uint64_t before = plan.calls(Call::get);
  CHECK(get_copy(store, tree, "k").has_value());
  CHECK(plan.calls(Call::get) == before);  // Nothing stays forbidden.
}

TEMPLATE_TEST_CASE("Cached: a range erased takes its tree, and leaves the others", "", Frequent,
                   Lru) {
  auto store = open<Observed<TestType>>();
  const Tree a = store.open_tree("a");
  const Tree b = store.open_tree("b");
  for (const Tree tree : {a, b}) {
    put(store, tree, "k", "v");
    CHECK(store.get(tree, "k"));
  }
  erase_range(store, a, KeyRange::all());
  const std::uint64_t before = store.next().faults().calls(Call::get);
  CHECK_FALSE(store.get(a, "k"));
  CHECK(store.get(b, "k"));
  CHECK(store.next().faults().calls(Call::get) == before + 1);
}

TEMPLATE_TEST_CASE("Cached: an old value stays forgotten however many ranges are erased after it",
                   "", Frequent, Lru) {
  auto store = open<Cached<FullEngine, TestType>>();
  const Tree tree = store.open_tree("t");
  put(store, tree, "k", "old");
  CHECK(get_copy(store, tree, "k") == "old");
  // A tree's generation has 16 bits in a record: it comes again after 65,536 of these.
  const WriteBatch another = WriteBatch().erase_range(tree, KeyRange::prefix("x"));
  store.write(another);
  put(store, tree, "k", "new");
  for (int i = 0; i != 65'535; ++i) store.write(another);
  CHECK(get_copy(store, tree, "k") == "new");
}

TEST_CASE("Cached: records of every size are what was written, and so are their neighbours") {
  auto store = open<Cached<FullEngine>>(CachedOptions{.capacity_bytes = 60'000, .entry_bytes = 60});
  const Tree tree = store.open_tree("t");
  const auto value_of = [](std::size_t i) {
    return std::string(i * 7 % 260, static_cast<char>('a' + i % 26));
  };
  const auto key_of = [](std::size_t i) {
    return std::to_string(i) + std::string(i % 23, static_cast<char>('k' + i % 3));
  };
  for (std::size_t i = 0; i != 300; ++i) put(store, tree, key_of(i), value_of(i));
  std::mt19937 random(1);
  for (int i = 0; i != 4000; ++i) {
    const std::size_t any = random() % 300;
    REQUIRE(get_copy(store, tree, key_of(any)) == value_of(any));
    if (i % 10 == 0) put(store, tree, key_of(any), value_of(any));
    if (i % 7 == 0) REQUIRE_FALSE(store.get(tree, key_of(any) + "?"));
  }
  const CacheStatistics statistics = store.statistics();
  CHECK(statistics.hits > 1000);
  CHECK(statistics.evictions > 500);
}

TEST_CASE("Cached: a hit of a large value is a share in it, which outlives its forgetting") {
  auto store = open<Cached<FullEngine>>();
  const Tree tree = store.open_tree("t");
  put(store, tree, "k", big('a'));
  REQUIRE(store.get(tree, "k"));
  const auto first = store.get(tree, "k");
  const auto second = store.get(tree, "k");
  REQUIRE((first && second));
  CHECK(static_cast<const void*>(first->view().data()) == second->view().data());
  put(store, tree, "k", big('b'));
  store.resize(1 << 20U);
  CHECK(first->view() == big('a'));
  CHECK(get_copy(store, tree, "k") == big('b'));
}

TEMPLATE_TEST_CASE("Cached: multi_get serves hits and asks for the misses in one call", "",
                   Frequent, Lru) {
  auto hooks = std::make_shared<varve_test::Hooks>();
  auto store = open<Observed<TestType>>(HookedOptions{hooks});
  const Tree tree = store.open_tree("t");
  for (const char* key : {"a", "b", "c"}) put(store, tree, key, std::string("v") + key);
  CHECK(store.get(tree, "a"));
  const BytesView keys[] = {"a", "b", "none", "c"};
  std::vector<std::optional<pinned_t<Observed<TestType>>>> values(4);
  store.multi_get(tree, keys, values);
  store.multi_get(tree, keys, values);
  CHECK(store.next().faults().calls(Call::multi_get) == 1);
  CHECK(values[0]->view() == "va");
  CHECK(values[1]->view() == "vb");
  CHECK_FALSE(values[2]);
  CHECK(values[3]->view() == "vc");
  erase(store, tree, "b");
  hooks->got = [&] {
    WriteBatch batch;
    batch.put(tree, "a", "new").put(tree, "b", "new");
    store.write(batch);
  };
  store.multi_get(tree, keys, values);
  CHECK(values[0]->view() == "new");  // Not the old "a" beside any state of "b".
  CHECK(values[1]->view() == "new");
}

TEMPLATE_TEST_CASE("Cached: the bound holds whatever is kept, and again after resizing", "",
                   Frequent, Lru) {
  auto store = open<Observed<TestType>>(CachedOptions{.capacity_bytes = 1 << 20});
  const Tree tree = store.open_tree("t");
  std::mt19937 random(7);
  for (const std::size_t capacity : {1U << 20U, 100'000U, 0U, 2U << 20U}) {
    store.resize(capacity);
    for (int i = 0; i != 700; ++i) {
      const std::string key = "key" + std::to_string(random() % 500);
      const std::string value(random() % 7 == 0 ? random() % 9000 : random() % 200, 'v');
      put(store, tree, key, value);
      CHECK(get_copy(store, tree, key) == value);
      CHECK(get_copy(store, tree, key) == value);
    }
    const std::size_t fixed = 32 << 10;
    CHECK(store.statistics().bytes <= std::max<std::size_t>(capacity, fixed));
    CHECK((store.statistics().entries > 100) == (capacity != 0));
  }
}

TEST_CASE("Cached: readers see no torn and no old value while writers write and it is resized") {
  auto store = open<Cached<FullEngine>>(CachedOptions{.capacity_bytes = 64 << 10});
  const Tree tree = store.open_tree("t");
  constexpr unsigned keys = 40;
  std::vector<std::atomic<unsigned>> written(keys);
  const auto value_of = [](unsigned number) {
    return std::string(20 + number % 100, static_cast<char>('a' + number % 26)) +
           std::to_string(number);
  };
  for (unsigned key = 0; key != keys; ++key) put(store, tree, std::to_string(key), value_of(0));
  std::atomic<bool> stop{false};
  std::atomic<unsigned> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned reader = 0; reader != 2; ++reader) {
    threads.emplace_back([&, reader] {
      std::mt19937 random(reader);
      while (!stop) {
        const auto key = static_cast<unsigned>(random() % keys);
        const unsigned at_least = written[key];
        const std::string got = *get_copy(store, tree, std::to_string(key));
        const unsigned number =
            static_cast<unsigned>(std::stoul(got.substr(got.find_first_of("0123456789"))));
        if (number < at_least || got != value_of(number)) ++wrong;
      }
    });
  }
  threads.emplace_back([&] {
    while (!stop) {
      store.resize(64 << 10);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  });
  std::mt19937 random(99);
  for (unsigned number = 1; number != 3000; ++number) {
    const auto key = static_cast<unsigned>(random() % keys);
    put(store, tree, std::to_string(key), value_of(number));
    written[key] = number;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}
