// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/concepts/refinements.hpp>

#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "child.hpp"

namespace {

using varve::BytesView;
using varve::Error;
using varve::ErrorKind;
using varve::KeyRange;
using varve::MemoryAdapter;
using varve::MemoryOptions;
using varve::MemoryPinned;
using varve::Order;
using varve::Tree;
using varve::WriteBatch;
using varve_test::ContainsSubstring;

static_assert(varve::assert_kv_engine<MemoryAdapter>());
static_assert(varve::SnapshotEngine<MemoryAdapter>);
static_assert(varve::MultiGetEngine<MemoryAdapter>);
static_assert(varve::CountEngine<MemoryAdapter>);
static_assert(varve::BulkLoadEngine<MemoryAdapter>);
static_assert(varve::TransactionalDropEngine<MemoryAdapter>);
static_assert(!varve::CheckpointEngine<MemoryAdapter>);
static_assert(!varve::CompactEngine<MemoryAdapter>);
static_assert(std::is_nothrow_move_constructible_v<MemoryAdapter>);
static_assert(std::is_nothrow_move_assignable_v<MemoryAdapter>);

using Model = std::map<std::string, std::string, std::less<>>;
using Entries = std::vector<std::pair<std::string, std::string>>;

constexpr std::uint64_t mebibyte = 1U << 20U;

template <class Reader>
Entries entries(const Reader& reader, Tree tree, KeyRange range = KeyRange::all(),
                Order order = Order::ascending) {
  Entries met;
  for (const varve::Entry entry : reader.scan(tree, range, order)) {
    met.emplace_back(entry.key, entry.value);
  }
  return met;
}

Entries entries(const Model& model, KeyRange range = KeyRange::all(),
                Order order = Order::ascending) {
  Entries met;
  for (const auto& [key, value] : model) {
    if (range.contains(key)) met.emplace_back(key, value);
  }
  if (order == Order::descending) met = Entries(met.rbegin(), met.rend());
  return met;
}

void put(MemoryAdapter& engine, Tree tree, BytesView key, BytesView value) {
  engine.write(WriteBatch().put(tree, key, value));
}

std::string numbered(const char* stem, std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return stem + std::string(10 - digits.size(), '0') + digits;
}

template <class Action>
void refuses(ErrorKind kind, const std::string& words, Action action) {
  try {
    static_cast<void>(action());
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    CHECK_THAT(error.what(), ContainsSubstring(words));
    return;
  }
  FAIL("not refused: " << words);
}

/// Keys of every shape that the nodes treat in their own way.
std::string odd_key(std::mt19937_64& random, std::uint64_t spread) {
  const std::uint64_t number = random() % spread;
  const auto byte = [&](std::uint64_t i) { return std::string(1, "\x00\x01\x7f\x80\xff"[i % 5]); };
  switch (random() % 7) {
    case 0: return numbered("a/long/prefix/that/all/share/", number);
    case 1: return numbered("k", number);
    case 2: {
      std::string key = byte(number);
      for (std::uint64_t i = number / 5; i != 0; i /= 5) key += byte(i);
      return key;
    }
    case 3: return std::string(1 + number % 20, '\0');
    case 4: return std::string(1 + number % 20, '\xff');
    case 5: return "a/long/prefix" + std::string(number % 40, 'x');
    default: break;
  }
  std::string key;
  for (int i = 0; i != 8; ++i) key += static_cast<char>(number >> (8 * (7 - i)));
  return key;
}

template <class Reader>
void check_same(const Reader& reader, Tree tree, const Model& model, std::mt19937_64& random,
                std::uint64_t spread) {
  REQUIRE(entries(reader, tree) == entries(model));
  REQUIRE(entries(reader, tree, KeyRange::all(), Order::descending) ==
          entries(model, KeyRange::all(), Order::descending));
  for (int i = 0; i != 20; ++i) {
    const std::string a = random() % 4 == 0 ? "" : odd_key(random, spread);
    const std::string b = odd_key(random, spread);
    const KeyRange ranges[] = {KeyRange::between(a, b), KeyRange::from(b),
                               KeyRange::prefix(BytesView(b).substr(0, random() % 5))};
    for (const KeyRange range : ranges) {
      const Entries wanted = entries(model, range);
      REQUIRE(entries(reader, tree, range) == wanted);
      REQUIRE(entries(reader, tree, range, Order::descending) ==
              Entries(wanted.rbegin(), wanted.rend()));
      REQUIRE(reader.approximate_count(tree, range) == wanted.size());
    }
  }
  std::vector<std::string> keys;
  for (int i = 0; i != 50; ++i) keys.push_back(odd_key(random, spread));
  for (const auto& [key, value] : model) {
    if (keys.size() < 200) keys.push_back(key);
  }
  const std::vector<BytesView> wanted(keys.begin(), keys.end());
  std::vector<std::optional<MemoryPinned>> found(wanted.size());
  reader.multi_get(tree, wanted, found);
  for (std::size_t i = 0; i != keys.size(); ++i) {
    const auto at = model.find(keys[i]);
    const auto got = reader.get(tree, keys[i]);
    REQUIRE(got.has_value() == (at != model.end()));
    REQUIRE(found[i].has_value() == got.has_value());
    REQUIRE(reader.contains(tree, keys[i]) == got.has_value());
    if (!got) continue;
    REQUIRE(got->view() == at->second);
    REQUIRE(found[i]->view() == at->second);
  }
}

[[maybe_unused]] std::uint64_t address_space_bytes() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint32_t vector_bits() {
  return GENERATE(512U, 256U, 0U);
}

}  // namespace

TEST_CASE("MemoryAdapter: agrees with std::map, and so do its snapshots") {
  const std::uint32_t bits = vector_bits();
  const std::uint64_t spread = GENERATE(6U, 60U, 2000U, 1000000U);
  const std::uint64_t seed = std::random_device{}();
  INFO("seed " << seed << ", vector bits " << bits << ", spread " << spread);
  std::mt19937_64 random(seed);
  MemoryAdapter engine({.max_vector_bits = bits});
  const Tree trees[] = {engine.open_tree("one"), engine.open_tree("varve.two")};
  Model models[2];
  std::vector<std::pair<varve::MemorySnapshot, Model>> snapshots;

  for (int round = 0; round != 60; ++round) {
    WriteBatch batch;
    const bool shrinking = round % 20 > 14;
    const std::uint64_t operations = 1 + random() % (random() % 2 == 0 ? 400 : 4);
    for (std::uint64_t i = 0; i != operations; ++i) {
      const std::size_t at = random() % 2;
      Model& model = models[at];
      const std::string key = odd_key(random, spread);
      const std::uint64_t what = random() % 100;
      if (what < (shrinking ? 20 : 70)) {
        const std::string value(random() % (what == 0 ? 40000 : 60), static_cast<char>('a' + what));
        batch.put(trees[at], key, value);
        model.insert_or_assign(key, value);
      } else if (what < 98) {
        std::string victim = key;
        const auto near = model.lower_bound(key);
        if (near != model.end()) victim = near->first;
        batch.erase(trees[at], victim);
        model.erase(victim);
      } else {
        std::string last = key;
        for (auto near = model.lower_bound(key); near != model.end(); ++near) {
          last = near->first;
          if (random() % (shrinking ? 500 : 20) == 0) break;
        }
        const KeyRange range =
            random() % 40 == 0 ? KeyRange::from(key) : KeyRange::between(key, last);
        batch.erase_range(trees[at], range);
        std::erase_if(model, [&](const auto& entry) { return range.contains(entry.first); });
      }
    }
    engine.write(batch);
    if (round % 10 == 9) {
      const std::size_t at = random() % 2;
      Model loaded;
      for (int i = 0; i != 300; ++i) loaded[odd_key(random, spread)] = "loaded";
      auto loader = engine.bulk_loader(trees[at]);
      for (const auto& [key, value] : loaded) loader.put(key, value);
      loader.finish();
      for (const auto& [key, value] : loaded) models[at][key] = value;
    }
    for (std::size_t at = 0; at != 2; ++at) {
      if (round % 6 == 5) check_same(engine, trees[at], models[at], random, spread);
    }
    if (random() % 5 == 0) snapshots.emplace_back(engine.snapshot(), models[0]);
    if (snapshots.size() > 5) snapshots.erase(snapshots.begin() + random() % 5);
  }
  for (const auto& [snapshot, model] : snapshots) {
    check_same(snapshot, trees[0], model, random, spread);
  }
}

TEST_CASE("MemoryAdapter: keys that come up, down and shuffled are all found") {
  const std::size_t size = GENERATE(1U, 2U, 31U, 32U, 33U, 64U, 65U, 1000U, 2100U, 50000U);
  const char* const stem = GENERATE("", "a/prefix/that/is/longer/than/any/word/");
  const int way = GENERATE(0, 1, 2);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i != size; ++i) keys.push_back(numbered(stem, 3 * i));
  const std::vector<std::string> sorted = keys;
  if (way == 1) std::reverse(keys.begin(), keys.end());
  if (way == 2) std::shuffle(keys.begin(), keys.end(), std::mt19937_64(7));

  MemoryAdapter engine;
  const Tree tree = engine.open_tree("t");
  WriteBatch batch;
  for (const std::string& key : keys) batch.put(tree, key, key);
  engine.write(batch);

  CHECK(engine.approximate_count(tree, KeyRange::all()) == size);
  std::size_t met = 0;
  for (const varve::Entry entry : engine.scan(tree, KeyRange::all())) {
    REQUIRE(entry.key == sorted[met++]);
    REQUIRE(entry.value == entry.key);
  }
  CHECK(met == size);
  for (const std::string& key : keys) REQUIRE(engine.get(tree, key)->view() == key);
  for (std::size_t i = 0; i != size; ++i)
    REQUIRE(!engine.contains(tree, numbered(stem, 3 * i + 1)));

  std::shuffle(keys.begin(), keys.end(), std::mt19937_64(8));
  for (std::size_t i = 0; i != size; ++i) {
    engine.write(WriteBatch().erase(tree, keys[i]));
    if (i % 1000 == 0) REQUIRE(engine.approximate_count(tree, KeyRange::all()) == size - i - 1);
  }
  CHECK(entries(engine, tree).empty());
}

TEST_CASE("MemoryAdapter: a batch is seen in every tree or in none, by readers that never wait") {
  MemoryAdapter engine;
  const Tree a = engine.open_tree("a");
  const Tree b = engine.open_tree("b");
  constexpr std::uint64_t width = 100;
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> wrong{0};
  const auto write_round = [&](std::uint64_t round) {
    WriteBatch batch;
    const std::string value = std::to_string(round);
    for (std::uint64_t i = 0; i != width; ++i) {
      batch.put(a, numbered("k", i * 7 % width), value).put(b, numbered("k", i), value);
    }
    engine.write(batch);
  };
  write_round(0);

  std::vector<std::thread> readers;
  for (int i = 0; i != 2; ++i) {
    readers.emplace_back([&, i] {
      while (!done.load()) {
        const auto snapshot = engine.snapshot();
        const std::string value(snapshot.get(a, numbered("k", 0))->view());
        for (const Tree tree : {a, b}) {
          std::uint64_t met = 0;
          for (const auto [key, held] : snapshot.scan(tree, KeyRange::all())) {
            if (held != value) ++wrong;
            ++met;
          }
          if (met != width) ++wrong;
        }
        auto scan = engine.scan(i == 0 ? a : b, KeyRange::all(), Order::descending);
        std::string first;
        for (const auto [key, held] : scan) {
          if (first.empty()) first = held;
          if (held != first) ++wrong;
        }
        const auto pinned = engine.get(b, numbered("k", 5));
        const std::string before(pinned->view());
        std::this_thread::yield();
        if (pinned->view() != before) ++wrong;
      }
    });
  }
  std::vector<std::thread> writers;
  std::atomic<std::uint64_t> round{1};
  for (int i = 0; i != 2; ++i) {
    writers.emplace_back([&] {
      for (int n = 0; n != 300; ++n) write_round(round++);
    });
  }
  for (std::thread& each : writers) each.join();
  done = true;
  for (std::thread& each : readers) each.join();
  CHECK(wrong == 0);
}

TEST_CASE("MemoryAdapter: a reader that is held up at any moment reads what is there") {
  MemoryAdapter engine;
  const Tree tree = engine.open_tree("t");
  put(engine, tree, "key", std::string(100, 'a'));
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> wrong{0};
  std::vector<std::thread> readers;
  // More readers than processors, so that they are held up between any two instructions.
  for (int i = 0; i != 6; ++i) {
    readers.emplace_back([&] {
      while (!done.load(std::memory_order_relaxed)) {
        for (int n = 0; n != 1000; ++n) {
          if (!engine.contains(tree, "key")) ++wrong;
        }
        const auto pinned = engine.get(tree, "key");
        const BytesView value = pinned->view();
        if (value.size() != 100 || value != std::string(100, value[0])) ++wrong;
      }
    });
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
  for (int n = 0; std::chrono::steady_clock::now() < end; ++n) {
    put(engine, tree, "key", std::string(100, static_cast<char>('a' + n % 26)));
    engine.flush();
  }
  done = true;
  for (std::thread& each : readers) each.join();
  CHECK(wrong == 0);
}

TEST_CASE("MemoryAdapter: a thread reads its own writes while others write") {
  MemoryAdapter engine;
  const Tree tree = engine.open_tree("t");
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t != 4; ++t) {
    threads.emplace_back([&, t] {
      for (int n = 0; n != 400; ++n) {
        const std::string key = numbered("k", static_cast<std::uint64_t>(n % 50 * 4 + t));
        const std::string value = std::to_string(n);
        put(engine, tree, key, value);
        if (engine.get(tree, key)->view() != value) ++wrong;
        if (n % 7 == 0) {
          engine.write(WriteBatch().erase(tree, key));
          if (engine.contains(tree, key)) ++wrong;
        }
      }
    });
  }
  for (std::thread& each : threads) each.join();
  CHECK(wrong == 0);
}

TEST_CASE("MemoryAdapter: a pinned value outlives later writes, moves, and its thread") {
  MemoryAdapter engine;
  const Tree tree = engine.open_tree("t");
  put(engine, tree, "key", "old");
  auto pinned = engine.get(tree, "key");
  for (int i = 0; i != 3000; ++i) put(engine, tree, "key", std::string(100, 'n'));
  engine.drop_tree(tree);
  CHECK(pinned->view() == "old");

  MemoryPinned moved = std::move(*pinned);
  CHECK(moved.view() == "old");
  CHECK(pinned->view().empty());
  pinned.reset();
  CHECK(moved.view() == "old");

  const Tree other = engine.open_tree("other");
  put(engine, other, "key", "other");
  moved = std::move(*engine.get(other, "key"));
  CHECK(moved.view() == "other");
  MemoryPinned& itself = moved;
  moved = std::move(itself);
  CHECK(moved.view() == "other");

  std::optional<MemoryPinned> handed;
  std::thread([&] { handed = engine.get(other, "key"); }).join();
  for (int i = 0; i != 3000; ++i) put(engine, other, "key", std::string(100, 'n'));
  CHECK(handed->view() == "other");
}

TEST_CASE("MemoryAdapter: thousands of pinned values of many versions stay right") {
  MemoryAdapter engine;
  const Tree tree = engine.open_tree("t");
  std::vector<std::optional<MemoryPinned>> held;
  for (int i = 0; i != 5000; ++i) {
    put(engine, tree, "key", std::to_string(i));
    held.push_back(engine.get(tree, "key"));
    if (i % 3 == 0) held[static_cast<std::size_t>(i) / 2].reset();
  }
  for (std::size_t i = 0; i != held.size(); ++i) {
    if (held[i]) REQUIRE(held[i]->view() == std::to_string(i));
  }
}

TEST_CASE("MemoryAdapter: what a snapshot hands out outlives it") {
  MemoryAdapter engine;
  const Tree tree = engine.open_tree("t");
  for (int i = 0; i != 100; ++i) put(engine, tree, numbered("k", static_cast<unsigned>(i)), "old");
  std::optional<varve::MemorySnapshot> snapshot = engine.snapshot();
  const auto pinned = snapshot->get(tree, numbered("k", 3));
  auto scan = snapshot->scan(tree, KeyRange::all());
  const varve::MemorySnapshot moved = std::move(*snapshot);
  snapshot.reset();
  for (int n = 0; n != 50; ++n) {
    for (int i = 0; i != 100; ++i)
      put(engine, tree, numbered("k", static_cast<unsigned>(i)), "new");
  }
  CHECK(moved.get(tree, numbered("k", 3))->view() == "old");
  CHECK(pinned->view() == "old");
  int met = 0;
  for (const auto [key, value] : scan) met += value == "old" ? 1 : 0;
  CHECK(met == 100);
}

TEST_CASE("MemoryAdapter: a tree that is dropped is read to the end by who reads it already") {
  MemoryAdapter engine;
  const Tree tree = engine.open_tree("t");
  WriteBatch batch;
  for (std::uint64_t i = 0; i != 10000; ++i) batch.put(tree, numbered("k", i), "v");
  engine.write(batch);
  const auto snapshot = engine.snapshot();
  auto scan = engine.scan(tree, KeyRange::all());
  engine.drop_tree(tree);
  const Tree again = engine.open_tree("t");
  CHECK(again != tree);
  for (std::uint64_t i = 0; i != 3000; ++i) put(engine, again, numbered("x", i), "w");

  CHECK(entries(snapshot, tree).size() == 10000);
  std::size_t met = 0;
  for (const auto [key, value] : scan) met += value == "v" ? 1 : 0;
  CHECK(met == 10000);
  refuses(ErrorKind::invalid_argument, "there is no tree #", [&] { return engine.get(tree, "k"); });
  refuses(ErrorKind::invalid_argument, "there is no tree #",
          [&] { return snapshot.get(again, "k"); });
}

TEST_CASE("MemoryAdapter: trees have names, stable ids, and a mark where they are reserved") {
  MemoryAdapter engine;
  CHECK(engine.trees().empty());
  const Tree plain = engine.open_tree("plain");
  const Tree reserved = engine.open_tree("varve.own");
  CHECK(!plain.reserved());
  CHECK(reserved.reserved());
  CHECK(engine.open_tree("plain") == plain);
  CHECK(engine.find_tree("plain") == plain);
  CHECK(engine.find_tree("none") == std::nullopt);
  CHECK(engine.trees() == std::vector<varve::TreeInfo>{{plain, "plain"}, {reserved, "varve.own"}});
  engine.drop_tree(plain);
  CHECK(engine.find_tree("plain") == std::nullopt);
  CHECK(engine.open_tree("plain").number() > reserved.number());
  refuses(ErrorKind::invalid_argument, "1 to 255 bytes", [&] { return engine.open_tree(""); });

  std::vector<Tree> many;
  for (std::uint64_t i = 0; i != 1000; ++i) many.push_back(engine.open_tree(numbered("t", i)));
  WriteBatch batch;
  for (const Tree tree : many) batch.put(tree, "key", std::to_string(tree.number()));
  engine.write(batch);
  for (std::size_t i = 0; i < many.size(); i += 3) engine.drop_tree(many[i]);
  for (std::size_t i = 0; i != many.size(); ++i) {
    if (i % 3 != 0) CHECK(engine.get(many[i], "key")->view() == std::to_string(many[i].number()));
  }
}

TEST_CASE("MemoryAdapter: an unknown or dropped tree is refused by every operation") {
  MemoryAdapter engine;
  const Tree good = engine.open_tree("good");
  const Tree dropped = engine.open_tree("dropped");
  engine.drop_tree(dropped);
  const Tree wrong_bit = Tree::from_id(good.id() ^ 0x8000'0000U);
  const Tree trees[] = {Tree(), dropped, Tree::from_id(999999), wrong_bit, Tree::from_id(~0U)};
  for (const Tree tree : trees) {
    const std::string words = "there is no tree #" + std::to_string(tree.id());
    const auto refused = [&](auto action) { refuses(ErrorKind::invalid_argument, words, action); };
    const BytesView key = "k";
    std::optional<MemoryPinned> value;
    refused([&] { return engine.get(tree, key); });
    refused([&] { return engine.contains(tree, key); });
    refused([&] { engine.multi_get(tree, {&key, 1}, {&value, 1}); });
    refused([&] { return engine.scan(tree, KeyRange::all()); });
    refused([&] { return engine.approximate_count(tree, KeyRange::all()); });
    refused([&] { return engine.bulk_loader(tree); });
    refused([&] { engine.drop_tree(tree); });
    refused([&] { engine.write(WriteBatch().put(good, "k", "v").erase(tree, "k")); });
    refused([&] { engine.write_and_drop(WriteBatch().put(good, "k", "v"), {&tree, 1}); });
    CHECK(!engine.contains(good, "k"));
  }
}

TEST_CASE("MemoryAdapter: a breach of a limit names it and changes nothing") {
  MemoryAdapter engine({.max_key_bytes = 10, .max_value_bytes = 20, .max_batch_bytes = 100});
  CHECK(engine.limits().max_key_bytes == 10);
  const Tree tree = engine.open_tree("t");
  const std::string key(11, 'k');
  const std::string value(21, 'v');
  const auto refused = [&](const char* limit, const WriteBatch& batch) {
    refuses(ErrorKind::invalid_argument, limit, [&] { engine.write(batch); });
    CHECK(entries(engine, tree).empty());
  };
  refused("max_key_bytes", WriteBatch().put(tree, "a", "b").put(tree, key, "v"));
  refused("max_value_bytes", WriteBatch().put(tree, "a", "b").put(tree, "k", value));
  WriteBatch large;
  for (int i = 0; i != 20; ++i) large.put(tree, "key", "value");
  refused("max_batch_bytes", large);
  CHECK(!engine.get(tree, ""));
  CHECK(!engine.contains(tree, key));
  engine.write(WriteBatch().erase(tree, key));
  engine.write(WriteBatch().put(tree, "key", "v").erase_range(tree, KeyRange::from(key)));
  CHECK(entries(engine, tree).size() == 1);
  auto loader = engine.bulk_loader(tree);
  refuses(ErrorKind::invalid_argument, "max_key_bytes", [&] { loader.put(key, "v"); });
  refuses(ErrorKind::invalid_argument, "max_value_bytes", [&] { loader.put("k", value); });
}

TEST_CASE("MemoryAdapter: values of megabytes and keys of the longest size") {
  MemoryAdapter engine;
  const Tree tree = engine.open_tree("t");
  const std::uint64_t empty = engine.memory_bytes();
  const std::string value(5 * mebibyte, 'v');
  const std::string stem(engine.limits().max_key_bytes - 1, 'k');
  for (int round = 0; round != 20; ++round) {
    WriteBatch batch;
    for (char c = 'a'; c != 'e'; ++c) batch.put(tree, stem + c, value + c);
    engine.write(batch);
  }
  for (char c = 'a'; c != 'e'; ++c) CHECK(engine.get(tree, stem + c)->view() == value + c);
  CHECK(engine.memory_bytes() < 60 * mebibyte);
  engine.write(WriteBatch().erase_range(tree, KeyRange::all()));
  CHECK(engine.memory_bytes() <= empty + 4 * mebibyte);
}

#if !VARVE_SANITIZED
TEST_CASE("MemoryAdapter: where memory runs out a batch is refused whole") {
  MemoryAdapter engine;
  const Tree tree = engine.open_tree("t");
  WriteBatch before;
  WriteBatch batch;
  for (std::uint64_t i = 0; i != 20000; ++i) before.put(tree, numbered("k", 2 * i), "old");
  engine.write(before);
  for (std::uint64_t i = 0; i != 20000; ++i) {
    batch.put(tree, numbered("k", i), std::string(i % 3 == 0 ? 3000 : 1500, 'n'));
    if (i % 5 == 0) batch.erase(tree, numbered("k", i + 20));
  }
  batch.erase_range(tree, KeyRange::all());
  const Entries held = entries(engine, tree);
  const std::uint64_t bytes = engine.memory_bytes();

  rlimit unlimited{};
  REQUIRE(::getrlimit(RLIMIT_AS, &unlimited) == 0);
  for (const std::uint64_t more : {4U, 9U, 16U, 30U}) {
    rlimit limited = unlimited;
    limited.rlim_cur = address_space_bytes() + more * mebibyte;
    REQUIRE(::setrlimit(RLIMIT_AS, &limited) == 0);
    std::optional<ErrorKind> kind;
    try {
      engine.write(batch);
    } catch (const Error& error) {
      kind = error.kind();
    }
    REQUIRE(::setrlimit(RLIMIT_AS, &unlimited) == 0);
    CHECK(kind == ErrorKind::no_space);
    CHECK(entries(engine, tree) == held);
    CHECK(engine.memory_bytes() <= bytes + 2 * mebibyte);
  }
  engine.write(batch);
  CHECK(entries(engine, tree).empty());
}
#endif

TEST_CASE("MemoryAdapter: write_and_drop does both or neither") {
  MemoryAdapter engine;
  const Tree kept = engine.open_tree("kept");
  const Tree old = engine.open_tree("old");
  put(engine, old, "k", "v");
  const Tree twice[] = {old, old};
  engine.write_and_drop(WriteBatch().put(kept, "done", "yes").put(old, "k", "w"), twice);
  CHECK(engine.get(kept, "done")->view() == "yes");
  CHECK(engine.find_tree("old") == std::nullopt);
  CHECK(engine.trees().size() == 1);
}

TEST_CASE("MemoryAdapter: erased memory is given back") {
  MemoryAdapter engine;
  const Tree tree = engine.open_tree("t");
  put(engine, tree, "first", "v");
  const std::uint64_t before = engine.memory_bytes();
  const auto fill = [&] {
    WriteBatch batch;
    for (std::uint64_t i = 0; i != 100000; ++i) {
      batch.put(tree, numbered("k", i * 7919 % 100000), std::string(100, 'v'));
    }
    engine.write(batch);
    CHECK(engine.memory_bytes() > before + 12 * mebibyte);
  };

  SECTION("key by key") {
    fill();
    for (std::uint64_t i = 0; i != 100000; ++i) {
      engine.write(WriteBatch().erase(tree, numbered("k", i)));
    }
    engine.flush();
    CHECK(engine.memory_bytes() <= before + 4 * mebibyte);
  }
  SECTION("as a range") {
    fill();
    engine.write(WriteBatch().erase_range(tree, KeyRange::prefix("k")));
    CHECK(engine.memory_bytes() <= before + 4 * mebibyte);
  }
  SECTION("with its tree") {
    fill();
    engine.drop_tree(tree);
    CHECK(engine.memory_bytes() <= before + 4 * mebibyte);
  }
  SECTION("when the last snapshot that shows it dies") {
    fill();
    std::optional<varve::MemorySnapshot> one = engine.snapshot();
    std::optional<varve::MemorySnapshot> two = engine.snapshot();
    engine.drop_tree(tree);
    CHECK(engine.memory_bytes() > before + 12 * mebibyte);
    one.reset();
    CHECK(engine.memory_bytes() > before + 12 * mebibyte);
    CHECK(entries(*two, tree).size() == 100001);
    two.reset();
    CHECK(engine.memory_bytes() <= before + 4 * mebibyte);
  }
  SECTION("when the last scan that shows it dies") {
    fill();
    std::optional<varve::MemoryScan> scan = engine.scan(tree, KeyRange::all());
    engine.write(WriteBatch().erase_range(tree, KeyRange::all()));
    CHECK(engine.memory_bytes() > before + 12 * mebibyte);
    scan.reset();
    CHECK(engine.memory_bytes() <= before + 4 * mebibyte);
  }
  SECTION("while an older snapshot lives that does not show it") {
    const auto old = engine.snapshot();
    fill();
    engine.write(WriteBatch().erase_range(tree, KeyRange::prefix("k")));
    CHECK(engine.memory_bytes() <= before + 4 * mebibyte);
    for (int round = 0; round != 100000; ++round) put(engine, tree, "k", std::string(1000, 'v'));
    CHECK(engine.memory_bytes() <= before + 4 * mebibyte);
    CHECK(entries(old, tree).size() == 1);
  }
}

TEST_CASE("MemoryAdapter: a bulk load appears at once, and where it was dropped never") {
  MemoryAdapter engine;
  const Tree tree = engine.open_tree("t");
  Model model;
  for (std::uint64_t i = 0; i < 20000; i += 1000) {
    put(engine, tree, numbered("k", i), "old");
    model[numbered("k", i)] = "old";
  }
  {
    auto abandoned = engine.bulk_loader(tree);
    for (std::uint64_t i = 0; i != 5000; ++i) abandoned.put(numbered("k", i), "never");
  }
  CHECK(entries(engine, tree) == entries(model));

  auto loader = engine.bulk_loader(tree);
  for (std::uint64_t i = 500; i != 15500; ++i) {
    loader.put(numbered("k", i), "new");
    model[numbered("k", i)] = "new";
  }
  refuses(ErrorKind::invalid_argument, "ascending", [&] { loader.put(numbered("k", 15499), "x"); });
  refuses(ErrorKind::invalid_argument, "at least one byte", [&] { loader.put("", "x"); });
  CHECK(engine.approximate_count(tree, KeyRange::all()) == 20);
  const auto before = engine.snapshot();
  auto moved = std::move(loader);
  moved.finish();
  CHECK(entries(engine, tree) == entries(model));
  CHECK(engine.approximate_count(tree, KeyRange::all()) == model.size());
  CHECK(entries(before, tree).size() == 20);
  refuses(ErrorKind::invalid_argument, "after finish", [&] { moved.put("z", "x"); });
  refuses(ErrorKind::invalid_argument, "after finish", [&] { moved.finish(); });

  auto empty = engine.bulk_loader(tree);
  empty.finish();
  auto late = engine.bulk_loader(tree);
  late.put("z", "x");
  engine.drop_tree(tree);
  refuses(ErrorKind::invalid_argument, "there is no tree #", [&] { late.finish(); });
}

TEST_CASE("MemoryAdapter: several loaders fill one tree at once") {
  MemoryAdapter engine;
  const Tree tree = engine.open_tree("t");
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t != 4; ++t) {
    threads.emplace_back([&, t] {
      auto loader = engine.bulk_loader(tree);
      for (std::uint64_t i = 0; i != 10000; ++i) loader.put(numbered("k", i * 4 + t), "v");
      loader.finish();
      for (std::uint64_t i = 0; i < 10000; i += 5) {
        engine.write(WriteBatch().erase(tree, numbered("k", i * 4 + t)));
      }
    });
  }
  for (std::thread& each : threads) each.join();
  CHECK(engine.approximate_count(tree, KeyRange::all()) == 32000);
  CHECK(entries(engine, tree).size() == 32000);
}

TEST_CASE("MemoryAdapter: a move takes everything along") {
  MemoryAdapter second;
  MemoryAdapter first;
  const Tree tree = first.open_tree("t");
  put(first, tree, "k", "v");
  const auto pinned = first.get(tree, "k");
  const auto snapshot = first.snapshot();
  second = std::move(first);
  put(second, tree, "k", "w");
  CHECK(pinned->view() == "v");
  CHECK(snapshot.get(tree, "k")->view() == "v");
  CHECK(second.get(tree, "k")->view() == "w");
}

TEST_CASE("MemoryAdapter: two engines do not hold back each other's memory") {
  MemoryAdapter one;
  MemoryAdapter two;
  const Tree tree = one.open_tree("t");
  const Tree other = two.open_tree("t");
  const auto snapshot = two.snapshot();
  for (int i = 0; i != 30000; ++i) {
    put(one, tree, "k", std::string(1000, 'v'));
    put(two, other, "k", std::string(1000, 'v'));
  }
  CHECK(one.memory_bytes() <= 4 * mebibyte);
  CHECK(two.memory_bytes() <= 4 * mebibyte);
  CHECK(snapshot.approximate_count(other, KeyRange::all()) == 0);
}

TEST_CASE("MemoryAdapter: the child of a fork is refused") {
  MemoryAdapter engine;
  const Tree tree = engine.open_tree("t");
  put(engine, tree, "k", "v");
  CHECK(varve_test::child_succeeds([&] {
    int refused = 0;
    const auto count = [&](auto action) {
      try {
        action();
      } catch (const Error& error) {
        refused += error.kind() == ErrorKind::invalid_argument ? 1 : 0;
      }
    };
    count([&] { static_cast<void>(engine.get(tree, "k")); });
    count([&] { engine.write(WriteBatch().put(tree, "k", "w")); });
    count([&] { static_cast<void>(engine.trees()); });
    return refused == 3;
  }));
  CHECK(engine.get(tree, "k")->view() == "v");
}
