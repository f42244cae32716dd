// SPDX-License-Identifier: Apache-2.0
#include "history/model.hpp"

#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/codecs/packed.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/wal.hpp>
#include <varve/merkle/verify.hpp>
#include <varve/open.hpp>
#include <varve/table.hpp>
#include <varve/testing/faulty.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using namespace varve;
using namespace varve_test::past;
using merkle::ProofFault;
using varve_test::ContainsSubstring;
using varve_test::TempDirectory;

namespace {

using InMemory = Versioned<MemoryAdapter>;

struct Account {
  std::uint64_t id;
  std::string owner;
};

using Accounts =
    Table<"accounts", Key<&Account::id>, Account, Packed, Index<"by_owner", &Account::owner>>;

/// The records, in some order and in batches of some size.
template <class Store>
StateRoot fill(Store& store, const std::vector<std::pair<std::string, std::string>>& records,
               std::size_t batch_records) {
  const Tree tree = store.open_tree("tree 0");
  WriteBatch batch;
  for (const auto& [key, value] : records) {
    batch.put(tree, key, value);
    if (batch.count() != batch_records) continue;
    store.write(batch);
    batch.clear();
  }
  store.write(batch);
  return store.root();
}

std::vector<std::pair<std::string, std::string>> made_records(std::size_t count) {
  std::vector<std::pair<std::string, std::string>> records;
  Random random(7);
  for (std::size_t i = 0; i != count; ++i) {
    records.emplace_back("key " + std::to_string(random.next()), std::to_string(i));
  }
  return records;
}

ProofFault fault_of(const StateRoot& root, BytesView key, std::optional<BytesView> value,
                    const std::string& proof) {
  return merkle::verify(root, "tree 0", key, value, proof).fault;
}

}  // namespace

TEST_CASE("Versioned: the root is of the content alone, whatever the engine, order and batches") {
  auto records = made_records(1000);
  Contents contents(tree_count);
  contents[0] = Records(records.begin(), records.end());
  const StateRoot expected = root_of(contents);
  auto memory = open<InMemory>();
  CHECK(fill(memory, records, 1) == expected);
  std::reverse(records.begin(), records.end());
  const TempDirectory directory;
  auto lmdb = open<Versioned<LmdbAdapter>>(directory / "lmdb");
  CHECK(fill(lmdb, records, 100) == expected);
  auto rocksdb = open<Versioned<RocksAdapter>>(directory / "rocksdb");
  CHECK(fill(rocksdb, records, 1000) == expected);
  std::rotate(records.begin(), records.begin() + 333, records.end());
  auto stack = open<Versioned<Cached<Wal<RocksAdapter>>>>(
      directory / "stack", VersionedOptions{.trie_cache_bytes = 4096, .hash_threads = 2});
  CHECK(fill(stack, records, 77) == expected);

  stack.commit(WriteBatch().erase_range(*stack.find_tree("tree 0"), KeyRange::all()), Height{1000});
  CHECK(stack.root() == StateRoot{});
  CHECK(count(stack.next(), *stack.next().find_tree("varve.trie")) == 0);
  stack.rollback(Height{999});
  CHECK(stack.root() == expected);
  CHECK(stack.audit().good);
}

TEST_CASE("Versioned: another branch after a rollback has the root of a fresh build") {
  const auto records = made_records(300);
  auto store = open<InMemory>();
  static_cast<void>(fill(store, records, 10));
  const StateRoot forked = store.root();
  const Height fork = store.latest();
  const Tree tree = *store.find_tree("tree 0");
  for (std::uint64_t i = 1; i != 6; ++i) {
    const StateRoot root = store.commit(
        WriteBatch().put(tree, "branch", std::to_string(i)).erase(tree, records[i].first),
        Height{fork.value + i});
    CHECK(store.root(Height{fork.value + i}) == root);
  }
  store.rollback(fork);
  CHECK(store.root() == forked);
  auto block = store.begin(Height{fork.value + 1});
  block.put(tree, "other", "branch");
  const StateRoot other = block.finalize();

  auto fresh = open<InMemory>();
  auto all = records;
  all.emplace_back("other", "branch");
  CHECK(fill(fresh, all, 1000) == other);
}

TEST_CASE("Versioned: proofs hold at every height that is kept, and say nothing else") {
  auto store = open<InMemory>(VersionedOptions{.retain_heights = 8});
  const Tree tree = store.open_tree("tree 0");
  static_cast<void>(fill(store, made_records(200), 50));
  for (std::uint64_t h = 10; h != 30; ++h) {
    store.commit(WriteBatch().put(tree, "k", std::to_string(h)), Height{h});
  }
  for (std::uint64_t h = store.oldest().value; h != 30; ++h) {
    const StateRoot root = store.root(Height{h});
    const std::string proof = store.prove(tree, "k", Height{h});
    CHECK(fault_of(root, "k", std::to_string(h), proof) == ProofFault::none);
    CHECK(fault_of(root, "k", std::to_string(h + 1), proof) != ProofFault::none);
    CHECK(fault_of(root, "k", std::nullopt, proof) != ProofFault::none);
    CHECK(fault_of(store.root(), "k", std::to_string(h), proof) ==
          (h == 29 ? ProofFault::none : ProofFault::other_root));
    const std::string absent = store.prove(tree, "absent", Height{h});
    CHECK(fault_of(root, "absent", std::nullopt, absent) == ProofFault::none);
    CHECK(fault_of(root, "absent", "", absent) != ProofFault::none);
  }
  CHECK_THROWS_AS((void)store.prove(tree, "k", Height{9}), HeightError);
  CHECK_THROWS_AS((void)store.root(Height{30}), HeightError);
}

TEST_CASE("Versioned: the root of a store that was filled before is that of one filled with it") {
  const TempDirectory directory;
  const auto records = made_records(5000);
  {
    auto plain = open<LmdbAdapter>(directory / "db");
    const Tree tree = plain.open_tree("tree 0");
    WriteBatch batch;
    for (const auto& [key, value] : records) batch.put(tree, key, value);
    plain.write(batch);
    Accounts::On accounts{plain};
    accounts.put({1, "ann"});
  }
  auto fresh = open<InMemory>();
  static_cast<void>(fill(fresh, records, 100));
  Accounts::On(fresh).put({1, "ann"});
  {
    auto history = open<Versioned<LmdbAdapter, Uncommitted>>(directory / "db");
    history.commit(WriteBatch().put(*history.find_tree("tree 0"), "k", "v"), Height{5});
  }
  auto store = open<Versioned<LmdbAdapter>>(directory / "db");
  CHECK_THROWS_WITH((void)store.root(Height{4}), ContainsSubstring("has no root"));
  CHECK_THROWS_WITH((void)store.prove(*store.find_tree("tree 0"), "k", Height{4}),
                    ContainsSubstring("has no root"));
  CHECK_THROWS_AS(store.rollback(Height{4}), HeightError);
  store.commit(WriteBatch().erase(*store.find_tree("tree 0"), "k"), Height{6});
  CHECK(store.root() == fresh.root());
  CHECK(store.audit().good);
  store.rollback(Height{5});
  CHECK(store.audit().good);
}

TEST_CASE("Versioned: indexes, and trees that are named so, are no part of the root") {
  auto store = open<InMemory>(VersionedOptions{.outside_root = {"scratch"}});
  Accounts::On accounts{store};
  accounts.put({1, "ann"});
  const Tree scratch = store.open_tree("scratch");
  const Tree dotted = store.open_tree("no.index");
  const StateRoot before = store.root();
  store.write(
      WriteBatch().put(scratch, "k", "v").put(*store.find_tree("accounts.by_owner"), "x", ""));
  CHECK(store.root() == before);
  CHECK(store.get_versioned(scratch, "k", store.latest())->view() == "v");
  CHECK_THROWS_WITH((void)store.prove(scratch, "k", store.latest()),
                    ContainsSubstring("no part of the root"));
  CHECK_THROWS_AS((void)store.prove(*store.find_tree("accounts.by_owner"), "x", store.latest()),
                  Error);
  store.write(WriteBatch().put(dotted, "k", "v"));
  CHECK(store.root() != before);
  CHECK(store.audit().good);
  store.drop_tree(dotted);
  CHECK(store.root() == before);
  CHECK(store.audit().good);
}

TEST_CASE("Versioned: an audit names the first record that differs") {
  auto store = open<InMemory>();
  static_cast<void>(fill(store, made_records(100), 10));
  const Tree tree = *store.find_tree("tree 0");
  const auto first = std::string(store.scan(tree, KeyRange::all()).entry().key);
  const std::string value = *get_copy(store, tree, first);
  store.next().write(WriteBatch().put(tree, first, "tampered"));
  auto report = store.audit();
  CHECK_FALSE(report.good);
  CHECK(report.tree == "tree 0");
  CHECK(report.key == first);
  CHECK_THAT(report.difference, ContainsSubstring("another value"));
  store.next().write(WriteBatch().erase(tree, first));
  report = store.audit();
  CHECK_THAT(report.difference, ContainsSubstring("1 records that the root knows are missing"));
  store.next().write(WriteBatch().put(tree, first, value).put(tree, "new", "x"));
  report = store.audit();
  CHECK(report.key == "new");
  store.next().write(WriteBatch().erase(tree, "new"));
  CHECK(store.audit().good);
}

TEST_CASE("Versioned: a store with roots is not opened as one without, nor as one of others") {
  const TempDirectory directory;
  {
    auto store = open<Versioned<LmdbAdapter>>(directory / "db");
    store.write(WriteBatch().put(store.open_tree("tree 0"), "k", "v"));
  }
  using Without = Versioned<LmdbAdapter, Uncommitted>;
  using Other = Versioned<LmdbAdapter, merkle::Ics23Sha256>;
  CHECK_THROWS_WITH((void)open<Without>(directory / "db"),
                    ContainsSubstring("keeps roots of the kind 'blake3'"));
  CHECK_THROWS_WITH((void)open<Other>(directory / "db"),
                    ContainsSubstring("built for 'ics23-sha256'"));
  const VersionedOptions outside{.outside_root = {"tree 0"}};
  CHECK_THROWS_WITH((void)open<Versioned<LmdbAdapter>>(directory / "db", outside),
                    ContainsSubstring("take it out of outside_root"));
  CHECK(open<Versioned<LmdbAdapter>>(directory / "db").latest() == Height{1});
}

TEST_CASE("Versioned: a commit that fails leaves nothing behind of what joins the root") {
  using testing::Call;
  std::uint64_t failed = 0;
  for (const Call call : {Call::get, Call::contains, Call::scan, Call::next, Call::trees}) {
    bool met = true;
    for (std::uint64_t at = 1; met; ++at) {
      const testing::FaultyOptions faulty;
      auto store = open<Versioned<testing::Faulty<MemoryAdapter>>>(
          VersionedOptions{.retain_heights = 1, .outside_root = {"outside"}}, faulty);
      const Tree inside = store.open_tree("inside");
      const Tree outside = store.open_tree("outside");
      store.write(WriteBatch().put(store.open_tree("older"), "key", "value"));
      const WriteBatch batch =
          WriteBatch().put(inside, "key", "value").put(outside, "key", "value");
      faulty.plan->add({.call = call, .at = at});
      try {
        store.write(batch);
      } catch (const Error&) {
        ++failed;
      }
      met = faulty.plan->met() != 0;
      faulty.plan->clear();
      INFO("call " << static_cast<int>(call) << ", the one of number " << at);
      store.write(batch);
      CHECK(store.audit().difference.empty());
      store.drop_tree(inside);
      CHECK(store.audit().difference.empty());
    }
  }
  CHECK(failed > 5);
}
