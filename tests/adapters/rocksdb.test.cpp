// SPDX-License-Identifier: Apache-2.0

#include "catch.hpp"
#include "temp_directory.hpp"

#include <varve/adapters/rocksdb.hpp>
#include <varve/concepts/concepts.hpp>

#include <ranges>
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using varve::BytesView;
using varve::Durability;
using varve::Error;
using varve::ErrorKind;
using varve::KeyRange;
using varve::Order;
using varve::OwnLog;
using varve::RocksAdapter;
using varve::RocksOptions;
using varve::Tree;
using varve::WriteBatch;
using varve_test::ContainsSubstring;
using varve_test::TempDirectory;

static_assert(varve::assert_kv_engine<RocksAdapter>());
static_assert(varve::SnapshotEngine<RocksAdapter>);
static_assert(varve::MultiGetEngine<RocksAdapter>);
static_assert(varve::CountEngine<RocksAdapter>);
static_assert(varve::BulkLoadEngine<RocksAdapter>);
static_assert(varve::CheckpointEngine<RocksAdapter>);
static_assert(varve::CompactEngine<RocksAdapter>);
static_assert(!varve::TransactionalDropEngine<RocksAdapter>);
static_assert(!varve::TailEngine<RocksAdapter>);
static_assert(!varve::TransactionalEngine<RocksAdapter>);
static_assert(std::is_nothrow_move_constructible_v<RocksAdapter>);
static_assert(varve::detail::HasMultiGet<varve::RocksSnapshot>);

using Rows = std::map<std::string, std::string>;

template <class Reader>
Rows rows(const Reader& reader, Tree tree, KeyRange range = KeyRange::all()) {
  Rows found;
  for (const varve::Entry entry : reader.scan(tree, range)) {
    found.emplace(entry.key, entry.value);
  }
  return found;
}

template <class Reader>
std::vector<std::string> keys(const Reader& reader, Tree tree, KeyRange range, Order order) {
  std::vector<std::string> found;
  for (const varve::Entry entry : reader.scan(tree, range, order)) found.emplace_back(entry.key);
  return found;
}

template <class Reader>
std::optional<std::string> value(const Reader& reader, Tree tree, BytesView key) {
  const auto pinned = reader.get(tree, key);
  if (!pinned) return std::nullopt;
  return std::string(pinned->view());
}

template <class Act>
Error error_of(Act&& act) {
  try {
    std::forward<Act>(act)();
  } catch (const Error& error) {
    return error;
  }
  FAIL("nothing was thrown");
  throw;
}

std::string number(int i) {
  const std::string digits = std::to_string(i);
  return std::string(8 - digits.size(), '0') + digits;
}

using Names = std::vector<std::string>;

Names names(const RocksAdapter& engine) {
  Names found;
  for (const varve::TreeInfo& info : engine.trees()) found.push_back(info.name);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

TEST_CASE("RocksAdapter: what is written is read, over reopening") {
  const TempDirectory directory;
  Tree tree;
  Tree reserved;
  {
    RocksAdapter engine(directory.path());
    tree = engine.open_tree("rows");
    reserved = engine.open_tree("varve.stack");
    CHECK_FALSE(tree.reserved());
    CHECK(reserved.reserved());
    engine.write(WriteBatch().put(tree, "a", "1").put(tree, "b", "").put(reserved, "a", "r"));
    CHECK(value(engine, tree, "a") == "1");
    CHECK(value(engine, tree, "b") == "");
    CHECK(value(engine, tree, "c") == std::nullopt);
    CHECK(value(engine, tree, "") == std::nullopt);
    CHECK(engine.contains(reserved, "a"));
    CHECK_FALSE(engine.contains(reserved, "b"));
  }
  const RocksAdapter engine(directory.path());
  CHECK(engine.find_tree("rows") == tree);
  CHECK(engine.find_tree("varve.stack") == reserved);
  CHECK(rows(engine, tree) == Rows{{"a", "1"}, {"b", ""}});
  CHECK(rows(engine, reserved) == Rows{{"a", "r"}});
}

TEST_CASE("RocksAdapter: the operations of a batch apply in order, ranges too") {
  const TempDirectory directory;
  RocksAdapter engine(directory.path());
  const Tree a = engine.open_tree("a");
  const Tree b = engine.open_tree("b");
  WriteBatch batch;
  for (int i = 0; i < 10; ++i) batch.put(a, number(i), "x").put(b, number(i), "y");
  engine.write(batch);

  SECTION("a bounded range") {
    engine.write(WriteBatch()
                     .put(a, number(5), "lost")
                     .erase_range(a, KeyRange::between(number(2), number(9)))
                     .put(a, number(6), "kept")
                     .erase(b, number(0))
                     .put(b, number(1), "z"));
    CHECK(rows(engine, a) ==
          Rows{{number(0), "x"}, {number(1), "x"}, {number(6), "kept"}, {number(9), "x"}});
    CHECK(value(engine, b, number(0)) == std::nullopt);
    CHECK(value(engine, b, number(1)) == "z");
    CHECK(rows(engine, b).size() == 9);
  }
  SECTION("everything from a key on, with keys that this batch put and keys of 0xFF") {
    engine.write(WriteBatch().put(a, "\xff\xff\xff\xff", "high"));
    engine.write(WriteBatch()
                     .put(a, "\xff\xff\xff\xff\xff", "higher")
                     .erase_range(a, KeyRange::from(number(3)))
                     .put(a, "\xff", "kept"));
    CHECK(rows(engine, a) ==
          Rows{{number(0), "x"}, {number(1), "x"}, {number(2), "x"}, {"\xff", "kept"}});
    CHECK(rows(engine, b).size() == 10);
  }
  SECTION("everything, of an empty tree too") {
    const Tree empty = engine.open_tree("empty");
    engine.write(WriteBatch().erase_range(a, KeyRange::all()).erase_range(empty, KeyRange::all()));
    CHECK(rows(engine, a).empty());
    CHECK(rows(engine, empty).empty());
  }
  SECTION("bounds longer than any key") {
    const std::string bound(100'000, 'q');
    engine.write(WriteBatch().put(a, "q", "1").put(a, "r", "2"));
    engine.write(WriteBatch().erase_range(a, KeyRange::between(bound, bound + bound)));
    engine.write(WriteBatch().erase_range(a, KeyRange::from(bound)));
    CHECK(rows(engine, a, KeyRange::from("q")) == Rows{{"q", "1"}});
  }
}

TEST_CASE("RocksAdapter: scans keep to their range, in both orders") {
  const TempDirectory directory;
  RocksAdapter engine(directory.path());
  const Tree tree = engine.open_tree("rows");
  const auto put = [&](const std::vector<std::string>& some) {
    WriteBatch batch;
    for (const std::string& key : some) batch.put(tree, key, "v" + key);
    engine.write(batch, Durability::buffered);
  };
  put({"a", "ab", "abc", "b"});
  if (GENERATE(false, true)) {
    engine.write(WriteBatch().put(tree, "zz", "").erase(tree, "zz"));
    engine.compact(tree, KeyRange::all());
  }
  put({"ba", "c", "\xff", "\xff\xff"});

  const auto both = [&](KeyRange range, std::vector<std::string> wanted) {
    CHECK(keys(engine, tree, range, Order::ascending) == wanted);
    std::reverse(wanted.begin(), wanted.end());
    CHECK(keys(engine, tree, range, Order::descending) == wanted);
  };
  both(KeyRange::all(), {"a", "ab", "abc", "b", "ba", "c", "\xff", "\xff\xff"});
  both(KeyRange::prefix("ab"), {"ab", "abc"});
  both(KeyRange::prefix("\xff"), {"\xff", "\xff\xff"});
  both(KeyRange::prefix("x"), {});
  both(KeyRange::from("ba"), {"ba", "c", "\xff", "\xff\xff"});
  both(KeyRange::from("\xff\xff\xff"), {});
  both(KeyRange::between("ab", "b"), {"ab", "abc"});
  both(KeyRange::between("aa", "bb"), {"ab", "abc", "b", "ba"});
  both(KeyRange::between("", "a"), {});
  both(KeyRange::between("b", "b"), {});
  both(KeyRange::between("c", "a"), {});

  auto scan = engine.scan(tree, KeyRange::all());
  auto moved = std::move(scan);
  moved.next();
  auto again = std::move(moved);
  CHECK(again.entry() == varve::Entry{"ab", "vab"});
  CHECK(std::ranges::distance(engine.scan(tree, KeyRange::prefix("a"))) == 3);
}

TEST_CASE("RocksAdapter: pinned values, scans and snapshots see the state of their creation") {
  const TempDirectory directory;
  RocksAdapter engine(directory.path());
  const Tree tree = engine.open_tree("rows");
  const Tree doomed = engine.open_tree("doomed");
  const std::string big(50'000, 'b');
  engine.write(WriteBatch().put(tree, "a", "1").put(tree, "b", big).put(doomed, "k", "v"));
  if (GENERATE(false, true)) {
    engine.compact(tree, KeyRange::all());
    engine.compact(doomed, KeyRange::all());
  }
  auto pinned = engine.get(tree, "b");
  auto pinned_of_doomed = engine.get(doomed, "k");
  auto scan = engine.scan(tree, KeyRange::all());
  auto scan_of_doomed = engine.scan(doomed, KeyRange::all());
  const auto snapshot = engine.snapshot();

  engine.write(WriteBatch().put(tree, "a", "2").erase(tree, "b").put(tree, "c", "3"));
  engine.drop_tree(doomed);
  const Tree later = engine.open_tree("later");
  engine.write(WriteBatch().put(later, "x", "y"));
  engine.compact(tree, KeyRange::all());

  REQUIRE(pinned);
  CHECK(pinned->view() == big);
  auto moved = std::move(pinned);
  CHECK(moved->view() == big);
  CHECK(pinned_of_doomed->view() == "v");
  CHECK(scan.entry() == varve::Entry{"a", "1"});
  scan.next();
  CHECK(scan.entry() == varve::Entry{"b", big});
  scan.next();
  CHECK_FALSE(scan.valid());
  CHECK(scan_of_doomed.entry() == varve::Entry{"k", "v"});

  CHECK(rows(snapshot, tree) == Rows{{"a", "1"}, {"b", big}});
  CHECK(value(snapshot, tree, "c") == std::nullopt);
  CHECK(snapshot.contains(tree, "b"));
  CHECK(value(snapshot, doomed, "k") == "v");
  CHECK(rows(snapshot, doomed) == Rows{{"k", "v"}});
  CHECK(error_of([&] { static_cast<void>(snapshot.get(later, "x")); }).kind() ==
        ErrorKind::invalid_argument);
  CHECK(rows(engine, tree) == Rows{{"a", "2"}, {"c", "3"}});
  CHECK(rows(engine.snapshot(), later) == Rows{{"x", "y"}});

  auto first = engine.snapshot();
  engine.write(WriteBatch().put(tree, "a", "3"));
  first = engine.snapshot();
  CHECK(value(first, tree, "a") == "3");
}

TEST_CASE("RocksAdapter: multi_get reads one state, sorted or not, of any length") {
  const TempDirectory directory;
  RocksAdapter engine(directory.path());
  const Tree tree = engine.open_tree("rows");
  WriteBatch batch;
  for (int i = 0; i < 1000; i += 2) batch.put(tree, number(i), "value-" + std::to_string(i));
  engine.write(batch);
  engine.compact(tree, KeyRange::all());
  engine.write(WriteBatch().put(tree, number(10), "new").erase(tree, number(12)));

  for (const int count : {0, 1, 7, 64, 65, 500}) {
    for (const bool sorted : {true, false}) {
      std::vector<std::string> wanted;
      for (int i = 0; i < count; ++i) wanted.push_back(number(sorted ? i : (i * 7919) % 1001));
      if (count == 7) wanted[3] = wanted[2];
      const std::vector<BytesView> views(wanted.begin(), wanted.end());
      std::vector<std::optional<varve::RocksPinned>> values(views.size());
      if (!values.empty()) values[0] = engine.get(tree, number(10));
      engine.multi_get(tree, views, values);
      for (std::size_t i = 0; i < views.size(); ++i) {
        INFO(count << " keys, sorted " << sorted << ", key " << views[i]);
        const auto alone = value(engine, tree, views[i]);
        CHECK(values[i].has_value() == alone.has_value());
        if (alone && values[i]) CHECK(values[i]->view() == *alone);
      }
    }
  }
  std::vector<std::optional<varve::RocksPinned>> none;
  const std::vector<BytesView> one{"a"};
  CHECK(error_of([&] { engine.multi_get(tree, one, none); }).kind() == ErrorKind::invalid_argument);
}

TEST_CASE("RocksAdapter: trees are listed, found, dropped, and their ids never used again") {
  const TempDirectory directory;
  std::vector<std::uint32_t> used;
  Tree dropped;
  {
    RocksAdapter engine(directory.path());
    CHECK(engine.trees().empty());
    dropped = engine.open_tree("b");
    used = {engine.open_tree("a").id(), dropped.id(), engine.open_tree("\xc3\xa4 b/..").id()};
    CHECK(engine.open_tree("b") == dropped);
    CHECK(names(engine) == Names{"a", "b", "\xc3\xa4 b/.."});
    engine.write(WriteBatch().put(dropped, "k", "v"));
    engine.drop_tree(dropped);
    CHECK(engine.find_tree("b") == std::nullopt);
    CHECK(names(engine) == Names{"a", "\xc3\xa4 b/.."});

    const Tree again = engine.open_tree("b");
    CHECK(std::find(used.begin(), used.end(), again.id()) == used.end());
    CHECK(rows(engine, again).empty());
    used.push_back(again.id());
    engine.drop_tree(again);
  }
  RocksAdapter engine(directory.path());
  CHECK(engine.find_tree("a")->id() == used[0]);
  const Tree again = engine.open_tree("b");
  CHECK(std::find(used.begin(), used.end(), again.id()) == used.end());
  CHECK(error_of([&] { static_cast<void>(engine.get(dropped, "k")); }).kind() ==
        ErrorKind::invalid_argument);
}

TEST_CASE("RocksAdapter: many trees") {
  const TempDirectory directory;
  RocksOptions options;
  options.write_buffer_bytes = 1 << 16;
  Names wanted;
  {
    RocksAdapter engine(directory.path(), options);
    for (int i = 0; i < 150; ++i) {
      wanted.push_back("tree-" + number(i));
      engine.write(WriteBatch().put(engine.open_tree(wanted.back()), "k", number(i)),
                   Durability::buffered);
    }
    CHECK(value(engine, *engine.find_tree("tree-" + number(149)), "k") == number(149));
  }
  const RocksAdapter engine(directory.path(), options);
  CHECK(names(engine) == wanted);
  for (int i = 0; i < 150; ++i) {
    CHECK(value(engine, *engine.find_tree("tree-" + number(i)), "k") == number(i));
  }
}

TEST_CASE("RocksAdapter: an unknown or dropped tree is refused and nothing is applied") {
  const TempDirectory directory;
  RocksAdapter engine(directory.path());
  const Tree good = engine.open_tree("good");
  const Tree gone = engine.open_tree("gone");
  engine.drop_tree(gone);
  for (const Tree bad : {gone, Tree(7777, "x"), Tree(Tree::max_number, "x"), Tree()}) {
    INFO("#" << bad.number());
    const auto refused = [&](auto&& act) {
      const Error error = error_of(act);
      CHECK(error.kind() == ErrorKind::invalid_argument);
      CHECK_THAT(error.what(), ContainsSubstring("#" + std::to_string(bad.number())));
      CHECK(error.details().layer == "rocksdb");
      CHECK_FALSE(error.details().operation.empty());
    };
    refused([&] { static_cast<void>(engine.get(bad, "k")); });
    refused([&] { static_cast<void>(engine.contains(bad, "k")); });
    refused([&] { static_cast<void>(engine.scan(bad, KeyRange::between("b", "a"))); });
    refused([&] { engine.write(WriteBatch().put(good, "k", "v").put(bad, "k", "v")); });
    refused(
        [&] { engine.write(WriteBatch().put(good, "k", "v").erase_range(bad, KeyRange::all())); });
    refused([&] { engine.drop_tree(bad); });
    refused([&] { engine.compact(bad, KeyRange::all()); });
    refused([&] { static_cast<void>(engine.approximate_count(bad, KeyRange::all())); });
    refused([&] { static_cast<void>(engine.bulk_loader(bad)); });
    std::vector<std::optional<varve::RocksPinned>> values(1);
    refused([&] { engine.multi_get(bad, std::vector<BytesView>{"k"}, values); });
  }
  CHECK(rows(engine, good).empty());
  engine.write(WriteBatch().put(good, "k", "v"));
  CHECK(error_of([&] { static_cast<void>(engine.open_tree("")); }).kind() ==
        ErrorKind::invalid_argument);
  CHECK(error_of([&] { static_cast<void>(engine.open_tree("a\n")); }).kind() ==
        ErrorKind::invalid_argument);
}

TEST_CASE("RocksAdapter: what is beyond the limits is refused by their names") {
  const TempDirectory directory;
  RocksAdapter engine(directory.path());
  const Tree tree = engine.open_tree("rows");
  const std::string longest(engine.limits().max_key_bytes, 'k');
  const Error error = error_of(
      [&] { engine.write(WriteBatch().put(tree, "a", "1").put(tree, longest + "k", "2")); });
  CHECK(error.kind() == ErrorKind::invalid_argument);
  CHECK_THAT(error.what(), ContainsSubstring("max_key_bytes"));
  CHECK(error.details().tree == "rows");
  CHECK(rows(engine, tree).empty());
  CHECK_FALSE(engine.contains(tree, longest + "k"));

  engine.write(WriteBatch().put(tree, longest, "v"), Durability::buffered);
  CHECK(value(engine, tree, longest) == "v");
  engine.compact(tree, KeyRange::all());
  CHECK(value(engine, tree, longest) == "v");
}

TEST_CASE("RocksAdapter: a bulk load shows at finish, over what was there") {
  const TempDirectory directory;
  RocksOptions options;
  options.tune = [](rocksdb::DBOptions&, rocksdb::ColumnFamilyOptions& family) {
    family.target_file_size_base = 10'000;
  };
  std::optional<RocksAdapter> engine(std::in_place, directory.path(), options);
  const Tree tree = engine->open_tree("rows");
  engine->write(WriteBatch().put(tree, number(5), "old").put(tree, "a", "stays"));
  const auto before = engine->snapshot();
  auto scan = engine->scan(tree, KeyRange::all());
  {
    auto loader = engine->bulk_loader(tree);
    for (int i = 0; i < 2000; ++i) loader.put(number(i), "bulk");
    CHECK(value(*engine, tree, number(5)) == "old");
    CHECK_FALSE(engine->contains(tree, number(6)));
    auto moved = std::move(loader);
    moved.finish();
    CHECK(error_of([&] { moved.put("z", "z"); }).kind() == ErrorKind::invalid_argument);
    CHECK(error_of([&] { moved.finish(); }).kind() == ErrorKind::invalid_argument);
  }
  CHECK(rows(*engine, tree).size() == 2001);
  CHECK(value(*engine, tree, number(5)) == "bulk");
  CHECK(value(before, tree, number(5)) == "old");
  CHECK(rows(before, tree).size() == 2);
  CHECK(scan.entry().value == "old");
  engine->write(WriteBatch().put(tree, number(7), "newer"));
  CHECK(value(*engine, tree, number(7)) == "newer");

  SECTION("one that is dropped leaves nothing") {
    {
      auto loader = engine->bulk_loader(tree);
      loader.put("b", "1");
    }
    CHECK_FALSE(engine->contains(tree, "b"));
    CHECK(varve::detail::rocks::files_in(directory / "varve.bulk", "test").empty());
  }
  SECTION("keys out of order are refused, at the seam of two files too") {
    auto loader = engine->bulk_loader(tree);
    loader.put("b", std::string(20'000, 'x'));
    for (const char* const bad : {"b", "a", ""}) {
      CHECK(error_of([&] { loader.put(bad, ""); }).kind() == ErrorKind::invalid_argument);
    }
    loader.put("c", "");
    CHECK_THAT(error_of([&] { loader.put("c", ""); }).what(), ContainsSubstring("ascending"));
    loader.finish();
    CHECK(engine->contains(tree, "c"));
  }
  SECTION("a tree dropped meanwhile is refused") {
    const Tree doomed = engine->open_tree("doomed");
    auto loader = engine->bulk_loader(doomed);
    loader.put("b", "1");
    engine->drop_tree(doomed);
    CHECK(error_of([&] { loader.finish(); }).kind() == ErrorKind::invalid_argument);
  }
  SECTION("nothing is nothing") {
    auto loader = engine->bulk_loader(tree);
    loader.finish();
    CHECK(rows(*engine, tree).size() == 2001);
  }
  SECTION("several at once") {
    std::vector<std::thread> threads;
    for (const char* const start : {"m", "n", "o"}) {
      threads.emplace_back([&engine, tree, start] {
        auto loader = engine->bulk_loader(tree);
        for (int i = 0; i < 1000; ++i) loader.put(start + number(i), start);
        loader.finish();
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(rows(*engine, tree).size() == 5001);
  }
}

TEST_CASE("RocksAdapter: counts are about right") {
  const TempDirectory directory;
  RocksAdapter engine(directory.path());
  const Tree tree = engine.open_tree("rows");
  CHECK(engine.approximate_count(tree, KeyRange::all()) == 0);
  WriteBatch batch;
  for (int i = 0; i < 20'000; ++i) batch.put(tree, number(i), std::string(50, 'v'));
  engine.write(batch, Durability::buffered);
  const auto check = [&](bool parts) {
    const auto near = [](std::uint64_t count, double wanted) {
      CHECK(static_cast<double>(count) > wanted * 0.7);
      CHECK(static_cast<double>(count) < wanted * 1.4);
    };
    near(engine.approximate_count(tree, KeyRange::all()), 20'000);
    CHECK(engine.approximate_count(tree, KeyRange::between("b", "a")) == 0);
    if (!parts) return;
    near(engine.approximate_count(tree, KeyRange::from(number(10'000))), 10'000);
    near(engine.approximate_count(tree, KeyRange::between(number(5000), number(15'000))), 10'000);
    CHECK(engine.approximate_count(tree, KeyRange::from("1")) < 500);
  };
  check(false);
  engine.compact(tree, KeyRange::all());
  check(true);
}

TEST_CASE("RocksAdapter: a checkpoint is a store of its own, whole or not at all") {
  const TempDirectory directory;
  RocksOptions options;
  options.own_log = GENERATE(OwnLog::on, OwnLog::off);
  RocksAdapter engine(directory / "store", options);
  const Tree tree = engine.open_tree("rows");
  static_cast<void>(engine.open_tree("default"));
  engine.write(WriteBatch().put(tree, "a", "1"), Durability::buffered);
  engine.checkpoint(directory / "copy/");
  engine.write(WriteBatch().put(tree, "a", "2").put(tree, "b", "2"), Durability::buffered);
  {
    RocksAdapter copy(directory / "copy", options);
    CHECK(copy.trees() == engine.trees());
    CHECK(rows(copy, tree) == Rows{{"a", "1"}});
    copy.write(WriteBatch().put(tree, "c", "3"));
  }
  CHECK(rows(engine, tree) == Rows{{"a", "2"}, {"b", "2"}});
  CHECK(error_of([&] { engine.checkpoint(directory / "copy"); }).kind() ==
        ErrorKind::invalid_argument);
  CHECK(error_of([&] { engine.checkpoint(directory / "no/where"); }).kind() == ErrorKind::io);
  std::size_t beside = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    static_cast<void>(entry);
    ++beside;
  }
  CHECK(beside == 2);
}

TEST_CASE("RocksAdapter: scans leave in the cache what they read, unless they are told not to") {
  const TempDirectory directory;
  RocksOptions options;
  options.compress = false;
  RocksAdapter engine(directory.path(), options);
  const Tree tree = engine.open_tree("rows");
  auto loader = engine.bulk_loader(tree);
  for (int i = 0; i < 1000; ++i) loader.put(number(i), std::string(1000, 'v'));
  loader.finish();
  const std::uint64_t before = engine.statistics().block_cache_bytes;
  CHECK(engine.scans_fill_cache(false));
  CHECK(rows(engine, tree).size() == 1000);
  CHECK(rows(engine.snapshot(), tree).size() == 1000);
  CHECK(engine.statistics().block_cache_bytes < before + 50'000);
  CHECK_FALSE(engine.scans_fill_cache(true));
  CHECK(rows(engine, tree).size() == 1000);
  CHECK(engine.statistics().block_cache_bytes > before + 900'000);
}

TEST_CASE("RocksAdapter: compaction gives space back; sizes and statistics tell") {
  const TempDirectory directory;
  RocksOptions options;
  options.compress = false;
  options.collect_statistics = true;
  RocksAdapter engine(directory.path(), options);
  const Tree tree = engine.open_tree("rows");
  for (int i = 0; i < 100; ++i) {
    engine.write(WriteBatch().put(tree, number(i), std::string(50'000, 'v')), Durability::buffered);
  }
  engine.compact(tree, KeyRange::all());
  const std::uint64_t full = engine.size_on_disk();
  CHECK(full > 5'000'000);
  static_cast<void>(engine.get(tree, number(1)));
  static_cast<void>(engine.get(tree, number(1)));
  const varve::RocksStatistics statistics = engine.statistics();
  CHECK(statistics.trees == 2);
  CHECK(statistics.table_file_bytes > 5'000'000);
  CHECK(statistics.block_cache_bytes > 50'000);
  CHECK(statistics.block_cache_hits > 0);
  CHECK_FALSE(statistics.writes_stopped);
  {
    const auto snapshot = engine.snapshot();
    CHECK(engine.statistics().snapshots == 1);
  }
  engine.write(WriteBatch().erase_range(tree, KeyRange::from(number(10))));
  engine.compact(tree, KeyRange::all());
  CHECK(engine.statistics().table_file_bytes < 1'000'000);
  CHECK(rows(engine, tree).size() == 10);
  engine.compact(tree, KeyRange::between(number(1), number(5)));
  engine.compact(tree, KeyRange::between("b", "a"));
}

TEST_CASE("RocksAdapter: readers, writers and droppers at once") {
  const TempDirectory directory;
  RocksAdapter engine(directory.path());
  const Tree steady = engine.open_tree("steady");
  engine.write(WriteBatch().put(steady, "k", "0"));
  std::atomic<std::uint32_t> current{engine.open_tree("come and go").id()};
  std::atomic<bool> done{false};
  std::atomic<int> reads{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      while (!done) {
        const Tree tree = Tree::from_id(current);
        try {
          const auto found = engine.get(tree, "k");
          if (found && found->view() != "v") std::abort();
          engine.write(WriteBatch().put(tree, "k", "v").put(steady, "k", "1"),
                       Durability::buffered);
          auto scan = engine.scan(tree, KeyRange::all());
          if (scan.valid() && scan.entry().value != "v") std::abort();
          ++reads;
        } catch (const Error& error) {
          if (error.kind() != ErrorKind::invalid_argument) std::abort();
        }
      }
    });
  }
  for (int i = 0; i < 30; ++i) {
    const Tree old = Tree::from_id(current);
    engine.drop_tree(old);
    current = engine.open_tree("come and go").id();
    engine.write(WriteBatch().erase_range(steady, KeyRange::from("x")), Durability::buffered);
  }
  while (reads < 10) std::this_thread::yield();
  done = true;
  for (std::thread& thread : threads) thread.join();
  engine.write(WriteBatch().put(steady, "k", "end"));
  CHECK(value(engine, steady, "k") == "end");
}

TEST_CASE("RocksAdapter: options are told and tuned") {
  const TempDirectory directory;
  RocksOptions options;
  options.block_cache_bytes = 1 << 20;
  options.tune = [](rocksdb::DBOptions& database, rocksdb::ColumnFamilyOptions&) {
    database.max_open_files = 77;
  };
  const RocksAdapter engine(directory.path(), options);
  CHECK(engine.options().block_cache_bytes == 1 << 20);
  CHECK(engine.database().GetDBOptions().max_open_files == 77);
  std::size_t fields = 0;
  engine.options().visit_fields([&](BytesView, const auto&) { ++fields; });
  CHECK(fields == 8);

  const TempDirectory other;
  options.tune = [](rocksdb::DBOptions&, rocksdb::ColumnFamilyOptions& family) {
    family.comparator = rocksdb::ReverseBytewiseComparator();
  };
  const Error error = error_of([&] { const RocksAdapter refused(other.path(), options); });
  CHECK(error.kind() == ErrorKind::invalid_argument);
  CHECK_THAT(error.what(), ContainsSubstring("comparator"));
}
