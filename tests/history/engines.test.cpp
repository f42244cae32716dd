// SPDX-License-Identifier: Apache-2.0
#include "history/stacks.hpp"

#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/wal.hpp>
#include <varve/merkle/verify.hpp>

#include "catch.hpp"

#include <ranges>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace varve;
using namespace varve_test::past;
using varve_test::ContainsSubstring;
using varve_test::TempDirectory;

namespace {

using Stacks =
    std::tuple<VARVE_STACKS_OF_LANE(Versioned<Cached<Wal<RocksAdapter>>>, Versioned<MemoryAdapter>,
                                    Versioned<LmdbAdapter>, Versioned<RocksAdapter>)>;

using Numbers = std::vector<std::uint64_t>;

template <class R>
KeyValues scanned(const R& reader, Tree tree, KeyRange range = KeyRange::all(),
                  Order order = Order::ascending) {
  KeyValues found;
  for (auto scan = reader.scan(tree, range, order); scan.valid(); scan.next()) {
    found.emplace_back(scan.entry().key, scan.entry().value);
  }
  return found;
}

KeyValues expected_of(const Records& records, KeyRange range, Order order) {
  KeyValues expected;
  for (const auto& [key, value] : records) {
    if (range.contains(key)) expected.emplace_back(key, value);
  }
  if (order == Order::descending) std::reverse(expected.begin(), expected.end());
  return expected;
}

/// Every record that is not of the toolkit's own, in order.
template <class E>
std::map<std::string, KeyValues> user_records(const E& engine) {
  std::map<std::string, KeyValues> records;
  for (const TreeInfo& info : engine.trees()) {
    if (!info.tree.reserved()) records[info.name] = scanned(engine, info.tree);
  }
  return records;
}

template <class Call>
std::optional<HeightFault> fault_of(Call call) {
  try {
    call();
  } catch (const HeightError& error) {
    CHECK(error.kind() == ErrorKind::invalid_argument);
    return error.fault();
  }
  return std::nullopt;
}

/// Records that come, change and go, at heights with gaps: what each height holds.
template <class Store>
std::map<std::uint64_t, Records> make_history(Store& store, Tree tree) {
  std::map<std::uint64_t, Records> then{{0, {}}};
  Random random(1);
  for (const std::uint64_t height : Numbers{3, 4, 10, 1000, 1001}) {
    Records records = then.rbegin()->second;
    WriteBatch batch;
    for (int i = 0; i != 25; ++i) {
      const std::string key = hard_key(random);
      if (random.one_in(3)) {
        batch.erase(tree, key);
        records.erase(key);
      } else {
        records[key] = std::to_string(height) + "." + std::to_string(i);
        batch.put(tree, key, records[key]);
      }
    }
    store.commit(batch, Height{height});
    then[height] = std::move(records);
  }
  return then;
}

std::uint64_t stored_entries(const auto& store) {
  return count(store.next(), *store.next().find_tree("varve.history"));
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("Versioned on every engine: a height is read as it was, in every way", "",
                        Stacks) {
  const Home<TestType> home;
  auto store = home.open();
  const Tree tree = store.open_tree("t");
  const auto then = make_history(store, tree);
  std::map<std::string, int> all;
  for (const auto& [height, records] : then) {
    for (const auto& [key, value] : records) ++all[key];
  }
  const auto snapshot = store.snapshot();
  const auto newest = store.at(store.latest());
  STATIC_REQUIRE(KvReader<Past<typename TestType::Next>>);

  for (const std::uint64_t height : Numbers{0, 1, 3, 4, 7, 10, 500, 1000, 1001}) {
    CAPTURE(height);
    const Records& records = std::prev(then.upper_bound(height))->second;
    const auto past = store.at(Height{height});
    CHECK(past.height() == Height{height});
    CHECK(past.find_tree("t") == tree);
    for (const KeyRange range : {KeyRange::all(), KeyRange::prefix("k"), KeyRange::from("\t"),
                                 KeyRange::between(BytesView("\0", 1), "k")}) {
      for (const Order order : {Order::ascending, Order::descending}) {
        CHECK(scanned(past, tree, range, order) == expected_of(records, range, order));
      }
    }
    std::vector<BytesView> keys;
    for (const auto& [key, times] : all) keys.push_back(key);
    std::vector<std::optional<pinned_t<Past<typename TestType::Next>>>> values(keys.size());
    multi_get(past, tree, keys, values);
    for (std::size_t i = 0; i != keys.size(); ++i) {
      const auto record = records.find(std::string(keys[i]));
      const auto one = store.get_versioned(tree, keys[i], Height{height});
      const bool there = record != records.end();
      CHECK(past.contains(tree, keys[i]) == there);
      CHECK(past.get(tree, keys[i]).has_value() == there);
      CHECK(values[i].has_value() == there);
      CHECK(one.has_value() == there);
      if (!there || !one || !values[i]) continue;
      CHECK(one->view() == record->second);
      CHECK(values[i]->view() == record->second);
    }
  }
  store.commit(WriteBatch().erase_range(tree, KeyRange::all()), Height{2000});
  CHECK_FALSE(store.get_latest(tree, all.begin()->first));
  CHECK(scanned(store, tree).empty());
  const Records& before = then.at(1001);
  CHECK(scanned(snapshot, tree) == KeyValues(before.begin(), before.end()));
  CHECK(scanned(newest, tree) == KeyValues(before.begin(), before.end()));
}

TEMPLATE_LIST_TEST_CASE(
    "Versioned on every engine: a block reads its own writes, and is nothing "
    "before it is final",
    "", Stacks) {
  const Home<TestType> home;
  auto store = home.open();
  const Tree tree = store.open_tree("t");
  store.commit(WriteBatch().put(tree, "a", "1").put(tree, "b", "1").put(tree, "c", "1"), Height{1});
  const StateRoot root = store.root();
  {
    auto block = store.begin(Height{5});
    block.put(tree, "d", "5");
    block.erase_range(tree, KeyRange::between("a", "c"));
    block.write(WriteBatch().put(tree, "a", "5").erase(tree, "c"));
    CHECK(scanned(block, tree) == KeyValues{{"a", "5"}, {"d", "5"}});
    CHECK(scanned(block, tree, KeyRange::from("b"), Order::descending) == KeyValues{{"d", "5"}});
    CHECK(block.get(tree, "a")->view() == "5");
    CHECK_FALSE(block.get(tree, "b"));
    CHECK_FALSE(block.contains(tree, "c"));
    CHECK(count(store, tree) == 3);
  }
  CHECK(store.latest() == Height{1});
  CHECK(store.root() == root);
  CHECK(stored_entries(store) == 3);
  auto block = store.begin(Height{5});
  block.put(tree, "d", "5");
  auto other = store.begin(Height{6});
  other.put(tree, "d", "6");
  const StateRoot next = block.finalize();
  CHECK(next == store.root(Height{5}));
  CHECK(store.root(Height{4}) == root);
  CHECK_THROWS_WITH(other.finalize(), ContainsSubstring("another height was committed"));
  CHECK(store.get(tree, "d")->view() == "5");
}

TEMPLATE_LIST_TEST_CASE("Versioned on every engine: tables and indexes work at a height as now", "",
                        Stacks) {
  const Home<TestType> home;
  auto store = home.open();
  Accounts::On accounts{store};
  accounts.put({1, "ann", 100});
  accounts.put({2, "bob", 200});
  const Height before = store.latest();
  {
    auto block = store.begin(Height{50});
    Accounts::On staged{block};
    staged.put({1, "bob", 60});
    staged.put({3, "cleo", 40});
    CHECK(staged.template by<"by_owner">().equal("bob").count() == 2);
    CHECK(accounts.template by<"by_owner">().equal("bob").count() == 1);
    block.finalize();
  }
  const auto past = store.at(before);
  const Accounts::On then{past};
  CHECK(then.get(1)->owner == "ann");
  CHECK_FALSE(then.get(3));
  CHECK(then.template by<"by_owner">().equal("bob").count() == 1);
  CHECK(then.template by<"by_owner">().equal("ann").count() == 1);
  CHECK(then.verify_indexes().good());
  CHECK(accounts.template by<"by_owner">().equal("ann").count() == 0);
  store.rollback(before);
  CHECK(accounts.get(1)->cents == 100);
  CHECK(accounts.template by<"by_owner">().equal("ann").count() == 1);
  CHECK(accounts.verify_indexes().good());
}

TEMPLATE_LIST_TEST_CASE(
    "Versioned on every engine: a height that cannot be had is an error of its "
    "kind, and changes nothing",
    "", Stacks) {
  const Home<TestType> home;
  auto store = home.open(VersionedOptions{.retain_heights = 3, .base_height = 100});
  const Tree tree = store.open_tree("t");
  for (std::uint64_t h = 110; h != 160; h += 10) {
    store.commit(WriteBatch().put(tree, "k", std::to_string(h)), Height{h});
  }
  const StateRoot root = store.root();
  const WriteBatch batch = WriteBatch().put(tree, "k", "never");
  const auto faults = [&](std::uint64_t number) {
    const Height height{number};
    const auto fault = fault_of([&] { (void)store.at(height); });
    CHECK(fault_of([&] { (void)store.get_versioned(tree, "k", height); }) == fault);
    CHECK(fault_of([&] { (void)store.root(height); }) == fault);
    CHECK(fault_of([&] { (void)store.prove(tree, "k", height); }) == fault);
    CHECK(fault_of([&] { (void)store.changes(height, store.latest()); }) == fault);
    CHECK(fault_of([&] { (void)store.changes(store.latest(), height); }) == fault);
    if (fault) CHECK(fault_of([&] { store.rollback(height); }) == fault);
    return fault;
  };
  CHECK(faults(100) == HeightFault::pruned);
  CHECK(faults(129) == HeightFault::pruned);
  CHECK_FALSE(faults(130));
  CHECK_FALSE(faults(149));
  CHECK_FALSE(faults(150));
  CHECK(faults(151) == HeightFault::not_reached);
  CHECK(faults(~std::uint64_t{0}) == HeightFault::not_reached);
  for (const std::uint64_t number : Numbers{0, 130, 149, 150}) {
    CHECK(fault_of([&] { store.commit(batch, Height{number}); }) == HeightFault::out_of_order);
    CHECK(fault_of([&] { (void)store.begin(Height{number}); }) == HeightFault::out_of_order);
  }
  CHECK(store.latest() == Height{150});
  CHECK(store.oldest() == Height{130});
  CHECK(store.root() == root);
  CHECK(store.audit().good);
}

TEMPLATE_LIST_TEST_CASE(
    "Versioned on every engine: user trees are byte for byte what they are "
    "without the layer, joined late too",
    "", Stacks) {
  using Below = typename TestType::Next;
  const Home<Below> of_plain;
  const Home<TestType> home;
  auto plain = of_plain.open();
  Random random(5);
  Contents contents(tree_count);
  const auto write = [&](auto& first, auto& second) {
    const Random same = random;
    WriteBatch batch;
    Contents before = contents;
    change(random, open_trees(first), contents, batch);
    first.write(batch);
    batch.clear();
    random = same;
    change(random, open_trees(second), before, batch);
    second.write(batch);
  };
  if constexpr (needs_directory<TestType>) {
    // The store from before the layer lies where the stack will.
    TempDirectory directory;
    auto joined = open<Below>(directory / "db");
    for (int i = 0; i != 20; ++i) write(plain, joined);
    const auto before = user_records(joined);
    { const auto closed = std::move(joined); }
    auto store = open<TestType>(directory / "db", VersionedOptions{.base_height = 7});
    CHECK(user_records(store.next()) == before);
    CHECK(stored_entries(store) == 0);
    CHECK(store.latest() == Height{7});
    CHECK(store.root() == root_of(contents));
    const Contents base = contents;
    for (int i = 0; i != 20; ++i) {
      write(plain, store);
      CHECK(user_records(store.next()) == user_records(plain));
    }
    CHECK(store.root() == root_of(contents));
    CHECK(read(store.at(Height{7}), open_trees(store)) == base);
    store.rollback(Height{7});
    CHECK(user_records(store.next()) == before);
  } else {
    auto store = home.open();
    for (int i = 0; i != 40; ++i) {
      write(plain, store);
      CHECK(user_records(store.next()) == user_records(plain));
    }
  }
}

TEMPLATE_LIST_TEST_CASE(
    "Versioned on every engine: a thousand heights are kept, or so many, or "
    "all, or so many bytes",
    "", Stacks) {
  const auto keeps = [](const VersionedOptions& options, std::uint64_t heights) {
    const Home<TestType> home;
    auto store = home.open(options);
    const Tree tree = store.open_tree("t");
    for (std::uint64_t h = 1; h <= heights; ++h) {
      store.commit(WriteBatch().put(tree, "k", std::to_string(h)), Height{h}, Durability::buffered);
      if (store.statistics().bytes > options.retain_bytes) FAIL("more bytes than are to be kept");
    }
    const Height oldest = store.oldest();
    CHECK(store.get_versioned(tree, "k", oldest).has_value() == (oldest.value != 0));
    if (oldest.value != 0) {
      CHECK(store.get_versioned(tree, "k", oldest)->view() == std::to_string(oldest.value));
      CHECK(fault_of([&] { (void)store.at({oldest.value - 1}); }) == HeightFault::pruned);
      CHECK(fault_of([&] { store.rollback({oldest.value - 1}); }) == HeightFault::pruned);
    }
    CHECK(disorder(store) == "");
    return oldest.value;
  };
  constexpr std::uint64_t ever = VersionedOptions::for_ever;
  CHECK(keeps({}, 1004) == 5);
  CHECK(keeps({.retain_heights = ever}, 1004) == 0);
  CHECK(keeps({.retain_heights = 10}, 50) == 41);
  CHECK(keeps({.retain_heights = 1}, 50) == 50);
  const std::uint64_t oldest = keeps({.retain_heights = ever, .retain_bytes = 20'000}, 200);
  CHECK(oldest > 50);
  CHECK(oldest < 195);
}

TEMPLATE_LIST_TEST_CASE(
    "Versioned on every engine: pruning is bounded, keeps up, and leaves nothing "
    "behind",
    "", Stacks) {
  const Home<TestType> home;
  auto store = home.open(VersionedOptions{.retain_heights = 4});
  const Tree tree = store.open_tree("t");
  WriteBatch large;
  for (int i = 0; i != 4000; ++i) large.put(tree, std::to_string(i), "x");
  store.commit(large, Height{1});
  std::uint64_t pruned = 0;
  for (std::uint64_t h = 2; h != 16; ++h) {
    store.commit(WriteBatch().put(tree, "k", std::to_string(h)), Height{h});
    const auto now = store.statistics();
    CHECK(now.pruned - pruned <= 256 + 128);
    CHECK(now.heights <= 4);
    pruned = now.pruned;
  }
  std::uint64_t waiting = store.statistics().waiting;
  CHECK(waiting > 500);
  while (store.prune_step(100)) {
    const auto now = store.statistics();
    CHECK(waiting - now.waiting >= 100);
    CHECK(waiting - now.waiting < 100 + 128);
    waiting = now.waiting;
  }
  CHECK(store.statistics().waiting == 0);
  CHECK(disorder(store) == "");
  CHECK(store.audit().good);
}

TEMPLATE_LIST_TEST_CASE("Versioned on every engine: what changed between two heights, either way",
                        "", Stacks) {
  const Home<TestType> home;
  auto store = home.open();
  const Tree tree = store.open_tree("t");
  const auto then = make_history(store, tree);
  STATIC_REQUIRE(std::ranges::input_range<decltype(store.changes(Height{}, Height{}))>);
  using Change = std::pair<std::optional<std::string>, std::optional<std::string>>;
  const auto copy = [](const std::optional<BytesView>& bytes) {
    return bytes ? std::optional(std::string(*bytes)) : std::nullopt;
  };
  for (const auto& [from, before] : then) {
    for (const auto& [to, after] : then) {
      std::map<std::string, Change> expected;
      for (const auto& [key, value] : before) expected[key].first = value;
      for (const auto& [key, value] : after) expected[key].second = value;
      std::erase_if(expected, [](const auto& c) { return c.second.first == c.second.second; });
      std::vector<std::pair<std::string, Change>> found;
      for (const HeightChange& change : store.changes(Height{from}, Height{to})) {
        CHECK(change.tree == tree);
        found.emplace_back(std::string(change.key),
                           Change(copy(change.before), copy(change.after)));
      }
      CAPTURE(from, to);
      CHECK(found == std::vector<std::pair<std::string, Change>>(expected.begin(), expected.end()));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("Versioned on every engine: an audit names the first record that differs",
                        "", Stacks) {
  const Home<TestType> home;
  auto store = home.open();
  const KeyValues records = made_records(300);
  static_cast<void>(fill(store, records, 100));
  const Tree tree = *store.find_tree(tree_name(0));
  const KeyValues sorted = scanned(store, tree);
  const auto differs = [&](std::size_t at, const WriteBatch& meddling, const char* how) {
    store.next().write(meddling);
    const AuditReport report = store.audit();
    CHECK_FALSE(report.good);
    CHECK(report.height == store.latest());
    CHECK(report.tree == tree_name(0));
    CHECK(report.key == sorted[at].first);
    CHECK_THAT(report.difference, ContainsSubstring(how));
    WriteBatch mended;
    for (const auto& [key, value] : sorted) mended.put(tree, key, value);
    store.next().write(mended);
    CHECK(store.audit().good);
  };
  differs(40, WriteBatch().put(tree, sorted[70].first, "x").put(tree, sorted[40].first, "x"),
          "another value");
  differs(0, WriteBatch().put(tree, sorted[0].first, ""), "another value");
  differs(299, WriteBatch().put(tree, sorted[299].first, sorted[298].second), "another value");
  store.next().write(WriteBatch().erase(tree, sorted[9].first));
  CHECK_THAT(store.audit().difference, ContainsSubstring("1 records that the root knows"));
}

TEMPLATE_LIST_TEST_CASE(
    "Versioned on every engine: roots and proofs are the same when the store is "
    "opened again, and after a rollback",
    "", Stacks) {
  const Home<TestType> home;
  const std::string name = tree_name(0);
  std::map<std::uint64_t, StateRoot> roots;
  const auto take_back = [&](TestType& store) {
    const Tree tree = *store.find_tree(name);
    for (const std::uint64_t latest : Numbers{29, 17, 1, 0}) {
      store.rollback(Height{latest});
      for (std::uint64_t h = 0; h <= latest; ++h) {
        REQUIRE(store.root(Height{h}) == roots[h]);
        const std::string value = std::to_string(h);
        const std::string proof = store.prove(tree, "k", Height{h});
        const auto held = h == 0 ? std::nullopt : std::optional<BytesView>(value);
        CHECK(merkle::verify(roots[h], name, "k", held, proof).fault == merkle::ProofFault::none);
      }
      CHECK(store.audit().good);
    }
    CHECK(store.root() == StateRoot{});
  };
  {
    auto store = home.open();
    const Tree tree = store.open_tree(name);
    roots[0] = store.root();
    for (std::uint64_t h = 1; h != 30; ++h) {
      WriteBatch batch;
      batch.put(tree, "k", std::to_string(h)).put(tree, std::to_string(h), "x");
      batch.erase(tree, std::to_string(h / 2));
      roots[h] = store.commit(batch, Height{h});
    }
    // There is nothing to open again.
    if constexpr (!needs_directory<TestType>) return take_back(store);
  }
  auto store = home.open();
  take_back(store);
}

TEST_CASE(
    "Versioned: the root is of the content alone, whatever the engine, order, batches, threads "
    "and memory") {
  KeyValues records = made_records(1000);
  Contents contents(tree_count);
  contents[0] = Records(records.begin(), records.end());
  const StateRoot expected = root_of(contents);
  std::array<std::size_t, 5> order{0, 1, 2, 3, 4};
  unsigned threads = 0;
  do {
    auto store = open<Versioned<MemoryAdapter>>(VersionedOptions{
        .trie_cache_bytes = threads % 2 == 0 ? 4096U : 1U << 20U, .hash_threads = threads % 5});
    const Tree tree = store.open_tree(tree_name(0));
    for (const std::size_t part : order) {
      WriteBatch batch;
      for (std::size_t i = part; i < records.size(); i += order.size()) {
        batch.put(tree, records[i].first, records[i].second);
      }
      store.write(batch.put(tree, "passing", std::to_string(part)));
    }
    store.write(WriteBatch().erase(tree, "passing"));
    REQUIRE(store.root() == expected);
    ++threads;
  } while (std::next_permutation(order.begin(), order.end()));
  CHECK(threads == 120);

  const Home<Versioned<LmdbAdapter>> of_lmdb;
  auto lmdb = of_lmdb.open();
  CHECK(fill(lmdb, records, 100) == expected);
  std::reverse(records.begin(), records.end());
  const Home<Versioned<RocksAdapter>> of_rocksdb;
  auto rocksdb = of_rocksdb.open();
  CHECK(fill(rocksdb, records, 1000) == expected);
  std::rotate(records.begin(), records.begin() + 333, records.end());
  const Home<Versioned<Cached<Wal<RocksAdapter>>>> of_stack;
  auto stack = of_stack.open(VersionedOptions{.trie_cache_bytes = 4096, .hash_threads = 2});
  CHECK(fill(stack, records, 77) == expected);

  stack.commit(WriteBatch().erase_range(*stack.find_tree(tree_name(0)), KeyRange::all()),
               Height{1000});
  CHECK(stack.root() == StateRoot{});
  CHECK(stack.audit().good);
  stack.rollback(Height{999});
  CHECK(stack.root() == expected);
  CHECK(stack.audit().good);
}

TEST_CASE("Versioned: the root of a store that was filled before is that of one filled with it") {
  const TempDirectory directory;
  const auto records = made_records(5000);
  {
    auto plain = open<LmdbAdapter>(directory / "db");
    const Tree tree = plain.open_tree(tree_name(0));
    WriteBatch batch;
    for (const auto& [key, value] : records) batch.put(tree, key, value);
    plain.write(batch);
    Accounts::On accounts{plain};
    accounts.put({1, "ann", 5});
  }
  auto fresh = open<Versioned<MemoryAdapter>>();
  static_cast<void>(fill(fresh, records, 100));
  Accounts::On(fresh).put({1, "ann", 5});
  {
    auto history = open<Versioned<LmdbAdapter, Uncommitted>>(directory / "db");
    history.commit(WriteBatch().put(*history.find_tree(tree_name(0)), "k", "v"), Height{5});
  }
  auto store = open<Versioned<LmdbAdapter>>(directory / "db");
  const Tree tree = *store.find_tree(tree_name(0));
  CHECK_THROWS_WITH((void)store.root(Height{4}), ContainsSubstring("has no root"));
  CHECK_THROWS_WITH((void)store.prove(tree, "k", Height{4}), ContainsSubstring("has no root"));
  CHECK_THROWS_AS(store.rollback(Height{4}), HeightError);
  store.commit(WriteBatch().erase(tree, "k"), Height{6});
  CHECK(store.root() == fresh.root());
  CHECK(store.audit().good);
  store.rollback(Height{5});
  CHECK(store.audit().good);
}

TEST_CASE("Versioned: a store with roots is not opened as one without, nor as one of others") {
  const TempDirectory directory;
  {
    auto store = open<Versioned<LmdbAdapter>>(directory / "db");
    store.write(WriteBatch().put(store.open_tree(tree_name(0)), "k", "v"));
  }
  using Without = Versioned<LmdbAdapter, Uncommitted>;
  using Other = Versioned<LmdbAdapter, merkle::Ics23Sha256>;
  CHECK_THROWS_WITH((void)open<Without>(directory / "db"),
                    ContainsSubstring("keeps roots of the kind 'blake3'"));
  CHECK_THROWS_WITH((void)open<Other>(directory / "db"),
                    ContainsSubstring("built for 'ics23-sha256'"));
  const VersionedOptions outside{.outside_root = {tree_name(0)}};
  CHECK_THROWS_WITH((void)open<Versioned<LmdbAdapter>>(directory / "db", outside),
                    ContainsSubstring("take it out of outside_root"));
  CHECK(open<Versioned<LmdbAdapter>>(directory / "db").latest() == Height{1});
}
