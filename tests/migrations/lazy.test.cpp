// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/migrations/chain_up_to.hpp>
#include <varve/migrations/scrub.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>

#include "catch.hpp"
#include "migrations/customers.hpp"
#include "migrations/refusal.hpp"
#include "temp_directory.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace varve;
using namespace varve_test::customers;
using varve_test::ContainsSubstring;
using varve_test::refusal;
using varve_test::TempDirectory;

namespace {

constexpr std::uint64_t made = 500;
using Versions = std::map<int, std::uint64_t>;

template <class Below>
void fill(const std::string& directory) {
  auto store = open<Migrated<ToTwo, Below>>(directory);
  fill_version_2(store, made);
}

/// Every customer by the table, by the index and in a snapshot.
template <class Chain, class Store>
void check_all(Store& store, const std::map<std::uint64_t, CustomerV3>& expected) {
  const typename Customers<Chain>::template On<Store> customers(store);
  REQUIRE(customers.count() == expected.size());
  std::multimap<std::uint64_t, std::uint64_t> by_debt;
  for (const auto& [id, customer] : expected) {
    CHECK(customers.get(id) == customer);
    by_debt.emplace(customer.cents, id);
  }
  auto at = by_debt.begin();
  for (const CustomerV3& found : customers.template by<"by_debt">()) {
    REQUIRE(at != by_debt.end());
    CHECK(found.cents == at->first);
    CHECK(found == expected.at(found.id));
    ++at;
  }
  CHECK(at == by_debt.end());
  const auto snapshot = store.snapshot();
  CHECK(customers.at(snapshot).get(expected.begin()->first) == expected.begin()->second);
  CHECK(customers.verify_indexes().good());
}

std::map<std::uint64_t, CustomerV3> all_in_cents() {
  std::map<std::uint64_t, CustomerV3> all;
  for (std::uint64_t id = 0; id != made; ++id) all[id] = in_cents(customer(id));
  return all;
}

}  // namespace

TEMPLATE_TEST_CASE("Migrated: a lazy step leaves old records as they are, and they read as new", "",
                   VARVE_STACKS_OF_LANE(Cached<Wal<MemoryAdapter>>, LmdbAdapter, RocksAdapter)) {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<TestType>(directory);
  using Store = Migrated<ToThree, TestType>;
  const MigrationPlan planned = plan<Store>(directory);
  CHECK(planned.lazy);
  CHECK(planned.records == made);
  CHECK(planned.refused == 0);
  auto expected = all_in_cents();
  {
    auto store = open<Store>(directory);
    CHECK(store.mixed());
    CHECK(versions_of(store) == Versions{{2, made}});
    const typename Customers<ToThree>::template On<Store> customers(store);
    // The entries of the index are in euros: they answer nothing until they are cents.
    CHECK(customers.template index_state<"by_debt">() == IndexState::building);
    CHECK_THROWS_AS(customers.template by<"by_debt">().count(), Error);
    customers.build_indexes();
    check_all<ToThree>(store, expected);
    customers.put(expected[7] = {7, "seven", "IT", 77});
    customers.put(expected[made] = {made, "new", "ES", 1});
    customers.erase(std::uint64_t{8});
    expected.erase(8);
    CHECK(versions_of(store) == Versions{{2, made - 2}, {3, 2}});
    check_all<ToThree>(store, expected);
  }
  CHECK(refusal<Migrated<ToTwo, TestType>>(directory).kind() == ErrorKind::schema_newer);
  CHECK(refusal<Migrated<FromThree, TestType>>(directory).kind() == ErrorKind::schema_too_old);
  {
    auto store = open<Store>(directory);
    CHECK(store.history().size() == 2);
    check_all<ToThree>(store, expected);
    const auto before = store.snapshot();
    const ScrubProgress done = scrub(store, {.slice_records = 64});
    CHECK(done.complete);
    CHECK(done.records == expected.size());
    CHECK(done.rewritten == made - 2);
    CHECK_FALSE(store.mixed());
    CHECK(versions_of(store) == Versions{{3, expected.size()}});
    check_all<ToThree>(store, expected);
    const typename Customers<ToThree>::template On<Store> customers(store);
    CHECK(customers.at(before).get(std::uint64_t{9}) == expected[9]);
  }
  CHECK_NOTHROW(open<Store>(directory));
  CHECK(refusal<Migrated<FromThree, TestType>>(directory).kind() == ErrorKind::schema_loss);
}

TEST_CASE("Migrated: records of three versions lie side by side, and one scrub ends them all") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  std::map<std::uint64_t, CustomerV3> expected = all_in_cents();
  {
    using Store = Migrated<WithTables<ToThree, Customers<ToThree>>, LmdbAdapter>;
    auto store = open<Store>(directory);
    {
      const Customers<ToThree>::On<Store> customers(store);
      for (std::uint64_t id = 0; id < made; id += 5) customers.put(expected[id]);
    }
    // Half of it: another version comes in between, and the scrub begins anew.
    static_cast<void>(store.scrub_slice({.slice_records = 150}));
    CHECK(versions_of(store) == Versions{{2, 250}, {3, 250}});
  }
  using Store = Migrated<WithTables<ToFour, Customers<ToFour>>, LmdbAdapter>;
  const MigrationPlan planned = plan<Store>(directory);
  CHECK(planned.lazy);
  CHECK(planned.lossy());
  auto store = open<Store>(directory, MigratedOptions{.accept_loss = planned.hash()});
  for (auto& [id, customer] : expected) customer.name = customer.name.substr(0, 8);
  const Customers<ToFour>::On<Store> customers(store);
  customers.put(expected[3] = {3, "three", "IT", 3});
  CHECK(versions_of(store) == Versions{{2, 250}, {3, 249}, {4, 1}});
  CHECK(customers.get(std::uint64_t{250}) == expected[250]);
  CHECK(scrub(store).complete);
  CHECK(versions_of(store) == Versions{{4, made}});
  check_all<ToFour>(store, expected);
}

TEST_CASE("Migrated: `force` ends what is lazy before the store opens") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  using Store = Migrated<WithTables<ToThree, Customers<ToThree>>, LmdbAdapter>;
  SECTION("at once") {
    auto store = open<Store>(directory, MigratedOptions{.force = true});
    CHECK_FALSE(store.mixed());
    CHECK(versions_of(store) == Versions{{3, made}});
    check_all<ToThree>(store, all_in_cents());
  }
  SECTION("later") {
    CHECK(open<Store>(directory).mixed());
    auto store = open<Store>(directory, MigratedOptions{.force = true});
    CHECK_FALSE(store.mixed());
    CHECK(versions_of(store) == Versions{{3, made}});
    check_all<ToThree>(store, all_in_cents());
  }
}

namespace {

/// Has nothing to do with customers.
struct AddNotes : Step<3, 4> {
  static constexpr auto description = "there are notes";
  using Actions = varve::Actions<CreateTree<"notes">>;
};
using WithNotes = MigrationChain<ToThree, AddNotes>;

}  // namespace

TEST_CASE("Migrated: an eager run behind a lazy one rewrites what that one left") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  CHECK(open<Migrated<ToThree, LmdbAdapter>>(directory).mixed());
  using Store = Migrated<WithTables<WithNotes, Customers<WithNotes>>, LmdbAdapter>;
  auto store = open<Store>(directory);
  CHECK_FALSE(store.mixed());
  CHECK(versions_of(store) == Versions{{3, made}});
  check_all<WithNotes>(store, all_in_cents());
}

TEST_CASE("Migrated: records without a version in front of them are rewritten, lazy or not") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    auto store = open<LmdbAdapter>(directory);
    WriteBatch batch;
    for (std::uint64_t id = 0; id != made; ++id) {
      std::string key;
      Ordered::encode(id, key);
      std::string bytes;
      Packed::encode(customer(id), bytes);
      batch.put(store.open_tree("customers"), key, bytes);
    }
    store.write(batch, Durability::synced);
  }
  using Store = Migrated<ToThree, LmdbAdapter>;
  auto store = open<Store>(directory, MigratedOptions{.adopt_as = 2});
  CHECK_FALSE(store.mixed());
  CHECK(versions_of(store) == Versions{{3, made}});
}

TEST_CASE("Migrated: tables of a store that is left on its version are those of that version") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  using Store = Migrated<WithTables<ToThree, Customers<ToThree>>, LmdbAdapter>;
  static_assert(std::is_same_v<ChainUpTo<ToThree, 2>, ToTwo>);
  std::map<std::uint64_t, CustomerV3> expected = all_in_cents();
  {
    auto store = open<Store>(directory, MigratedOptions{.skip = true});
    CHECK(store.version() == 2);
    CHECK_FALSE(store.mixed());
    const CustomersV2::On<Store> customers(store);
    CHECK(customers.by<"by_debt">().equal(7).count() == 5);
    customers.put({7, "seven", "IT", 70});
    expected[7] = {7, "seven", "IT", 7000};
    CHECK(customers.verify_indexes().good());
    CHECK(versions_of(store) == Versions{{2, made}});
  }
  auto store = open<Store>(directory, MigratedOptions{.force = true});
  check_all<ToThree>(store, expected);
}

TEST_CASE("Migrated: a mixed store that is left on its version says so, and is not scrubbed") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  CHECK(open<Migrated<ToThree, LmdbAdapter>>(directory).mixed());
  {
    using Store = Migrated<WithTables<ToFour, Customers<ToFour>>, LmdbAdapter>;
    auto store = open<Store>(directory, MigratedOptions{.skip = true});
    CHECK(store.version() == 3);
    CHECK(store.mixed());
    const auto recorded = recorded_tables(store);
    const Error error = varve_test::error_of([&] { static_cast<void>(scrub(store)); });
    CHECK(error.kind() == ErrorKind::invalid_argument);
    CHECK_THAT(error.what(), ContainsSubstring("was left on version 3 and has records of version "
                                               "2: scrub it with a program whose chain ends with "
                                               "version 3, as ChainUpTo does"));
    CHECK(recorded_tables(store) == recorded);
    CHECK(versions_of(store) == Versions{{2, made}});
  }
  {
    auto store = open<Migrated<ChainUpTo<ToFour, 3>, LmdbAdapter>>(directory);
    CHECK(scrub(store).complete);
    CHECK_FALSE(store.mixed());
  }
  auto store = open<Migrated<ToFour, LmdbAdapter>>(directory, MigratedOptions{.skip = true});
  CHECK_FALSE(store.mixed());
  CHECK(scrub(store).complete);
  CHECK(versions_of(store) == Versions{{3, made}});
}

TEST_CASE("scrub: what stops it is gone on with, and a refused record is named or put aside") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  {
    // Euros that are no number of cents: the record is damaged behind its version.
    auto store = open<Migrated<ToTwo, LmdbAdapter>>(directory);
    std::string key;
    Ordered::encode(std::uint64_t{333}, key);
    put(store, *store.find_tree("customers"), key, "\x02 no customer");
  }
  const MigrationPlan planned = plan<Migrated<ToThree, LmdbAdapter>>(directory);
  CHECK(planned.refused == 1);
  REQUIRE(planned.refusals.size() == 1);
  CHECK(planned.refusals[0].value == "\x02 no customer");
  CHECK_THAT(to_string(planned), ContainsSubstring("customers 000000000000014d"));

  auto store = open<Migrated<ToThree, LmdbAdapter>>(directory);
  struct Stop {};
  ScrubOptions options{.slice_records = 50};
  options.progress = [](const ScrubProgress& now) {
    if (now.records >= 200) throw Stop();
  };
  CHECK_THROWS_AS(scrub(store, options), Stop);
  CHECK(versions_of(store) == Versions{{2, made - 200}, {3, 200}});
  options.progress = {};
  CHECK_THROWS_WITH(scrub(store, options), ContainsSubstring("000000000000014d"));
  CHECK(store.mixed());
  CHECK(versions_of(store) == Versions{{2, made - 300}, {3, 300}});
  options.refused_at_most = 1;
  const ScrubProgress done = scrub(store, options);
  CHECK(done.complete);
  CHECK(done.refused == 1);
  CHECK(done.records == made);
  CHECK(versions_of(store) == Versions{{3, made - 1}});
  REQUIRE(store.refusals().size() == 1);
  CHECK(store.refusals()[0].value == "\x02 no customer");
}

TEST_CASE("scrub: no more records are put aside than the last call allows") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  {
    auto store = open<Migrated<ToTwo, LmdbAdapter>>(directory);
    for (const std::uint64_t id : {std::uint64_t{100}, std::uint64_t{200}, std::uint64_t{300}}) {
      std::string key;
      Ordered::encode(id, key);
      put(store, *store.find_tree("customers"), key, "\x02 no customer");
    }
  }
  auto store = open<Migrated<ToThree, LmdbAdapter>>(directory);
  CHECK_THROWS_WITH(scrub(store, {.slice_records = 50, .refused_at_most = 2}),
                    ContainsSubstring("put aside with refused_at_most"));
  CHECK(store.refusals().size() == 2);
  CHECK_THROWS_AS(scrub(store), Error);
  CHECK(store.refusals().size() == 2);
  CHECK(scrub(store, {.refused_at_most = 3}).complete);
  CHECK(store.refusals().size() == 3);
}

namespace {

// Names whose keys end like those of others.
struct Thing {
  std::string name{};
  std::uint16_t size = 0;
  std::optional<std::string> shelf{};
};
using ThingTree = RecordTree<"things", std::string>;

Thing as_it_is(const Thing& thing) {
  return thing;
}
Thing unless_broken(const Thing& thing) {
  if (thing.shelf == "broken") throw std::runtime_error("it is broken");
  return thing;
}
struct BeginThings : Step<1, 2> {
  static constexpr auto description = "there are things";
  using Actions = varve::Actions<Rewrite<ThingTree, Thing, Thing, &as_it_is, &as_it_is>>;
};
struct NoneBroken : Step<2, 3> {
  static constexpr auto description = "no thing is broken";
  static constexpr auto pace = lazy;
  static constexpr bool keeps_indexes = true;
  using Actions = varve::Actions<Rewrite<ThingTree, Thing, Thing, &unless_broken, &as_it_is>>;
};
using OldThings = MigrationChain<BeginThings>;
using NewThings = MigrationChain<OldThings, NoneBroken>;

template <class Chain>
using Things =
    Table<"things", Key<&Thing::name>, Thing, Evolving<Chain, ThingTree>,
          Index<"by_shelf", &Thing::shelf, descending<&Thing::name>, stores<&Thing::size>>,
          Unique<"by_size", &Thing::size>>;

}  // namespace

TEST_CASE(
    "Migrated: a record that is put aside takes its entries along, and comes back with them") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  const std::string zeros("a\0\0b", 4);
  const std::vector<Thing> all{{"b", 1, "broken"},    {"ab", 2, "broke"},   {"bb", 3, {}},
                               {zeros, 4, "broken"},  {"0b", 5, zeros},     {"", 6, "broken"},
                               {zeros + "b", 7, "b"}, {"bbb", 8, "brokenb"}};
  {
    auto store = open<Migrated<OldThings, LmdbAdapter>>(directory);
    const Things<OldThings>::On<Migrated<OldThings, LmdbAdapter>> things(store);
    for (const Thing& thing : all) things.put(thing);
  }
  using Store = Migrated<WithTables<NewThings, Things<NewThings>>, LmdbAdapter>;
  std::optional<Store> store;
  MigratedOptions options;
  options.run.refused_at_most = 3;
  SECTION("by a scrub") {
    store.emplace(open<Store>(directory));
    CHECK(store->mixed());
    const Things<NewThings>::On<Store> things(*store);
    CHECK(things.by<"by_size">().keys().count() == all.size());
    CHECK(scrub(*store, {.slice_records = 2, .refused_at_most = 3}).complete);
    CHECK(things.index_state<"by_shelf">() == IndexState::readable);
  }
  SECTION("by a scrub before the store opens") {
    static_cast<void>(open<Store>(directory));
    options.force = true;
    store.emplace(open<Store>(directory, options));
  }
  SECTION("by a run") {
    options.force = true;
    store.emplace(open<Store>(directory, options));
  }
  const Things<NewThings>::On<Store> things(*store);
  const IndexReport report = things.verify_indexes();
  CHECK(report.good());
  CHECK(report.skipped.empty());
  CHECK(report.records == 5);
  CHECK(report.entries == 10);
  CHECK(things.by<"by_size">().keys().count() == 5);
  const auto refusals = store->refusals();
  REQUIRE(refusals.size() == 3);
  for (const LedgerRefusal& refusal : refusals) {
    CHECK_THAT(refusal.reason, ContainsSubstring("it is broken"));
    // It is as it lay there, for the codec of its version, and comes back mended.
    auto thing = Evolving<OldThings, ThingTree>::decode<Thing>(refusal.value);
    CHECK(Ordered::decode<std::string>(refusal.key) == thing.name);
    thing.shelf = "mended";
    things.put(thing);
  }
  CHECK(things.count() == all.size());
  CHECK(things.by<"by_shelf">().prefix(std::optional<std::string>("mended")).count() == 3);
  CHECK(things.verify_indexes().good());
}

TEST_CASE("scrub: an entry that cannot be told apart stops it, before a record is put aside") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    auto store = open<Migrated<OldThings, LmdbAdapter>>(directory);
    const Things<OldThings>::On<Migrated<OldThings, LmdbAdapter>> things(store);
    things.put({"b", 1, "broken"});
    put(store, *store.find_tree("things.by_shelf"), "x", "");
  }
  auto store = open<Migrated<NewThings, LmdbAdapter>>(directory);
  CHECK_THROWS_WITH(scrub(store, {.refused_at_most = 1}),
                    ContainsSubstring("an entry is not of the types that its index has"));
  CHECK(store.refusals().empty());
}

TEST_CASE("scrub: records are put aside before the indexes of their table are built") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  std::string key;
  Ordered::encode(std::uint64_t{333}, key);
  {
    auto store = open<Migrated<ToTwo, LmdbAdapter>>(directory);
    put(store, *store.find_tree("customers"), key, "\x02 no customer");
  }
  using Store = Migrated<WithTables<ToThree, Customers<ToThree>>, LmdbAdapter>;
  auto store = open<Store>(directory);
  CHECK(scrub(store, {.refused_at_most = 1}).complete);
  auto expected = all_in_cents();
  expected.erase(333);
  check_all<ToThree>(store, expected);
  const Customers<ToThree>::On<Store> customers(store);
  CHECK(customers.verify_indexes().skipped.empty());
}

TEST_CASE("scrub: a record that was passed and is old again keeps the floor where it is") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  auto store = open<Migrated<ToThree, LmdbAdapter>>(directory);
  const Tree tree = *store.find_tree("customers");
  std::string old;
  CustomerCodec<ToTwo>::encode(customer(0), old);
  std::string key;
  Ordered::encode(std::uint64_t{0}, key);
  ScrubOptions options;
  options.progress = [&](const ScrubProgress& now) {
    if (now.verifying) put(store, tree, key, old);
  };
  CHECK_THROWS_WITH(scrub(store, options), ContainsSubstring("otherwise than by the codec"));
  CHECK(store.mixed());
  CHECK(get_copy(store, tree, key) == old);
  // Once nobody does that any more, another scrub finds it.
  const ScrubProgress done = scrub(store);
  CHECK(done.complete);
  CHECK(done.rewritten == 1);
  CHECK(versions_of(store) == Versions{{3, made}});
}

TEST_CASE("scrub: one that a program with other trees began is begun anew") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  auto store = open<Migrated<ToThree, LmdbAdapter>>(directory);
  Ledger<LmdbAdapter> ledger(store.next());
  WriteBatch batch;
  ledger.put(
      batch,
      LedgerScrub{.version = 3, .epoch = ledger.head()->epoch, .tree = "gone", .cursor = "k"});
  store.next().write(batch);
  CHECK(scrub(store).complete);
  CHECK(versions_of(store) == Versions{{3, made}});
}

TEST_CASE("scrub: so many records a second, and no more") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  auto store = open<Migrated<ToThree, LmdbAdapter>>(directory);
  const auto start = std::chrono::steady_clock::now();
  CHECK(scrub(store, {.slice_records = 50, .records_per_second = 2000}).complete);
  // Each is looked at twice.
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(450));
}

namespace {

template <class Below>
void scrub_beside_writers() {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<Below>(directory);
  using Store = Migrated<ToThree, Below>;
  auto store = open<Store>(directory);
  const typename Customers<ToThree>::template On<Store> customers(store);
  customers.build_indexes();
  constexpr std::uint64_t writers = 3;
  std::vector<std::map<std::uint64_t, CustomerV3>> held(writers);
  std::atomic<bool> complete = false;
  std::atomic<std::uint64_t> wrong = 0;
  std::vector<std::thread> threads;
  for (std::uint64_t w = 0; w != writers; ++w) {
    threads.emplace_back([&, w] {
      for (std::uint64_t id = w; id < made; id += writers) held[w][id] = in_cents(customer(id));
      std::mt19937_64 random(w);
      for (std::uint64_t n = 0; n != 2000 && !(complete && n > 200); ++n) {
        const std::uint64_t id = random() % (made / writers) * writers + w;
        const auto found = customers.get(id);
        const auto known = held[w].find(id);
        if (found.has_value() != (known != held[w].end()) || (found && *found != known->second)) {
          ++wrong;
        }
        if (random() % 8 == 0) {
          customers.erase(id);
          held[w].erase(id);
        } else {
          const CustomerV3 fresh{id, "w" + std::to_string(n), "IT", random() % 1000};
          customers.put(fresh, Durability::buffered);
          held[w][id] = fresh;
        }
      }
    });
  }
  {
    BackgroundScrub background(store, ScrubOptions{.slice_records = 4});
    CHECK(background.wait().complete);
    complete = true;
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  std::map<std::uint64_t, CustomerV3> expected;
  for (auto& of_one : held) expected.merge(of_one);
  check_all<ToThree>(store, expected);
  CHECK(versions_of(store) == Versions{{3, expected.size()}});
  CHECK_FALSE(store.mixed());
}

}  // namespace

TEMPLATE_TEST_CASE("scrub: what writers write meanwhile is never overwritten", "",
                   VARVE_STACKS_OF_LANE(Cached<Wal<MemoryAdapter>>, LmdbAdapter)) {
  scrub_beside_writers<TestType>();
}

// RocksDB is not built with ThreadSanitizer, which does not see how its threads agree.
#if !VARVE_THREAD_SANITIZED
TEST_CASE("scrub: what writers write meanwhile is never overwritten, over RocksDB") {
  scrub_beside_writers<RocksAdapter>();
}
#endif

TEST_CASE("scrub: a bulk loader keeps it waiting, and not its own thread") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  using Store = Migrated<ToThree, LmdbAdapter>;
  auto store = open<Store>(directory);
  const Tree tree = *store.find_tree("customers");
  std::string key;
  Ordered::encode(std::uint64_t{5}, key);
  std::string fresh;
  CustomerCodec<ToThree>::encode(CustomerV3{5, "five", "IT", 5}, fresh);
  std::thread scrubbing;
  {
    auto loader = store.bulk_loader(tree);
    scrubbing = std::thread([&] { static_cast<void>(scrub(store)); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(versions_of(store) == Versions{{2, made}});
    loader.put(key, fresh);
    loader.finish();
  }
  scrubbing.join();
  CHECK(get_copy(store, tree, key) == fresh);
  CHECK_FALSE(store.mixed());
}

TEST_CASE("BackgroundScrub: it stops when it is destroyed, and another one goes on") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  using Store = Migrated<ToThree, LmdbAdapter>;
  auto store = open<Store>(directory);
  {
    const BackgroundScrub background(store,
                                     ScrubOptions{.slice_records = 1, .records_per_second = 100});
  }
  CHECK(store.mixed());
  BackgroundScrub background(store);
  CHECK(background.wait().complete);
  CHECK(background.progress().records == made);
}
