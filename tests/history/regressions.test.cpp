// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/versioned.hpp>
#include <varve/migrations/scrub.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>
#include <varve/table.hpp>
#include <varve/testing/faulty.hpp>

#include "catch.hpp"
#include "layers/hooked.hpp"
#include "migrations/customers.hpp"
#include "migrations/there_and_back.hpp"
#include "temp_directory.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

// Each of these has been wrong once.

using namespace varve;
using varve_test::ContainsSubstring;
using varve_test::Hooked;
using varve_test::HookedOptions;
using varve_test::TempDirectory;

namespace {

struct Account {
  std::uint64_t id = 0;
  std::string owner{};
};
using Accounts = Table<"accounts", Key<&Account::id>, Account, Packed>;
using FoundByOwner =
    Table<"accounts", Key<&Account::id>, Account, Packed, Index<"by_owner", &Account::owner>>;

}  // namespace

TEST_CASE("Versioned: a drop that failed is done before anything else is written") {
  const TempDirectory home;
  using Store = Versioned<testing::Faulty<RocksAdapter>>;
  const testing::FaultyOptions faulty;
  {
    auto store = open<Store>(home.path() + "/store", faulty);
    const Tree tree = store.open_tree("t");
    store.write(WriteBatch().put(tree, "a", "1"));
    faulty.plan->add({.call = testing::Call::drop_tree});
    CHECK_THROWS_AS(store.drop_tree(tree), Error);
    CHECK_THROWS_AS(store.write(WriteBatch().put(tree, "a", "1").put(tree, "b", "2")), Error);
    store.write(WriteBatch().put(store.open_tree("t"), "b", "2"));
    CHECK(store.audit().good);
  }
  auto store = open<Store>(home.path() + "/store", faulty);
  CHECK(get_copy(store, store.open_tree("t"), "b") == "2");
  CHECK(store.audit().good);
}

TEST_CASE("Versioned: after a write that failed the latest height is that of the store") {
  const testing::FaultyOptions faulty;
  auto store = open<Versioned<testing::Faulty<MemoryAdapter>>>(faulty);
  const Tree tree = store.open_tree("t");
  store.commit(WriteBatch().put(tree, "a", "1"), Height{1});
  auto block = store.begin(Height{4});
  block.put(tree, "a", "4");

  faulty.plan->add({.call = testing::Call::write, .effect = testing::Effect::fails});
  CHECK_THROWS_AS(store.commit(WriteBatch().put(tree, "a", "2"), Height{2}), Error);
  CHECK(store.latest() == Height{1});
  CHECK(store.statistics().latest == Height{1});
  CHECK(get_copy(store, tree, "a") == "1");

  faulty.plan->add({.call = testing::Call::write, .effect = testing::Effect::fails_after});
  CHECK_THROWS_AS(store.commit(WriteBatch().put(tree, "a", "3"), Height{3}), Error);
  faulty.plan->add({.call = testing::Call::get});
  CHECK_THROWS_AS(store.latest(), Error);
  CHECK(store.latest() == Height{3});
  CHECK(store.statistics().latest == Height{3});
  CHECK(get_copy(store, tree, "a") == "3");
  CHECK(get_copy(store.at(store.latest()), tree, "a") == "3");
  CHECK_THROWS_AS(block.finalize(), Error);
  CHECK_THROWS_AS(store.begin(Height{3}), HeightError);
  store.commit(WriteBatch().put(tree, "a", "4"), Height{4});
  CHECK(store.audit().good);
}

TEST_CASE("Versioned: the root of a height is never that of the one that a rollback leaves") {
  const HookedOptions hooked;
  auto store = open<Versioned<Hooked<MemoryAdapter>>>(hooked);
  const Tree tree = store.open_tree("t");
  store.commit(WriteBatch().put(tree, "a", "1"), Height{10});
  const StateRoot root = store.commit(WriteBatch().put(tree, "a", "2"), Height{20});
  hooked.hooks->snapped = [&] { store.rollback(Height{10}); };
  CHECK(store.root(Height{20}) == root);
  CHECK(store.latest() == Height{10});
}

TEST_CASE("Versioned: an audit beside trees that come and go") {
  const HookedOptions hooked;
  auto store = open<Versioned<Hooked<MemoryAdapter>>>(hooked);
  const Tree tree = store.open_tree("t");
  const Tree other = store.open_tree("u");
  store.write(WriteBatch().put(tree, "a", "1").put(other, "a", "1"));
  hooked.hooks->scanning = [&] {
    store.write(WriteBatch().put(store.open_tree("late"), "a", "1"));
  };
  CHECK(store.audit().good);
  CHECK(store.find_tree("late"));
  hooked.hooks->scanning = [&] { store.drop_tree(other); };
  CHECK(store.audit().good);
  CHECK_FALSE(store.find_tree("u"));
}

TEST_CASE("Versioned: a damaged root page is not what the next root is made of") {
  const TempDirectory home;
  {
    auto store = open<Versioned<LmdbAdapter>>(home.path() + "/store");
    const Tree tree = store.open_tree("t");
    WriteBatch batch;
    for (int i = 0; i != 300; ++i) batch.put(tree, std::to_string(i), "v");
    store.write(batch);
    const Tree pages = *store.next().find_tree("varve.trie");
    // The root page comes first.
    const auto scan = store.next().scan(pages, KeyRange::all());
    const std::string key(scan.entry().key);
    std::string page(scan.entry().value);
    char& in_a_hash = page[page.size() - 10];
    in_a_hash = static_cast<char>(in_a_hash ^ 1);
    store.next().write(WriteBatch().put(pages, key, page));
  }
  auto store = open<Versioned<LmdbAdapter>>(home.path() + "/store");
  CHECK_THROWS_WITH(store.write(WriteBatch().put(*store.find_tree("t"), "7", "w")),
                    ContainsSubstring("root page of the trie does not have the root"));
}

TEST_CASE("Versioned: its own trees are not dropped through it") {
  auto store = open<Versioned<MemoryAdapter, Uncommitted>>();
  const std::vector<Tree> own{*store.next().find_tree("varve.history")};
  CHECK_THROWS_AS(store.drop_tree(own.front()), Error);
  CHECK_THROWS_AS(store.write_and_drop({}, own, Durability::synced), Error);
}

TEST_CASE("Versioned: an index that was built later is not readable on heights before") {
  auto store = open<Versioned<MemoryAdapter, Uncommitted>>();
  {
    const Accounts::On accounts{store};
    accounts.put({1, "ann"});
    accounts.put({2, "bob"});
  }
  const Height before = store.latest();
  const FoundByOwner::On accounts{store};
  accounts.build_indexes();
  const Height built = store.latest();
  accounts.put({3, "ann"});
  CHECK(accounts.by<"by_owner">().equal("ann").count() == 2);

  const auto then = store.at(built);
  CHECK(accounts.at(then).by<"by_owner">().equal("ann").count() == 1);
  const auto past = store.at(before);
  const auto without = accounts.at(past);
  CHECK(without.get(1)->owner == "ann");
  CHECK_THROWS_AS(without.by<"by_owner">().equal("ann").count(), Error);
}

TEST_CASE("Versioned: an index that was not built yet at a height is built again on it") {
  auto store = open<Versioned<MemoryAdapter, Uncommitted>>();
  {
    const Accounts::On accounts{store};
    for (std::uint64_t id = 0; id != 10; ++id) accounts.put({id, "ann"});
  }
  const Height before = store.latest();
  const FoundByOwner::On accounts{store};
  const bool half = GENERATE(true, false);
  if (half) {
    accounts.build_step(5);
  } else {
    accounts.build_indexes();
    accounts.put({10, "ann"});
    const Height built = store.latest();
    accounts.put({11, "ann"});
    store.rollback(built);
    CHECK(accounts.by<"by_owner">().equal("ann").count() == 11);
  }
  store.rollback(before);
  CHECK_THROWS_AS(accounts.by<"by_owner">().count(), Error);
  accounts.build_indexes();
  CHECK(accounts.by<"by_owner">().equal("ann").count() == 10);
  CHECK(accounts.verify_indexes().good());
}

TEST_CASE("Versioned: no rollback goes below a change of the schema") {
  namespace schema = varve_test::there_and_back;
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  using Below = Versioned<LmdbAdapter, Uncommitted>;
  {
    auto store = open<Migrated<schema::Old, Below>>(directory);
    schema::fill_version_2(store, 10);
  }
  auto store = open<Migrated<schema::New, Below>>(directory);
  const Height migrated = store.next().latest();
  CHECK_THROWS_WITH(store.rollback(Height{1}), ContainsSubstring("a schema was changed"));
  store.write(WriteBatch().put(store.open_tree("other"), "k", "v"));
  store.rollback(migrated);
  CHECK(varve_test::blocks::contents(store) == schema::contents_of_new(10));
}

TEST_CASE("Versioned: a height that is committed beside a scrub is not written over") {
  using namespace varve_test::customers;
  const TempDirectory home;
  using Below = Versioned<Hooked<LmdbAdapter>, Uncommitted>;
  const std::string key = varve_test::blocks::key_of(std::uint64_t{0});
  const CustomerV3 fresh{0, "new", "IT", 5};
  // Behind each of the first reads of the scrub.
  for (int at = 1; at != 6; ++at) {
    const std::string directory = home.path() + "/" + std::to_string(at);
    const HookedOptions hooked;
    {
      auto store = open<Migrated<ToTwo, Below>>(directory, hooked);
      fill_version_2(store, 1);
    }
    auto store = open<Migrated<ToThree, Below>>(directory, hooked);
    const Tree tree = *store.find_tree("customers");
    std::thread writer;
    int left = at;
    const std::function<void()> got = [&] {
      if (--left != 0) {
        hooked.hooks->got = got;
        return;
      }
      writer = std::thread([&] {
        std::string bytes;
        CustomerCodec<ToThree>::encode(fresh, bytes);
        store.commit(WriteBatch().put(tree, key, bytes), Height{1000});
      });
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    };
    hooked.hooks->got = got;
    CHECK(scrub(store).complete);
    REQUIRE(writer.joinable());
    writer.join();
    CHECK(CustomerCodec<ToThree>::decode<CustomerV3>(*get_copy(store, tree, key)) == fresh);
  }
}
