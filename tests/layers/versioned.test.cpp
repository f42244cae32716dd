// SPDX-License-Identifier: Apache-2.0
#include <varve/layers/versioned.hpp>

#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/open.hpp>
#include <varve/testing/full_engine.hpp>
#include <varve/testing/minimal_engine.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <cstdint>
#include <string>
#include <vector>

using namespace varve;
using varve_test::ContainsSubstring;
using varve_test::TempDirectory;

namespace {

using InMemory = Versioned<MemoryAdapter, Uncommitted>;

template <class R>
std::string text_at(const R& reader, Tree tree, BytesView key) {
  return get_copy(reader, tree, key).value_or("nothing");
}

template <class Call>
HeightFault fault_of(Call call) {
  try {
    call();
  } catch (const HeightError& error) {
    CHECK(error.kind() == ErrorKind::invalid_argument);
    return error.fault();
  }
  FAIL("no height error was thrown");
  return {};
}

std::uint64_t entries_of(const InMemory& store) {
  return count(store.next(), *store.next().find_tree("varve.history"));
}

}  // namespace

TEST_CASE("Versioned models what its engine does, less what would pass by history") {
  using Full = Versioned<testing::FullEngine, Uncommitted>;
  STATIC_REQUIRE(assert_layer<Full>());
  STATIC_REQUIRE(SnapshotEngine<Full>);
  STATIC_REQUIRE(MultiGetEngine<Full>);
  STATIC_REQUIRE(TransactionalDropEngine<Full>);
  STATIC_REQUIRE(CheckpointEngine<Full>);
  STATIC_REQUIRE_FALSE(BulkLoadEngine<Full>);
  STATIC_REQUIRE_FALSE(TransactionalEngine<Full>);
  STATIC_REQUIRE_FALSE(TailEngine<Full>);
  STATIC_REQUIRE(assert_layer<Versioned<testing::MinimalEngine, Uncommitted>>());
  STATIC_REQUIRE(KvReader<Past<testing::FullEngine>>);
  STATIC_REQUIRE(KvEngine<Block<Full>>);
}

TEST_CASE("Versioned: a height is read as it was, by every way of reading") {
  auto store = open<InMemory>();
  const Tree tree = store.open_tree("t");
  store.commit(WriteBatch().put(tree, "a", "1").put(tree, "b", "1"), Height{10});
  store.commit(WriteBatch().put(tree, "a", "2").erase(tree, "b").put(tree, "c", "2"), Height{20});
  store.commit(WriteBatch().erase_range(tree, KeyRange::all()), Height{30});
  CHECK(store.latest() == Height{30});
  CHECK(store.oldest() == Height{0});
  CHECK_FALSE(store.get(tree, "a"));

  const auto at10 = store.at(Height{10});
  CHECK(text_at(at10, tree, "a") == "1");
  CHECK(text_at(at10, tree, "b") == "1");
  CHECK(text_at(at10, tree, "c") == "nothing");
  CHECK(at10.contains(tree, "b"));
  CHECK_FALSE(at10.contains(tree, "c"));
  CHECK(at10.find_tree("t") == tree);
  CHECK(at10.height() == Height{10});

  const auto at25 = store.at(Height{25});
  std::string met;
  for (const auto [key, value] : at25.scan(tree, KeyRange::all(), Order::descending)) {
    met.append(key).append(value);
  }
  CHECK(met == "c2a2");
  const std::vector<BytesView> keys{"c", "b", "a"};
  std::vector<std::optional<pinned_t<decltype(at25)>>> values(3);
  multi_get(at25, tree, keys, values);
  CHECK(values[0]->view() == "2");
  CHECK_FALSE(values[1]);
  CHECK(values[2]->view() == "2");

  CHECK(store.get_versioned(tree, "b", Height{19})->view() == "1");
  CHECK_FALSE(store.get_versioned(tree, "b", Height{9}));
  CHECK_FALSE(store.get_latest(tree, "b"));
  CHECK(count(store.at(Height{0}), tree) == 0);
}

TEST_CASE("Versioned: a past height stays as it is while heights come and go") {
  auto store = open<InMemory>(VersionedOptions{.retain_heights = 2});
  const Tree tree = store.open_tree("t");
  store.commit(WriteBatch().put(tree, "k", "1"), Height{1});
  store.commit(WriteBatch().put(tree, "k", "2"), Height{2});
  const auto at1 = store.at(Height{1});
  auto scan = at1.scan(tree, KeyRange::all());
  for (std::uint64_t h = 3; h != 40; ++h) {
    store.commit(WriteBatch().put(tree, "k", std::to_string(h)).put(tree, "l", "x"), Height{h});
  }
  while (store.prune_step()) {
  }
  CHECK(text_at(at1, tree, "k") == "1");
  CHECK(text_at(at1, tree, "l") == "nothing");
  REQUIRE(scan.valid());
  CHECK(scan.entry() == Entry{"k", "1"});
  CHECK(fault_of([&] { (void)store.at(Height{1}); }) == HeightFault::pruned);
}

TEST_CASE("Versioned: what cannot be had is said, by kind and in words") {
  auto store = open<InMemory>(VersionedOptions{.retain_heights = 3, .base_height = 100});
  const Tree tree = store.open_tree("t");
  for (std::uint64_t h = 101; h != 111; ++h) {
    store.commit(WriteBatch().put(tree, "k", std::to_string(h)), Height{h});
  }
  CHECK(store.oldest() == Height{108});
  CHECK(fault_of([&] { (void)store.at(Height{111}); }) == HeightFault::not_reached);
  CHECK(fault_of([&] { (void)store.at(Height{107}); }) == HeightFault::pruned);
  CHECK(fault_of([&] { store.commit({}, Height{110}); }) == HeightFault::out_of_order);
  CHECK(fault_of([&] { (void)store.begin(Height{5}); }) == HeightFault::out_of_order);
  CHECK(fault_of([&] { store.rollback(Height{107}); }) == HeightFault::pruned);
  CHECK(fault_of([&] { store.rollback(Height{111}); }) == HeightFault::not_reached);
  CHECK_THROWS_WITH((void)store.at(Height{107}),
                    ContainsSubstring("height 107 is no longer kept: the oldest that can be had "
                                      "is 108"));
  CHECK(text_at(store, tree, "k") == "110");
  store.commit({}, Height{~std::uint64_t{0}});
  CHECK(fault_of([&] { store.write(WriteBatch().put(tree, "k", "x")); }) ==
        HeightFault::out_of_order);
}

TEST_CASE("Versioned: write makes the next height, and none where no record changes") {
  auto store = open<InMemory>();
  const Tree tree = store.open_tree("t");
  const Tree own = store.open_tree("varve.own");
  store.write(WriteBatch().put(tree, "k", "1").put(own, "k", "1"));
  CHECK(store.latest() == Height{1});
  store.write(WriteBatch().put(tree, "k", "1").erase(tree, "l"));
  store.write(WriteBatch().put(own, "k", "2"));
  store.write({});
  CHECK(store.latest() == Height{1});
  CHECK(text_at(store, own, "k") == "2");
  CHECK(text_at(store.at(Height{0}), own, "k") == "2");
  CHECK(entries_of(store) == 1);
  store.commit({}, Height{7});
  CHECK(store.latest() == Height{7});
  CHECK(store.statistics().heights == 3);
}

TEST_CASE("Versioned: a block reads its own writes and is nowhere before it is finalized") {
  auto store = open<InMemory>();
  const Tree tree = store.open_tree("t");
  store.commit(WriteBatch().put(tree, "a", "1").put(tree, "b", "1"), Height{1});
  {
    auto block = store.begin(Height{2});
    block.put(tree, "c", "2");
    block.erase(tree, "a");
    CHECK(text_at(block, tree, "c") == "2");
    CHECK_FALSE(block.contains(tree, "a"));
    CHECK(count(block, tree) == 2);
    CHECK(block.height() == Height{2});
  }
  CHECK(count(store, tree) == 2);
  CHECK(text_at(store, tree, "a") == "1");
  auto block = store.begin(Height{2});
  block.erase_range(tree, KeyRange::all());
  block.put(tree, "z", "2");
  block.finalize();
  CHECK(count(store, tree) == 1);
  CHECK(count(store.at(Height{1}), tree) == 2);

  auto late = store.begin(Height{5});
  late.put(tree, "late", "1");
  store.commit(WriteBatch().put(tree, "other", "1"), Height{3});
  try {
    late.finalize();
    FAIL("a block was committed over a height that it had not seen");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::conflict);
  }
  CHECK(store.latest() == Height{3});
  CHECK_FALSE(store.get(tree, "late"));
}

TEST_CASE("Versioned: changes between two heights, either way") {
  auto store = open<InMemory>();
  const Tree tree = store.open_tree("t");
  store.commit(WriteBatch().put(tree, "a", "1").put(tree, "b", "1"), Height{1});
  store.commit(WriteBatch().put(tree, "a", "2").put(tree, "c", "2"), Height{2});
  store.commit(WriteBatch().put(tree, "a", "1").erase(tree, "b"), Height{3});
  const auto spelled = [&](std::uint64_t from, std::uint64_t to) {
    std::string text;
    for (const HeightChange& change : store.changes(Height{from}, Height{to})) {
      text.append(change.key).append(" ").append(change.before.value_or("-"));
      text.append(">").append(change.after.value_or("-")).append(" ");
    }
    return text;
  };
  CHECK(spelled(1, 2) == "a 1>2 c ->2 ");
  CHECK(spelled(1, 3) == "b 1>- c ->2 ");
  CHECK(spelled(3, 1) == "b ->1 c 2>- ");
  CHECK(spelled(2, 2).empty());
  CHECK(fault_of([&] { (void)store.changes(Height{1}, Height{4}); }) == HeightFault::not_reached);
}

TEST_CASE("Versioned: a rollback brings back what was, and another branch may follow") {
  auto store = open<InMemory>();
  const Tree tree = store.open_tree("t");
  for (std::uint64_t h = 1; h != 20; ++h) {
    store.commit(WriteBatch().put(tree, "k", std::to_string(h)).put(tree, std::to_string(h), "x"),
                 Height{h * 10});
  }
  const std::uint64_t entries = entries_of(store);
  store.rollback(Height{145});
  CHECK(store.latest() == Height{140});
  CHECK(text_at(store, tree, "k") == "14");
  CHECK(count(store, tree) == 15);
  CHECK(entries_of(store) == entries - 10);
  CHECK(store.statistics().rolled_back == 5);
  CHECK(fault_of([&] { (void)store.at(Height{150}); }) == HeightFault::not_reached);
  store.commit(WriteBatch().put(tree, "k", "branch"), Height{141});
  CHECK(text_at(store, tree, "k") == "branch");
  CHECK(text_at(store.at(Height{140}), tree, "k") == "14");
  CHECK(text_at(store.at(Height{50}), tree, "k") == "5");
  store.rollback(Height{0});
  CHECK(count(store, tree) == 0);
  CHECK(entries_of(store) == 0);
}

TEST_CASE("Versioned: a tree that is dropped takes its past along, and no rollback passes it") {
  TempDirectory directory;
  using Stack = Versioned<RocksAdapter, Uncommitted>;
  auto store = open<Stack>(directory / "db");
  const Tree tree = store.open_tree("t");
  const Tree other = store.open_tree("other");
  store.commit(WriteBatch().put(tree, "k", "1").put(other, "k", "1"), Height{1});
  store.commit(WriteBatch().put(tree, "k", "2").put(other, "k", "2"), Height{2});
  const auto before = store.at(Height{1});
  store.drop_tree(tree);
  CHECK_THROWS_AS((void)store.at(Height{1}).get(tree, "k"), Error);
  CHECK(text_at(before, tree, "k") == "1");
  CHECK(text_at(store.at(Height{1}), other, "k") == "1");
  CHECK(fault_of([&] { store.rollback(Height{1}); }) == HeightFault::pruned);
  CHECK(store.open_tree("t") != tree);
  std::size_t changed = 0;
  for (const HeightChange& change : store.changes(Height{1}, Height{2})) {
    CHECK(change.tree == other);
    ++changed;
  }
  CHECK(changed == 1);
}

TEST_CASE("Versioned: history joins a store without rewriting it") {
  TempDirectory directory;
  {
    auto plain = open<LmdbAdapter>(directory / "db");
    const Tree tree = plain.open_tree("t");
    plain.write(WriteBatch().put(tree, "a", "old").put(tree, "b", "old"));
  }
  using Stack = Versioned<LmdbAdapter, Uncommitted>;
  {
    auto store = open<Stack>(directory / "db", VersionedOptions{.base_height = 500});
    const Tree tree = *store.find_tree("t");
    CHECK(store.latest() == Height{500});
    store.commit(WriteBatch().put(tree, "a", "new").erase(tree, "b"), Height{501});
    CHECK(text_at(store.at(Height{500}), tree, "b") == "old");
    CHECK(fault_of([&] { (void)store.at(Height{499}); }) == HeightFault::pruned);
  }
  auto again = open<Stack>(directory / "db");
  CHECK(again.latest() == Height{501});
  again.rollback(Height{500});
  CHECK(text_at(again, *again.find_tree("t"), "a") == "old");
  CHECK_THROWS_AS((void)open<LmdbAdapter>(directory / "db"), Error);
}

TEST_CASE("Versioned: retention by bytes gives up the oldest heights first") {
  auto store = open<InMemory>(
      VersionedOptions{.retain_heights = VersionedOptions::for_ever, .retain_bytes = 20'000});
  const Tree tree = store.open_tree("t");
  const std::string value(1000, 'v');
  for (std::uint64_t h = 1; h != 100; ++h) {
    store.commit(WriteBatch().put(tree, "k", value + std::to_string(h)), Height{h});
    CHECK(store.statistics().bytes <= 20'000);
  }
  CHECK(store.oldest() < Height{99 - 15});
  CHECK(store.oldest() > Height{99 - 20});
  CHECK(text_at(store.at(store.oldest()), tree, "k") ==
        value + std::to_string(store.oldest().value));
}

TEST_CASE("Versioned: pruning is bounded, keeps up, and leaves nothing behind") {
  auto store = open<InMemory>(VersionedOptions{.retain_heights = 5});
  const Tree tree = store.open_tree("t");
  WriteBatch large;
  for (int i = 0; i != 20'000; ++i) large.put(tree, std::to_string(i), "x");
  store.commit(large, Height{1});
  std::uint64_t pruned = 0;
  for (std::uint64_t h = 2; h != 300; ++h) {
    store.commit(WriteBatch().put(tree, "k", std::to_string(h)), Height{h});
    const auto now = store.statistics();
    CHECK(now.pruned - pruned <= 256 + 128);
    pruned = now.pruned;
    CHECK(now.heights <= 5);
  }
  CHECK(store.statistics().waiting == 1);  // of the height that the last one gave up
  CHECK_FALSE(store.prune_step());
  CHECK(store.statistics().waiting == 0);
  CHECK(entries_of(store) == store.statistics().entries);
  CHECK(entries_of(store) == 4);
}

TEST_CASE("Versioned: its own trees are out of reach") {
  auto store = open<InMemory>();
  for (const TreeInfo& info : store.trees()) CHECK(info.name == "varve.stack");
  for (const BytesView own : {"varve.history", "varve.heights", "varve.trie"}) {
    CHECK_FALSE(store.find_tree(own));
    CHECK_THROWS_AS((void)store.open_tree(own), Error);
    const Tree tree = *store.next().find_tree(own);
    CHECK_THROWS_AS(store.write(WriteBatch().put(tree, "k", "v")), Error);
  }
}

TEST_CASE("Versioned: keys that history has no room for are refused, and can still be read") {
  TempDirectory directory;
  const std::string key(511, 'k');
  {
    auto plain = open<LmdbAdapter>(directory / "db");
    plain.write(WriteBatch().put(plain.open_tree("t"), key, "v"));
  }
  auto store = open<Versioned<LmdbAdapter, Uncommitted>>(directory / "db");
  const Tree tree = *store.find_tree("t");
  CHECK(store.limits().max_key_bytes == 440);
  CHECK(text_at(store, tree, key) == "v");
  CHECK(text_at(store.at(Height{0}), tree, key) == "v");
  CHECK_THROWS_WITH(store.write(WriteBatch().erase(tree, key)), ContainsSubstring("max_key_bytes"));
  CHECK_THROWS_WITH(store.write(WriteBatch().erase_range(tree, KeyRange::all())),
                    ContainsSubstring("max_key_bytes"));
  CHECK(text_at(store, tree, key) == "v");
  CHECK(store.latest() == Height{0});
}

TEST_CASE("Versioned: damaged history is corruption, never another past") {
  auto store = open<InMemory>();
  const Tree tree = store.open_tree("t");
  store.commit(WriteBatch().put(tree, "k", "1"), Height{1});
  store.commit(WriteBatch().put(tree, "k", "2"), Height{2});
  auto& below = store.next();
  const Tree heights = *below.find_tree("varve.heights");
  std::vector<std::pair<std::string, std::string>> records;
  for (auto scan = below.scan(heights, KeyRange::all()); scan.valid(); scan.next()) {
    records.emplace_back(scan.entry().key, scan.entry().value);
  }
  for (const auto& [key, value] : records) {
    for (std::size_t at = 0; at != value.size(); ++at) {
      std::string damaged = value;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
      below.write(WriteBatch().put(heights, key, damaged));
      if (key == "h") CHECK_THROWS_AS((void)store.at(Height{1}), Error);
      if (key[0] == 'c') CHECK_THROWS_AS((void)store.changes(Height{0}, Height{2}), Error);
    }
    below.write(WriteBatch().put(heights, key, value));
  }
  CHECK(text_at(store.at(Height{1}), tree, "k") == "1");
}
