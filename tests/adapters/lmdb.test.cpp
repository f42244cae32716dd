// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <sys/stat.h>

#include <ranges>
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <new>
#include <string>
#include <vector>

namespace {

using namespace varve;
using varve_test::ContainsSubstring;
using varve_test::TempDirectory;

static_assert(assert_kv_engine<LmdbAdapter>());
static_assert(SnapshotEngine<LmdbAdapter>);
static_assert(MultiGetEngine<LmdbAdapter>);
static_assert(CountEngine<LmdbAdapter>);
static_assert(BulkLoadEngine<LmdbAdapter>);
static_assert(CheckpointEngine<LmdbAdapter>);
static_assert(TransactionalDropEngine<LmdbAdapter>);
static_assert(!CompactEngine<LmdbAdapter>);
static_assert(!TailEngine<LmdbAdapter>);
static_assert(!TransactionalEngine<LmdbAdapter>);
static_assert(std::is_nothrow_move_constructible_v<LmdbAdapter>);

using Content = std::map<std::string, std::string>;

std::string key_of(int number) {
  std::string digits = std::to_string(number);
  return "key" + std::string(8 - digits.size(), '0') + digits;
}

void put(LmdbAdapter& store, Tree tree, BytesView key, BytesView value) {
  WriteBatch batch;
  batch.put(tree, key, value);
  store.write(batch, Durability::buffered);
}

std::string read(const auto& reader, Tree tree, BytesView key) {
  const auto value = reader.get(tree, key);
  return value ? std::string(value->view()) : "(absent)";
}

Content content(const auto& reader, Tree tree, KeyRange range = KeyRange::all()) {
  Content found;
  for (const Entry entry : reader.scan(tree, range)) found.emplace(entry.key, entry.value);
  return found;
}

std::vector<std::string> keys_of(const auto& reader, Tree tree, KeyRange range, Order order) {
  std::vector<std::string> keys;
  for (const Entry entry : reader.scan(tree, range, order)) keys.emplace_back(entry.key);
  return keys;
}

template <class Body>
Error error_of(Body body) {
  try {
    body();
  } catch (const Error& error) {
    CHECK(error.details().layer == "lmdb");
    return error;
  }
  FAIL("nothing was thrown");
  return {ErrorKind::io, {}};
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

}  // namespace

TEST_CASE("LmdbAdapter: what is written is read, in this opening and the next") {
  const TempDirectory temp;
  const Content expected{{"a", "1"}, {"b", std::string(100'000, 'x')}, {"c", ""}};
  Tree tree;
  {
    LmdbAdapter store(temp.path());
    tree = store.open_tree("tree");
    WriteBatch batch;
    for (const auto& [key, value] : expected) batch.put(tree, key, value);
    batch.put(tree, "gone", "1").erase(tree, "gone").erase(tree, "never");
    store.write(batch);
    CHECK(content(store, tree) == expected);
    CHECK(store.contains(tree, "c"));
    CHECK_FALSE(store.contains(tree, "gone"));
  }
  const LmdbAdapter store(temp.path());
  CHECK(store.find_tree("tree") == tree);
  CHECK(content(store, tree) == expected);
}

TEST_CASE("LmdbAdapter: an empty or over-long key is absent, and its writing is refused") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  put(store, tree, "before", "1");
  CHECK_FALSE(store.get(tree, ""));
  CHECK_FALSE(store.get(tree, BytesView()));
  CHECK_FALSE(store.contains(tree, std::string(5000, 'k')));
  CHECK(store.limits().max_key_bytes == 511);

  WriteBatch batch;
  batch.put(tree, "other", "1").put(tree, std::string(512, 'k'), "v");
  const Error error = error_of([&] { store.write(batch); });
  CHECK(error.kind() == ErrorKind::invalid_argument);
  CHECK(error.details().tree == "tree");
  CHECK(error.details().message ==
        "the key has 512 bytes and LMDB takes at most 511 (max_key_bytes); shorten it, or hash the "
        "part beyond");
  CHECK_FALSE(store.contains(tree, "other"));

  put(store, tree, std::string(511, 'k'), "longest");
  CHECK(read(store, tree, std::string(511, 'k')) == "longest");
  WriteBatch erases;
  erases.erase(tree, std::string(512, 'k'))
      .erase_range(tree, KeyRange::from(std::string(600, 'z')));
  CHECK_NOTHROW(store.write(erases));
}

TEST_CASE("LmdbAdapter: scans see the range, in both orders, with bounds of any length") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  WriteBatch batch;
  const std::vector<std::string> all{"a", "ab", "b", "b\xff", "c", std::string("c\0", 2), "\xff"};
  for (const auto& key : all) batch.put(tree, key, "v");
  store.write(batch);
  const std::string longest(2000, 'b');
  const std::vector<KeyRange> ranges{KeyRange::all(),
                                     KeyRange::prefix("a"),
                                     KeyRange::prefix("b"),
                                     KeyRange::prefix("\xff"),
                                     KeyRange::from("b"),
                                     KeyRange::from("zz\xff\xff"),
                                     KeyRange::from(longest),
                                     KeyRange::between("", "b"),
                                     KeyRange::between("a", longest),
                                     KeyRange::between(longest, "c"),
                                     KeyRange::between("b", "b"),
                                     KeyRange::between("c", "a"),
                                     KeyRange::between("0", "1"),
                                     KeyRange::prefix("x")};
  for (const KeyRange range : ranges) {
    std::vector<std::string> expected;
    for (const auto& key : all) {
      if (range.contains(key)) expected.push_back(key);
    }
    CHECK(keys_of(store, tree, range, Order::ascending) == expected);
    CHECK(keys_of(store.snapshot(), tree, range, Order::ascending) == expected);
    std::reverse(expected.begin(), expected.end());
    CHECK(keys_of(store, tree, range, Order::descending) == expected);
  }
  CHECK(keys_of(store, store.open_tree("empty"), KeyRange::all(), Order::descending).empty());
}

TEST_CASE("LmdbAdapter: ranges are erased in their place among the other operations") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  const Tree other = store.open_tree("other");
  WriteBatch batch;
  for (int i = 0; i < 5000; ++i) batch.put(tree, key_of(i), std::string(50, 'v'));
  batch.put(other, "o", "1");
  store.write(batch);

  batch.clear();
  batch.erase_range(tree, KeyRange::between(key_of(10), key_of(4990)));
  batch.put(tree, key_of(100), "again");
  batch.erase_range(tree, KeyRange::from(key_of(4995)));
  store.write(batch);
  const Content left = content(store, tree);
  CHECK(left.size() == 10 + 5 + 1);
  CHECK(left.at(key_of(100)) == "again");
  CHECK(left.rbegin()->first == key_of(4994));

  batch.clear();
  batch.put(tree, "x", "1").erase_range(tree, KeyRange::all()).put(tree, "y", "2");
  store.write(batch);
  CHECK(content(store, tree) == Content{{"y", "2"}});
  CHECK(content(store, other) == Content{{"o", "1"}});
}

TEST_CASE("LmdbAdapter: a pinned value outlives later writes") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  put(store, tree, "key", std::string(3000, '0'));
  auto value = store.get(tree, "key");
  for (int i = 1; i < 200; ++i) {
    put(store, tree, "key", std::string(3000, static_cast<char>('0' + i % 10)));
  }
  CHECK(value->view() == std::string(3000, '0'));
  CHECK(read(store, tree, "key") == std::string(3000, '9'));
  auto moved = std::move(*value);
  value.reset();
  CHECK(moved.view() == std::string(3000, '0'));
  auto second = store.get(tree, "key");
  moved = std::move(*second);
  CHECK(moved.view() == std::string(3000, '9'));
}

TEST_CASE("LmdbAdapter: a thousand values held at once share few reading transactions") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path(), {.max_readers = 16});
  const Tree tree = store.open_tree("tree");
  WriteBatch batch;
  for (int i = 0; i < 1000; ++i) batch.put(tree, key_of(i), std::to_string(i));
  store.write(batch);
  for (int round = 0; round < 5; ++round) {
    std::vector<LmdbPinned> values;
    for (int i = 0; i < 1000; ++i) {
      values.push_back(*store.get(tree, key_of(i)));
      if (i != 500) continue;
      put(store, tree, "more", std::to_string(round));
      REQUIRE(read(store, tree, "more") == std::to_string(round));
    }
    for (int i = 0; i < 1000; ++i) {
      REQUIRE(values[static_cast<std::size_t>(i)].view() == std::to_string(i));
    }
    CHECK(store.statistics().reader_slots <= 8);
  }
  CHECK(store.statistics().oldest_reader_lag == 0);
}

TEST_CASE("LmdbAdapter: readers beyond max_readers get busy and are told what to do") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path(), {.max_readers = 4});
  const Tree tree = store.open_tree("tree");
  std::vector<LmdbSnapshot> snapshots;
  const Error error = error_of([&] {
    for (int i = 0; i < 10; ++i) snapshots.push_back(store.snapshot());
  });
  CHECK(error.kind() == ErrorKind::busy);
  CHECK_THAT(error.what(), ContainsSubstring("LmdbOptions::max_readers"));
  CHECK_THAT(error.what(), ContainsSubstring("MDB_READERS_FULL"));
  snapshots.clear();
  put(store, tree, "k", "v");
  CHECK(read(store, tree, "k") == "v");
}

TEST_CASE("LmdbAdapter: a snapshot keeps its state, and what it gave out outlives it") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  put(store, tree, "a", "old");
  put(store, tree, "b", "old");
  auto snapshot = std::make_unique<LmdbSnapshot>(store.snapshot());
  WriteBatch batch;
  batch.put(tree, "a", "new").erase(tree, "b").put(tree, "c", "new");
  store.write(batch);
  const Content old{{"a", "old"}, {"b", "old"}};
  CHECK(content(*snapshot, tree) == old);
  CHECK(read(*snapshot, tree, "c") == "(absent)");
  CHECK_FALSE(snapshot->get(tree, ""));
  const auto value = snapshot->get(tree, "a");
  auto scan = snapshot->scan(tree, KeyRange::all());
  snapshot.reset();
  for (int i = 0; i < 100; ++i) put(store, tree, "a", std::to_string(i));
  CHECK(value->view() == "old");
  CHECK(scan.entry() == Entry{"a", "old"});
  scan.next();
  CHECK(scan.entry() == Entry{"b", "old"});
  scan.next();
  CHECK_FALSE(scan.valid());
}

TEST_CASE("LmdbAdapter: multi_get reads all keys from one state") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  put(store, tree, "a", "1");
  put(store, tree, "c", "3");
  const std::vector<BytesView> keys{"a", "b", "", "c", "a"};
  std::vector<std::optional<LmdbPinned>> values(keys.size());
  values[1] = store.get(tree, "a");
  store.multi_get(tree, keys, values);
  put(store, tree, "a", "later");
  CHECK(values[0]->view() == "1");
  CHECK_FALSE(values[1]);
  CHECK_FALSE(values[2]);
  CHECK(values[3]->view() == "3");
  CHECK(values[4]->view() == "1");
  const LmdbPinned kept = std::move(*values[3]);
  values.clear();
  for (int i = 0; i < 100; ++i) put(store, tree, "c", std::to_string(i));
  CHECK(kept.view() == "3");
}

TEST_CASE("LmdbAdapter: trees keep their ids, and no id is given twice") {
  const TempDirectory temp;
  Tree a, b, reserved;
  {
    LmdbAdapter store(temp.path());
    a = store.open_tree("a");
    b = store.open_tree("b");
    reserved = store.open_tree("varve.ledger");
    CHECK(reserved.reserved());
    CHECK(store.open_tree("a") == a);
    put(store, reserved, "k", "reserved");
    CHECK(read(store, reserved, "k") == "reserved");
    store.drop_tree(b);
    CHECK_FALSE(store.find_tree("b"));
  }
  LmdbAdapter store(temp.path());
  CHECK(store.find_tree("a") == a);
  CHECK(store.find_tree("varve.ledger") == reserved);
  CHECK(read(store, reserved, "k") == "reserved");
  const Tree again = store.open_tree("b");
  CHECK(again != b);
  CHECK(again.number() > reserved.number());
  const std::vector<TreeInfo> expected{{a, "a"}, {again, "b"}, {reserved, "varve.ledger"}};
  CHECK(store.trees() == expected);
}

TEST_CASE("LmdbAdapter: a dropped tree is gone at once, and older readers keep it") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree old = store.open_tree("tree");
  put(store, old, "k", "old");
  const auto before = store.snapshot();
  const auto value = store.get(old, "k");
  auto scan = store.scan(old, KeyRange::all());
  store.drop_tree(old);

  for (const Error& error :
       {error_of([&] { static_cast<void>(store.get(old, "k")); }),
        error_of([&] { static_cast<void>(store.contains(old, "k")); }),
        error_of([&] { static_cast<void>(store.scan(old, KeyRange::all())); }),
        error_of([&] { put(store, old, "k", "new"); }), error_of([&] { store.drop_tree(old); }),
        error_of([&] { static_cast<void>(store.bulk_loader(old)); })}) {
    CHECK(error.kind() == ErrorKind::invalid_argument);
    CHECK(error.details().tree == "tree");
    CHECK_THAT(error.what(), ContainsSubstring("#" + std::to_string(old.id())));
  }

  const Tree young = store.open_tree("tree");
  put(store, young, "k", "young");
  CHECK(young != old);
  CHECK(read(store, young, "k") == "young");
  CHECK(read(before, old, "k") == "old");
  CHECK(content(before, old) == Content{{"k", "old"}});
  CHECK(value->view() == "old");
  CHECK(scan.entry() == Entry{"k", "old"});
  CHECK(error_of([&] { static_cast<void>(before.get(young, "k")); }).kind() ==
        ErrorKind::invalid_argument);
  CHECK(error_of([&] { static_cast<void>(store.snapshot().get(old, "k")); }).kind() ==
        ErrorKind::invalid_argument);
}

TEST_CASE("LmdbAdapter: write_and_drop is all or nothing") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree kept = store.open_tree("kept");
  const Tree dropped = store.open_tree("dropped");
  put(store, dropped, "k", "v");
  WriteBatch batch;
  batch.put(kept, "k", "v");
  const Tree unknown(77, "unknown");
  const std::vector<Tree> bad{dropped, unknown};
  CHECK(error_of([&] { store.write_and_drop(batch, bad, Durability::synced); }).kind() ==
        ErrorKind::invalid_argument);
  CHECK(read(store, dropped, "k") == "v");
  CHECK_FALSE(store.contains(kept, "k"));
  const std::vector<Tree> good{dropped, dropped};
  store.write_and_drop(batch, good, Durability::synced);
  CHECK(read(store, kept, "k") == "v");
  CHECK_FALSE(store.find_tree("dropped"));
}

TEST_CASE("LmdbAdapter: a batch on a tree that is not there changes nothing") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  for (const Tree unknown : {Tree(), Tree(2, "x"), Tree(300, "x"), Tree(5'000'000, "x"),
                             Tree(tree.number(), "varve.x"), Tree::from_id(0xffff'ffffU)}) {
    WriteBatch batch;
    batch.put(tree, "k", "v").put(unknown, "k", "v");
    const Error error = error_of([&] { store.write(batch); });
    CHECK(error.kind() == ErrorKind::invalid_argument);
    CHECK(error.details().tree == "#" + std::to_string(unknown.id()));
    CHECK_FALSE(store.contains(tree, "k"));
    CHECK(error_of([&] { static_cast<void>(store.get(unknown, "k")); }).kind() ==
          ErrorKind::invalid_argument);
  }
}

TEST_CASE("LmdbAdapter: trees beyond the fast table and beyond max_trees") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path(), {.max_trees = 3});
  const Tree first = store.open_tree("first");
  put(store, first, "k", "first");
  // Far more trees over time than at once: handles of dropped ones are used again.
  Tree last;
  for (int i = 0; i < 300; ++i) {
    last = store.open_tree("temporary" + std::to_string(i));
    put(store, last, "k", std::to_string(i));
    CHECK(read(store, last, "k") == std::to_string(i));
    if (i != 299) store.drop_tree(last);
  }
  CHECK(last.number() == 301);
  CHECK(read(store, last, "k") == "299");
  CHECK(read(store, first, "k") == "first");
  static_cast<void>(store.open_tree("third"));
  const Error error = error_of([&] { static_cast<void>(store.open_tree("fourth")); });
  CHECK(error.kind() == ErrorKind::invalid_argument);
  CHECK_THAT(error.what(), ContainsSubstring("LmdbOptions::max_trees"));
  CHECK(error.details().tree == "fourth");
}

TEST_CASE("LmdbAdapter: the map grows by itself") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path(), {.map_bytes = 1 << 20});
  const Tree tree = store.open_tree("tree");
  for (int i = 0; i < 100; ++i) {
    put(store, tree, key_of(i), std::string(100'000, static_cast<char>('a' + i % 26)));
    CHECK(store.contains(tree, key_of(i / 2)));
  }
  WriteBatch large;
  for (int i = 100; i < 300; ++i) large.put(tree, key_of(i), std::string(100'000, 'z'));
  store.write(large);
  CHECK(content(store, tree).size() == 300);
  CHECK(store.statistics().map_growths > 2);
  CHECK(store.statistics().map_bytes > 30'000'000);
}

TEST_CASE("LmdbAdapter: a map that cannot grow is full, and the store goes on") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path(), {.map_bytes = 1 << 20});
  const Tree tree = store.open_tree("tree");
  put(store, tree, "small", "1");
  WriteBatch large;
  large.put(tree, "large", std::string(5'000'000, 'x'));
  {
    const auto held = store.get(tree, "small");
    const Error error = error_of([&] { store.write(large); });
    CHECK(error.kind() == ErrorKind::no_space);
    CHECK_THAT(error.what(), ContainsSubstring("release held values"));
    CHECK(held->view() == "1");
    CHECK_FALSE(store.contains(tree, "large"));
    put(store, tree, "small", "2");
  }
  store.write(large);
  CHECK(read(store, tree, "large").size() == 5'000'000);
  CHECK(read(store, tree, "small") == "2");
}

TEST_CASE("LmdbAdapter: nobody who rests keeps pages from being used again") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  const auto churn = [&] {
    for (int i = 0; i < 300; ++i) put(store, tree, "k", std::string(50'000, 'x'));
  };
  put(store, tree, "k", "v");
  CHECK(store.contains(tree, "k"));
  churn();
  CHECK(store.size_on_disk() < 1'000'000);
  CHECK(store.statistics().oldest_reader_lag == 0);
  {
    const auto held = store.get(tree, "k");
    churn();
    CHECK(store.size_on_disk() > 10'000'000);
    CHECK(store.statistics().oldest_reader_lag == 300);
  }
  CHECK(store.statistics().oldest_reader_lag == 0);
  const auto before = store.size_on_disk();
  churn();
  CHECK(store.size_on_disk() == before);
}

TEST_CASE("LmdbAdapter: bulk loads append, override and are all or nothing") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  put(store, tree, key_of(5), "old");
  put(store, tree, key_of(20), "old");
  Content expected = content(store, tree);
  {
    auto dropped = store.bulk_loader(tree);
    for (int i = 0; i < 30'000; ++i) dropped.put(key_of(i), "never");
  }
  CHECK(content(store, tree) == expected);
  auto loader = store.bulk_loader(tree);
  for (int i = 0; i < 30'000; ++i) {
    loader.put(key_of(i), std::to_string(i));
    expected[key_of(i)] = std::to_string(i);
  }
  loader.put("large", std::string(3'000'000, 'x'));
  expected["large"] = std::string(3'000'000, 'x');
  auto moved = std::move(loader);
  moved.finish();
  CHECK(content(store, tree) == expected);
  CHECK(error_of([&] { moved.put("z", "z"); }).kind() == ErrorKind::invalid_argument);
  CHECK(error_of([&] { moved.finish(); }).kind() == ErrorKind::invalid_argument);
}

TEST_CASE("LmdbAdapter: a bulk load refuses keys out of order, empty or too long") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  {
    auto loader = store.bulk_loader(tree);
    loader.put("b", "1");
    for (const std::string& key :
         {std::string("b"), std::string("a"), std::string(), std::string(512, 'x')}) {
      CHECK(error_of([&] { loader.put(key, "1"); }).kind() == ErrorKind::invalid_argument);
    }
    loader.put("c", "1");
    loader.finish();
  }
  CHECK(content(store, tree).size() == 2);
}

TEST_CASE("LmdbAdapter: the thread with a bulk loader is told that it cannot write") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  auto loader = std::make_unique<LmdbBulkLoader>(store.bulk_loader(tree));
  loader->put("a", "1");
  for (const Error& error : {error_of([&] { put(store, tree, "k", "v"); }),
                             error_of([&] { static_cast<void>(store.open_tree("other")); }),
                             error_of([&] { store.drop_tree(tree); }),
                             error_of([&] { static_cast<void>(store.bulk_loader(tree)); }),
                             error_of([&] { store.checkpoint(temp / "copy"); })}) {
    CHECK(error.kind() == ErrorKind::busy);
    CHECK_THAT(error.what(), ContainsSubstring("finish or destroy it first"));
  }
  CHECK_FALSE(store.contains(tree, "a"));
  loader.reset();
  put(store, tree, "k", "v");
  CHECK(content(store, tree) == Content{{"k", "v"}});
}

TEST_CASE("LmdbAdapter: counts are exact for trees and short ranges, near for long ones") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  auto loader = store.bulk_loader(tree);
  for (int i = 0; i < 100'000; ++i) loader.put(key_of(i), "v");
  loader.finish();
  const auto count = [&](KeyRange range) { return store.approximate_count(tree, range); };
  CHECK(count(KeyRange::all()) == 100'000);
  CHECK(count(KeyRange::between(key_of(100), key_of(1100))) == 1000);
  CHECK(count(KeyRange::between("x", "y")) == 0);
  CHECK(count(KeyRange::between("y", "x")) == 0);
  CHECK(count(KeyRange::from(key_of(99'990))) == 10);
  CHECK(static_cast<double>(count(KeyRange::between(key_of(20'000), key_of(80'000)))) ==
        varve_test::Approx(60'000).epsilon(0.25));
  CHECK(count(KeyRange::prefix("key")) <= 100'000);
  CHECK(store.approximate_count(store.open_tree("empty"), KeyRange::from("a")) == 0);
}

TEST_CASE("LmdbAdapter: a checkpoint is a store of its own, made while this one is used") {
  const TempDirectory temp;
  LmdbAdapter store(temp / "store");
  const Tree tree = store.open_tree("tree");
  put(store, tree, "k", "v");
  const auto held = store.get(tree, "k");
  store.checkpoint(temp / "deep/er/copy/");
  put(store, tree, "k", "later");
  CHECK(mode_of(temp / "deep/er/copy") == 0700);
  CHECK(mode_of(temp / "deep/er/copy/data.mdb") == 0600);
  {
    LmdbAdapter copy(temp / "deep/er/copy");
    CHECK(copy.find_tree("tree") == tree);
    CHECK(read(copy, tree, "k") == "v");
    put(copy, tree, "k", "copied");
  }
  CHECK(read(store, tree, "k") == "later");
  const Error error = error_of([&] { store.checkpoint(temp / "deep/er/copy"); });
  CHECK(error.kind() == ErrorKind::invalid_argument);
  std::ofstream(temp / "file") << "kept";
  CHECK_THROWS_AS(store.checkpoint(temp / "file"), Error);
  CHECK_THROWS_AS(store.checkpoint(temp / "file/below"), Error);
  const auto entries = std::filesystem::directory_iterator(temp / "deep/er");
  CHECK(std::ranges::distance(entries) == 1);
}

TEST_CASE("LmdbAdapter: directories are 0700 and files 0600 under any umask") {
  const TempDirectory temp;
  for (const mode_t mask : {0000U, 0022U, 0777U}) {
    const mode_t old = ::umask(mask);
    const std::string directory = temp / ("store" + std::to_string(mask));
    {
      LmdbAdapter store(directory);
      put(store, store.open_tree("tree"), "k", "v");
    }
    ::umask(old);
    CHECK(mode_of(directory) == 0700);
    for (const char* file : {"data.mdb", "lock.mdb", "varve.lock"}) {
      CHECK(mode_of(directory + "/" + file) == 0600);
    }
  }
}

TEST_CASE("LmdbAdapter: opening a directory twice in one process is refused and named as such") {
  const TempDirectory temp;
  auto store = std::make_unique<LmdbAdapter>(temp.path());
  const Error error = error_of([&] { const LmdbAdapter second(temp.path()); });
  CHECK(error.kind() == ErrorKind::busy);
  CHECK_THAT(error.what(), ContainsSubstring("open in this process already"));
  LmdbAdapter moved(std::move(*store));
  store.reset();
  put(moved, moved.open_tree("tree"), "k", "v");
  CHECK_THROWS_AS(LmdbAdapter(temp.path()), Error);
}

TEST_CASE("LmdbAdapter: files that are no LMDB store are refused, with what to do") {
  const TempDirectory temp;
  std::ofstream(temp / "data.mdb") << std::string(20'000, 'x');
  const Error error = error_of([&] { const LmdbAdapter store(temp.path()); });
  CHECK(error.kind() == ErrorKind::corruption);
  CHECK_THAT(error.what(), ContainsSubstring("mdb_dump"));
  CHECK_THAT(error.what(), ContainsSubstring("MDB_INVALID"));

  const TempDirectory other;
  { const LmdbAdapter store(other.path()); }
  {
    // The version lies after the page header and the magic number, in both meta pages.
    std::fstream file(other / "data.mdb", std::ios::in | std::ios::out | std::ios::binary);
    for (const int page : {0, 4096}) file.seekp(page + 20).put('\x07');
  }
  const Error version = error_of([&] { const LmdbAdapter store(other.path()); });
  CHECK(version.kind() == ErrorKind::not_supported);
  CHECK_THAT(version.what(), ContainsSubstring("0.9 and 1.0 cannot read each other's files"));
  CHECK_NOTHROW(LmdbAdapter(temp / "new"));
}

TEST_CASE("LmdbAdapter: a damaged catalogue is corruption") {
  const TempDirectory temp;
  {
    LmdbAdapter store(temp.path());
    static_cast<void>(store.open_tree("tree"));
    MDB_txn* transaction = nullptr;
    MDB_dbi database = 0;
    REQUIRE(mdb_txn_begin(store.environment(), nullptr, 0, &transaction) == 0);
    REQUIRE(mdb_dbi_open(transaction, lmdb::Catalogue::database_name, 0, &database) == 0);
    MDB_val key = lmdb::to_value("odd");
    MDB_val value = lmdb::to_value("?");
    REQUIRE(mdb_put(transaction, database, &key, &value, 0) == 0);
    REQUIRE(mdb_txn_commit(transaction) == 0);
  }
  CHECK(error_of([&] { const LmdbAdapter store(temp.path()); }).kind() == ErrorKind::corruption);
}

TEST_CASE("LmdbAdapter: what another program stored under a name becomes the tree's content") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const auto make = [&](const char* name, unsigned flags) {
    MDB_txn* transaction = nullptr;
    MDB_dbi database = 0;
    REQUIRE(mdb_txn_begin(store.environment(), nullptr, 0, &transaction) == 0);
    REQUIRE(mdb_dbi_open(transaction, name, MDB_CREATE | flags, &database) == 0);
    MDB_val key = lmdb::to_value("k");
    MDB_val value = lmdb::to_value("foreign");
    REQUIRE(mdb_put(transaction, database, &key, &value, 0) == 0);
    REQUIRE(mdb_txn_commit(transaction) == 0);
  };
  make("plain", 0);
  make("multi", MDB_DUPSORT);
  CHECK(read(store, store.open_tree("plain"), "k") == "foreign");
  const Error error = error_of([&] { static_cast<void>(store.open_tree("multi")); });
  CHECK(error.kind() == ErrorKind::invalid_argument);
  CHECK(error.details().tree == "multi");
}

TEST_CASE("LmdbAdapter: names of trees are checked") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  for (const std::string& name : {std::string(), std::string(256, 'n'),
                                  std::string("\x01varve.trees"), std::string("a\0b", 3)}) {
    CHECK(error_of([&] { static_cast<void>(store.open_tree(name)); }).kind() ==
          ErrorKind::invalid_argument);
  }
  CHECK(store.open_tree(std::string(255, 'n')).number() == 1);
}

TEST_CASE("LmdbAdapter: options are kept, visited and checked") {
  const TempDirectory temp;
  const LmdbAdapter store(temp.path(), {.max_trees = 7, .read_ahead = false});
  CHECK(store.options().max_trees == 7);
  std::vector<std::string> names;
  store.options().visit_fields([&](const char* name, const auto&) { names.emplace_back(name); });
  CHECK(names == std::vector<std::string>{"map_bytes", "max_trees", "max_readers", "read_ahead"});
  CHECK(error_of([&] { LmdbAdapter(temp / "a", {.max_trees = 0}); }).kind() ==
        ErrorKind::invalid_argument);
  CHECK(error_of([&] { LmdbAdapter(temp / "b", {.max_readers = 0}); }).kind() ==
        ErrorKind::invalid_argument);
}

TEST_CASE("LmdbAdapter: statistics tell of the store as it is") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  for (int i = 0; i < 10; ++i) put(store, tree, key_of(i), "v");
  store.flush();
  const LmdbStatistics statistics = store.statistics();
  CHECK(statistics.trees == 1);
  CHECK(statistics.batches == 10);
  CHECK(statistics.commits == 11);
  CHECK(statistics.last_transaction == 11);
  CHECK(statistics.page_bytes >= 512);
  CHECK(statistics.file_bytes == store.size_on_disk());
  CHECK(statistics.used_bytes <= statistics.map_bytes);
  CHECK(statistics.map_bytes >= (std::uint64_t{1} << 30U));
}

TEST_CASE("LmdbAdapter: a batch that writes over a tree in order, and leaves the order, is exact") {
  const TempDirectory temp;
  LmdbAdapter store(temp.path());
  const Tree tree = store.open_tree("tree");
  const Tree other = store.open_tree("other");
  Content expected;
  Content expected_other;
  std::uint64_t drawn = 7;
  for (int round = 0; round < 12; ++round) {
    WriteBatch batch;
    for (int i = 0; i < 3000; ++i) {
      drawn = drawn * 6364136223846793005U + 1442695040888963407U;
      // Mostly one key after the other, with values that push pages apart; now and then a key is
      // left out, comes again, goes, or is of another tree.
      const auto chance = (drawn >> 33U) % (round < 4 ? 4000 : 400);
      const std::string value((drawn >> 43U) % (round % 3 == 2 ? 3000 : 90), 'v');
      const std::string key = key_of(chance == 1 ? i / 2 : i);
      if (chance == 0) continue;
      if (chance == 2) {
        batch.erase(tree, key);
        expected.erase(key);
      } else if (chance == 3) {
        batch.put(other, key, value);
        expected_other[key] = value;
      } else if (chance == 4) {
        batch.erase_range(tree, KeyRange::between(key_of(std::max(i - 20, 0)), key_of(i + 5)));
        expected.erase(expected.lower_bound(key_of(std::max(i - 20, 0))),
                       expected.lower_bound(key_of(i + 5)));
      } else {
        batch.put(tree, key, value);
        expected[key] = value;
      }
    }
    store.write(batch, Durability::buffered);
    REQUIRE(content(store, tree) == expected);
    REQUIRE(content(store, other) == expected_other);
  }
}
