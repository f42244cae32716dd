// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/versioned.hpp>
#include <varve/migrations/downgrade.hpp>
#include <varve/migrations/scrub.hpp>
#include <varve/open.hpp>

#include "catch.hpp"
#include "migrations/customers.hpp"
#include "migrations/there_and_back.hpp"
#include "temp_directory.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace varve;
using namespace varve_test::customers;
using varve_test::ContainsSubstring;
using varve_test::error_of;
using varve_test::TempDirectory;
using varve_test::there_and_back::Stop;
using varve_test::there_and_back::stopping_after;
namespace blocks = varve_test::there_and_back;

namespace {

constexpr std::uint64_t made = 60;

using Kept = Versioned<LmdbAdapter>;
using Customer = std::map<std::uint64_t, CustomerV3>;

template <class Chain>
struct StoreOf {
  using type = Migrated<WithTables<Chain, Customers<Chain>>, Kept>;
};
template <>
struct StoreOf<ToTwo> {
  using type = Migrated<ToTwo, Kept>;
};
template <class Chain>
using OnHistory = typename StoreOf<Chain>::type;

Customer all_in_cents() {
  Customer all;
  for (std::uint64_t id = 0; id != made; ++id) all[id] = in_cents(customer(id));
  return all;
}

void fill(const std::string& directory) {
  auto store = open<OnHistory<ToTwo>>(directory);
  fill_version_2(store, made);
}

/// Every customer at the height, by key and by scan.
template <class Chain, class Store>
void check_height(const Store& store, Height height, const Customer& expected) {
  const auto then = store.at(height);
  const typename Customers<Chain>::template On<const std::remove_const_t<decltype(then)>> customers(
      then);
  CAPTURE(height.value);
  Customer found;
  for (const CustomerV3& customer : customers.all()) found.emplace(customer.id, customer);
  CHECK(found == expected);
  for (const auto& [id, customer] : expected) {
    if (id % 7 == 0) CHECK(customers.get(id) == customer);
  }
}

/// The customers that the index by debt has at the height.
template <class Chain, class Store>
std::uint64_t indexed_at(const Store& store, Height height) {
  const auto then = store.at(height);
  const typename Customers<Chain>::template On<const std::remove_const_t<decltype(then)>> customers(
      then);
  return customers.template by<"by_debt">().count();
}

}  // namespace

TEST_CASE("Migrated over history: every height of an eager run is read in the new layout") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill(directory);
  using Store = OnHistory<ToThree>;
  MigratedOptions options{.force = true};
  options.run.batch_records = 7;
  Height before;
  {
    auto store = open<OnHistory<ToTwo>>(directory);
    before = store.latest();
  }
  auto store = open<Store>(directory, options);
  CHECK(versions_of(store) == std::map<int, std::uint64_t>{{3, made}});
  const Height after = store.latest();
  CHECK(after.value >= before.value + made / 7);
  const Customer expected = all_in_cents();
  for (Height at = before; at <= after; ++at.value) check_height<ToThree>(store, at, expected);
  // Half of the customers were there, and as many are.
  Customer half = expected;
  half.erase(half.lower_bound(made / 2), half.end());
  check_height<ToThree>(store, Height{before.value - made / 2}, half);

  // The index had euros: it is complete, in cents, from the end of its building on.
  CHECK(indexed_at<ToThree>(store, after) == made);
  for (const Height at : {before, Height{after.value - 1}}) {
    const Error error = error_of([&] { static_cast<void>(indexed_at<ToThree>(store, at)); });
    CHECK(error.kind() == ErrorKind::busy);
    CHECK_THAT(error.what(), ContainsSubstring("was not complete at this height"));
  }
}

TEST_CASE("Migrated over history: a mixed store is read right at each height, and in the scrub") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill(directory);
  auto store = open<OnHistory<ToThree>>(directory);
  CHECK(store.mixed());
  const Customers<ToThree>::On<OnHistory<ToThree>> customers(store);
  customers.build_indexes();
  std::map<Height, Customer> expected;
  Customer now = all_in_cents();
  const auto note = [&] { expected[store.latest()] = now; };
  note();
  customers.put(now[3] = {3, "three", "IT", 77});
  note();
  customers.erase(std::uint64_t{4});
  now.erase(4);
  note();
  bool complete = false;
  for (std::uint64_t id = 5; !complete; id += 9) {
    complete = store.scrub_slice({.slice_records = 10}).complete;
    note();
    if (id >= made) continue;
    customers.put(now[id] = {id, "again", "ES", id});
    note();
  }
  CHECK_FALSE(store.mixed());
  CHECK(versions_of(store) == std::map<int, std::uint64_t>{{3, made - 1}});
  for (const auto& [height, then] : expected) {
    check_height<ToThree>(store, height, then);
    CHECK(indexed_at<ToThree>(store, height) == then.size());
  }
  CHECK(customers.verify_indexes().good());
}

TEST_CASE("Migrated over history: an eager run and a lazy one with its scrub lead to one root") {
  const TempDirectory home;
  const auto end_of = [&](const std::string& name, bool force, std::size_t slice) {
    const std::string directory = home.path() + name;
    fill(directory);
    auto store = open<OnHistory<ToThree>>(directory, MigratedOptions{.force = force});
    CHECK(scrub(store, {.slice_records = slice}).complete);
    CHECK(store.next().audit().good);
    return std::pair(store.next().root(), store.latest());
  };
  const auto eager_end = end_of("/eager", true, 100);
  const auto lazy_end = end_of("/lazy", false, 9);
  CHECK(eager_end.first == lazy_end.first);
  CHECK(eager_end.second != lazy_end.second);
}

TEST_CASE("Migrated over history: heights of before the schema have their version put in front") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  Height before;
  Customer expected;
  {
    auto store = open<Kept>(directory);
    for (std::uint64_t id = 0; id != made; ++id) {
      std::string bytes;
      const CustomerV1 old{id, customer(id).name, customer(id).euros};
      expected[id] = in_cents(AddCountry::convert(old));
      Packed::encode(old, bytes);
      put(store, store.open_tree("customers"), blocks::key_of(id), bytes);
    }
    before = store.latest();
  }
  const auto go = [&](int batches, std::uint32_t back) {
    MigratedOptions options = stopping_after(batches);
    options.adopt_as = 1;
    options.take_back_to = back;
    options.run.batch_records = 7;
    static_cast<void>(open<OnHistory<ToThree>>(directory, options));
  };
  // There and back, each in two parts: from the middle, and from the end.
  constexpr int all = 1000;
  CHECK_THROWS_AS(go(5, 0), Stop);
  CHECK_THROWS_AS(go(2, 1), Stop);
  go(all, 1);
  go(all, 0);
  CHECK_THROWS_AS(go(3, 1), Stop);
  go(all, 1);
  go(all, 0);
  auto store = open<OnHistory<ToThree>>(directory);
  const Height after = store.latest();
  const Tree tree = *store.find_tree("customers");
  const auto at = [&](Height height) {
    const auto then = store.at(height);
    Customer found;
    for (const Entry entry : then.scan(tree, KeyRange::all(), Order::descending)) {
      const auto one = CustomerCodec<ToThree>::decode<CustomerV3>(entry.value);
      CHECK(then.get(tree, entry.key)->view() == entry.value);
      found.emplace(one.id, one);
    }
    return found;
  };
  CHECK(after.value >= before.value + 3 * made / 7);
  for (Height height = before; height <= after; ++height.value) {
    CAPTURE(height.value);
    CHECK(at(height) == expected);
  }
  expected.erase(made - 1);
  CHECK(at(Height{before.value - 1}) == expected);
}

TEST_CASE("Migrated over history: each height is exact while versions come and go") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  using New = Migrated<blocks::New, Kept>;
  constexpr std::uint64_t count = 200;
  Height before;
  {
    auto store = open<Kept>(directory);
    varve_test::blocks::fill_version_1(store, count);
    before = store.latest();
  }
  const auto go = [&](MigratedOptions options) {
    options.adopt_as = 1;
    options.run.batch_records = 40;
    static_cast<void>(open<New>(directory, options));
  };
  // Forward up to the middle, and back; forward to the end, back to the end, and forward again.
  const bool verifying = GENERATE(false, true);
  CHECK_THROWS_AS(go(stopping_after(verifying ? 1 : 3, verifying)), Stop);
  CHECK_THROWS_AS(go([&] {
                    MigratedOptions back = stopping_after(1);
                    back.take_back_to = 1;
                    return back;
                  }()),
                  Stop);
  go({.take_back_to = 1});
  go({});
  go({.take_back_to = 1});
  go({});
  auto store = open<New>(directory);
  CHECK(store.latest().value > before.value + 4 * count / 40);
  for (Height height = before; height <= store.latest(); ++height.value) {
    CAPTURE(height.value);
    const auto then = store.at(height);
    std::map<std::uint64_t, std::uint64_t> works;
    const Tree old_tree = *then.find_tree("blocks");
    for (const Entry entry : then.scan(old_tree, KeyRange::all())) {
      const auto block =
          Evolving<blocks::Old, blocks::BlockTree>::decode<blocks::BlockV2>(entry.value);
      CHECK(then.get(old_tree, entry.key)->view() == entry.value);
      works.emplace(block.height, block.work);
    }
    if (const auto tree = then.find_tree("blocks_by_hash")) {
      for (const Entry entry : then.scan(*tree, KeyRange::all(), Order::descending)) {
        const auto block =
            Evolving<blocks::New, blocks::HashTree>::decode<blocks::NotedBlock>(entry.value);
        CHECK(then.get(*tree, entry.key)->view() == entry.value);
        works.emplace(block.height, block.work);
      }
    }
    CHECK(works.size() == count);
    for (const auto& [number, work] : works) CHECK(work == number * 17);
  }
}

TEST_CASE("Migrated over history: a store that is taken back is read up to where it was left") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  using Old = Migrated<blocks::Old, Kept>;
  using New = Migrated<blocks::New, Kept>;
  constexpr std::uint64_t count = 30;
  Height before;
  Height between;
  {
    auto store = open<Old>(directory);
    blocks::fill_version_2(store, count);
    before = store.latest();
  }
  const auto old_ones = [&](const auto& store, Height height) {
    const auto then = store.at(height);
    std::uint64_t right = 0;
    for (const Entry entry : then.scan(*then.find_tree("blocks"), KeyRange::all())) {
      using Codec = Evolving<blocks::Old, blocks::BlockTree>;
      const auto block = Codec::decode<blocks::BlockV2>(entry.value);
      right += block.work == block.height * 17 ? 1 : 0;
    }
    return right;
  };
  MigratedOptions options;
  options.run.batch_records = 4;
  {
    auto store = open<New>(directory, options);
    between = store.latest();
    CHECK(contents(store) == blocks::contents_of_new(count));
    // Records that have moved are read in their old tree, as the program of then did.
    CHECK(old_ones(store, before) == count);
    CHECK(old_ones(store, between) == 0);
    CHECK(count == [&] {
      const auto then = store.at(between);
      std::uint64_t found = 0;
      for (const Entry entry : then.scan(*then.find_tree("blocks_by_hash"), KeyRange::all())) {
        const auto block =
            Evolving<blocks::New, blocks::HashTree>::decode<blocks::NotedBlock>(entry.value);
        found += block.note == "none" ? 1 : 0;
      }
      return found;
    }());
  }
  downgrade<New, 2>(directory, options);
  auto store = open<Old>(directory);
  CHECK(store.version() == 2);
  CHECK(old_ones(store, store.latest()) == count);
  CHECK(old_ones(store, before) == count);
  const Error error = error_of([&] { static_cast<void>(store.at(between)); });
  CHECK(error.kind() == ErrorKind::schema_newer);
  CHECK_THAT(error.what(), ContainsSubstring("taken back to version 2"));
  CHECK(store.next().audit().good);
}

TEST_CASE(
    "Migrated over history: a run that is stopped goes on, or is taken back, with its roots") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  using Old = Migrated<blocks::Old, Kept>;
  using New = Migrated<blocks::New, Kept>;
  constexpr std::uint64_t count = 200;
  StateRoot before;
  {
    auto store = open<Old>(directory);
    blocks::fill_version_2(store, count);
    before = store.next().root();
  }
  CHECK_THROWS_AS(static_cast<void>(open<New>(directory, stopping_after(3))), Stop);
  {
    auto store = open<New>(directory, MigratedOptions{.take_back_to = 2});
    CHECK(store.next().root() == before);
  }
  CHECK_THROWS_AS(static_cast<void>(open<New>(directory, stopping_after(4))), Stop);
  auto store = open<New>(directory);
  CHECK(contents(store) == blocks::contents_of_new(count));
  CHECK(store.next().audit().good);
}

TEST_CASE("Migrated over history: heights older than the chain are refused, the others are not") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill(directory);
  Height mixed;
  {
    auto store = open<OnHistory<ToThree>>(directory);
    mixed = store.latest();
    CHECK(scrub(store).complete);
  }
  const auto accepted = plan<OnHistory<FromThree>>(directory).hash();
  auto store = open<OnHistory<FromThree>>(directory, MigratedOptions{.accept_loss = accepted});
  Customer expected = all_in_cents();
  for (auto& [id, customer] : expected) customer.name = customer.name.substr(0, 8);
  check_height<FromThree>(store, store.latest(), expected);
  const Error error = error_of([&] { static_cast<void>(store.at(mixed)); });
  CHECK(error.kind() == ErrorKind::schema_too_old);
  CHECK_THAT(error.what(), ContainsSubstring("begins with version 2 or before"));
}

TEST_CASE("Migrated over history: a rollback passes a scrub, and no run") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill(directory);
  const Customer expected = all_in_cents();
  Height mixed;
  Height new_ones;
  {
    auto store = open<OnHistory<ToThree>>(directory);
    mixed = store.latest();
    CHECK(scrub(store, {.slice_records = 8}).complete);
    new_ones = store.latest();
  }
  {
    auto store = open<OnHistory<ToThree>>(directory);
    CHECK_FALSE(store.mixed());
    store.rollback(Height{mixed.value + 2});
    CHECK(store.mixed());
    CHECK(versions_of(store) == std::map<int, std::uint64_t>{{2, made - 8}, {3, 8}});
    check_height<ToThree>(store, store.latest(), expected);
    const Customers<ToThree>::On<OnHistory<ToThree>> customers(store);
    CHECK(customers.by<"by_debt">().count() == made);
    // Its entries are those of before, and in euros.
    store.rollback(mixed);
    CHECK(store.latest() == mixed);
    CHECK(error_of([&] { static_cast<void>(customers.by<"by_debt">().count()); }).kind() ==
          ErrorKind::busy);
    customers.build_indexes();
    CHECK(customers.by<"by_debt">().count() == made);
    CHECK(customers.verify_indexes().good());
    CHECK(scrub(store).complete);
    CHECK(versions_of(store) == std::map<int, std::uint64_t>{{3, made}});
    store.rollback(store.latest());
    CHECK_FALSE(store.mixed());
  }
  using Store = OnHistory<FromThree>;
  MigratedOptions options{.accept_loss = plan<Store>(directory).hash(), .force = true};
  auto store = open<Store>(directory, options);
  const Height latest = store.latest();
  const Error error = error_of([&] { store.rollback(mixed); });
  CHECK(error.kind() == ErrorKind::invalid_argument);
  CHECK_THAT(error.what(), ContainsSubstring("a schema was changed by a run since height"));
  CHECK(store.latest() == latest);
  const Customers<FromThree>::On<Store> customers(store);
  customers.put({1, "one", "IT", 1});
  store.rollback(latest);
  CHECK(customers.get(std::uint64_t{1})->cents == expected.at(1).cents);
}

TEST_CASE("Migrated over history: a scrub that a rollback comes upon begins anew") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill(directory);
  auto store = open<OnHistory<ToThree>>(directory);
  const Height mixed = store.latest();
  static_cast<void>(store.scrub_slice({.slice_records = 20}));
  static_cast<void>(store.scrub_slice({.slice_records = 20}));
  CHECK(versions_of(store) == std::map<int, std::uint64_t>{{2, made - 40}, {3, 40}});
  {
    // One who makes a height, and gives it up, is not in the way of itself.
    auto block = store.begin(Height{1000});
    store.rollback(Height{mixed.value + 1});
    CHECK(error_of([&] { block.finalize(); }).kind() == ErrorKind::conflict);
  }
  CHECK(versions_of(store) == std::map<int, std::uint64_t>{{2, made - 20}, {3, 20}});
  CHECK(scrub(store).complete);
  CHECK(versions_of(store) == std::map<int, std::uint64_t>{{3, made}});
  check_height<ToThree>(store, store.latest(), all_in_cents());
}

TEST_CASE("Migrated over history: heights that are numbers of blocks go on behind a migration") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill(directory);
  const auto change = [](auto& store, std::uint64_t id) {
    std::string bytes;
    CustomerCodec<ToThree>::encode({id, "block", "ES", id}, bytes);
    return WriteBatch().put(*store.find_tree("customers"), blocks::key_of(id), bytes);
  };
  Customer expected = all_in_cents();

  SECTION("with room between them") {
    auto store = open<OnHistory<ToThree>>(directory, MigratedOptions{.force = true});
    const Height ran = store.latest();
    const Error error = error_of([&] { store.commit(change(store, 1), Height{made + 1}); });
    CHECK(error.kind() == ErrorKind::invalid_argument);
    CHECK_THAT(error.what(),
               ContainsSubstring("is not above the latest, " + std::to_string(ran.value)));
    CHECK_THAT(error.what(), ContainsSubstring("a migration and a scrub take heights too"));
    for (std::uint64_t block = made + 1; block != made + 4; ++block) {
      const Height height{block << 20U};
      store.commit(change(store, block - made), height);
      expected[block - made] = {block - made, "block", "ES", block - made};
      check_height<ToThree>(store, height, expected);
      // What comes between two blocks is above the first.
      put(store, store.open_tree("notes"), "last", std::to_string(block));
      CHECK(store.latest() == Height{height.value + 1});
    }
  }

  SECTION("one by one, with the scrub in the blocks") {
    std::vector<StateRoot> first_roots;
    for (const char* const machine : {"/one", "/two"}) {
      const std::string copy = home.path() + machine;
      std::filesystem::copy(directory, copy, std::filesystem::copy_options::recursive);
      auto store = open<Migrated<ToThree, Kept>>(copy);
      expected = all_in_cents();
      std::vector<StateRoot> roots;
      std::uint64_t block = store.latest().value;
      std::map<Height, Customer> all;
      while (store.mixed()) {
        const std::uint64_t id = (++block * 7) % made;
        roots.push_back(
            store.commit_with_scrub(change(store, id), Height{block}, {.slice_records = 9}));
        CHECK(store.latest() == Height{block});
        expected[id] = {id, "block", "ES", id};
        all[Height{block}] = expected;
      }
      CHECK(roots.size() > made / 9);
      CHECK(versions_of(store) == std::map<int, std::uint64_t>{{3, made}});
      for (const auto& [height, then] : all) check_height<ToThree>(store, height, then);
      CHECK(store.next().audit().good);
      roots.push_back(store.commit_with_scrub({}, Height{block + 1}));
      if (first_roots.empty()) first_roots = roots;
      CHECK(roots == first_roots);
    }
  }
}

TEST_CASE("Migrated over history: an index that was built in a block is read from its height on") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill(directory);
  auto store = open<OnHistory<ToThree>>(directory);
  const Customers<ToThree>::On<OnHistory<ToThree>> customers(store);
  const Height before = store.latest();
  CHECK(error_of([&] { static_cast<void>(customers.by<"by_debt">().count()); }).kind() ==
        ErrorKind::busy);
  {
    auto block = store.begin(Height{before.value + 5});
    const Customers<ToThree>::On staged{block};
    staged.build_indexes();
    CHECK(staged.by<"by_debt">().count() == made);
    block.finalize();
  }
  CHECK(store.latest() == Height{before.value + 5});
  CHECK(customers.by<"by_debt">().count() == made);
  CHECK(customers.verify_indexes().good());
  CHECK(indexed_at<ToThree>(store, store.latest()) == made);
  const Error error = error_of([&] { static_cast<void>(indexed_at<ToThree>(store, before)); });
  CHECK(error.kind() == ErrorKind::busy);
  CHECK_THAT(error.what(), ContainsSubstring("was not complete at this height"));
  store.rollback(before);
  CHECK(customers.index_state<"by_debt">() == IndexState::building);

  // One over something else: what comes back with a rollback would be entries of before.
  {
    using Redefined = Table<"customers", Key<&CustomerV3::id>, CustomerV3, CustomerCodec<ToThree>,
                            Index<"by_debt", &CustomerV3::country>>;
    auto block = store.begin(Height{before.value + 1});
    const Redefined::On staged{block};
    staged.build_indexes();
    block.finalize();
  }
  const Error kept = error_of([&] { store.rollback(before); });
  CHECK_THAT(kept.what(), ContainsSubstring("cannot be brought back"));
}

TEST_CASE("Migrated over history: a block keeps a scrub waiting, and is what it was made of") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill(directory);
  auto store = open<OnHistory<ToThree>>(directory);
  const Customers<ToThree>::On<OnHistory<ToThree>> customers(store);
  customers.build_indexes();
  std::optional<BackgroundScrub<OnHistory<ToThree>>> background;
  {
    auto block = store.begin(Height{1000});
    const Customers<ToThree>::On staged{block};
    const auto old = staged.get(std::uint64_t{5});
    background.emplace(store);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(versions_of(store) == std::map<int, std::uint64_t>{{2, made}});
    staged.put({5, old->name, "IT", old->cents + 1});
    block.finalize();
  }
  CHECK(background->wait().complete);
  CHECK_FALSE(store.mixed());
  CHECK(store.latest() > Height{1000});
  Customer expected = all_in_cents();
  expected[5].country = "IT";
  ++expected[5].cents;
  check_height<ToThree>(store, store.latest(), expected);
  store.commit({}, Height{5000});
  CHECK(store.latest() == Height{5000});
}
