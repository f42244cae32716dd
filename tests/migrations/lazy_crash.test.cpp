// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/migrations/scrub.hpp>
#include <varve/open.hpp>
#include <varve/testing/simulated_file_system.hpp>

#include "catch.hpp"
#include "crash/crash_within.hpp"
#include "migrations/customers.hpp"
#include "migrations/enumerate.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <map>
#include <utility>
#include <vector>

using namespace varve;
using namespace varve_test::customers;
using varve::testing::crash_shape;
using varve::testing::DiskOperation;
using varve::testing::SimulatedFileSystem;
using varve_test::crash_within;
using varve_test::enumerate::crash_everywhere;
using varve_test::enumerate::Whole;
using varve_test::enumerate::whole_of;

namespace {

using Below = Cached<Wal<MemoryAdapter, SimulatedFileSystem>>;
using Store = Migrated<WithTables<ToThree, Customers<ToThree>>, Below>;
using Expected = std::map<std::uint64_t, CustomerV3>;

constexpr std::uint64_t made = 30;
const WalOptions log_options{.checkpoint_bytes = 2000, .segment_bytes = 16U << 10U};
const ScrubOptions slices{.slice_records = 3};

SimulatedFileSystem disk_of_version_2() {
  SimulatedFileSystem disk;
  {
    auto store = open<Migrated<ToTwo, Below>>("db", log_options, disk);
    fill_version_2(store, made);
    store.flush();
  }
  return disk.after_kill();
}

/// The store is exact at once, whatever the scrub has done; and exact and new when it is through.
void check_and_end(const SimulatedFileSystem& disk, const Expected& before, const Expected& after) {
  try {
    auto store = open<Store>("db", log_options, disk);
    const Customers<ToThree>::On<Store> customers(store);
    Expected held;
    for (const CustomerV3& customer : customers.all()) held[customer.id] = customer;
    CHECK((held == before || held == after));
    CHECK(scrub(store, slices).complete);
    CHECK(versions_of(store) == std::map<int, std::uint64_t>{{3, held.size()}});
    Expected then;
    for (const CustomerV3& customer : customers.all()) then[customer.id] = customer;
    CHECK(then == held);
    CHECK(customers.verify_indexes().good());
    CHECK(customers.verify_indexes().skipped.empty());
  } catch (const std::exception& error) {
    FAIL_CHECK(error.what());
  }
}

/// A tree beside the customers goes, and a part of their names.
struct DropNotes : Step<3, 4> {
  static constexpr auto description = "notes are given up, and long names";
  static constexpr auto loss = lossy("notes, and what is behind the eighth letter of a name");
  static constexpr auto pace = lazy;
  static constexpr bool keeps_indexes = true;
  static CustomerV3 cut(const CustomerV3& customer) {
    CustomerV3 out = customer;
    out.name = out.name.substr(0, 8);
    return out;
  }
  using Actions = varve::Actions<DropTree<"notes">,
                                 Rewrite<CustomerTree, CustomerV3, CustomerV3, &DropNotes::cut>>;
};
using ByNameTree = RecordTree<"customers_by_name", std::pair<std::string, std::uint64_t>>;
using Named = std::pair<std::pair<std::string, std::uint64_t>, CustomerV3>;

Named named(const std::uint64_t& id, const CustomerV3& customer) {
  return {{customer.name, id}, customer};
}
struct ByName : Step<4, 5> {
  static constexpr auto description = "customers are found by their names";
  static constexpr auto loss = lossy("nothing, but no way back was written");
  using Actions = varve::Actions<Move<CustomerTree, ByNameTree, CustomerV3, CustomerV3, &named>>;
};
using LazyFour = MigrationChain<ToThree, DropNotes>;
using Five = MigrationChain<LazyFour, ByName>;

/// A store that a lazy step has taken to version 3, half rewritten, with records that are newer.
SimulatedFileSystem make_half_converted() {
  SimulatedFileSystem disk = disk_of_version_2();
  {
    auto store = open<Store>("db", log_options, disk);
    put(store, store.open_tree("notes"), "note", "of no use");
    const Customers<ToThree>::On<Store> customers(store);
    customers.put({made, "new", "ES", 300});
    for (int slice = 0; slice != 4; ++slice) static_cast<void>(store.scrub_slice(slices));
    CHECK(store.mixed());
    const auto versions = versions_of(store);
    CHECK(versions.at(2) > made / 3);
    CHECK(versions.at(3) > made / 4);
    store.flush();
  }
  return disk.after_kill();
}

const SimulatedFileSystem& half_converted() {
  static const SimulatedFileSystem disk = make_half_converted();
  return disk;
}

template <class Chain>
Whole bring(const SimulatedFileSystem& disk, const MigratedOptions& options, bool scrubs = false) {
  auto store = open<Migrated<Chain, Below>>("db", options, log_options, disk);
  if (scrubs) {
    const bool complete = scrub(store, slices).complete;
    CHECK(complete);
  }
  return whole_of(store.next());
}

/// Brings a half converted store somewhere, with crashes everywhere.
template <class Chain>
Whole crash_from_half_converted(const char* name, MigratedOptions options, bool scrubs = false) {
  options.run.batch_records = 5;
  const auto act = [&](const SimulatedFileSystem& disk) {
    return bring<Chain>(disk, options, scrubs);
  };
  const Whole expected = act(half_converted().after_kill());
  crash_everywhere(half_converted(), 2, name, act, [&](const SimulatedFileSystem& disk) {
    const Whole found = act(disk);
    CHECK(found.trees == expected.trees);
    CHECK(found.ledger == expected.ledger);
  });
  return expected;
}

template <class Chain>
std::uint64_t accepted_by() {
  return plan<Migrated<Chain, Below>>("db", log_options, half_converted().after_kill()).hash();
}

}  // namespace

TEST_CASE(
    "Migrated: power that goes while a half converted store is taken back leaves one that "
    "goes on") {
  const Whole whole =
      crash_from_half_converted<ToThree>("a half converted store taken back", {.take_back_to = 2});
  std::string bytes;
  for (std::uint64_t id = 0; id != made; ++id) {
    bytes.assign("\x02");
    Packed::encode(customer(id), bytes);
    std::string key;
    Ordered::encode(id, key);
    CHECK(whole.trees.at("customers").at(key) == bytes);
  }
  CHECK(whole.trees.at("customers").size() == made + 1);
}

TEST_CASE(
    "Migrated: power that goes while a lazy step drops a tree, and in the scrub behind it, "
    "leaves a store that goes on") {
  const Whole whole = crash_from_half_converted<LazyFour>(
      "a lazy step that loses, and its scrub", {.accept_loss = accepted_by<LazyFour>()}, true);
  CHECK(whole.trees.at("customers").size() == made + 1);
  for (const auto& [key, value] : whole.trees.at("customers")) CHECK(value.front() == '\x04');
  CHECK(whole.trees.at("notes").size() == 1);
}

TEST_CASE(
    "Migrated: power that goes while keys change of a half converted store leaves one that "
    "goes on") {
  const Whole whole = crash_from_half_converted<Five>("a half converted store whose keys change",
                                                      {.accept_loss = accepted_by<Five>()});
  CHECK(whole.trees.at("customers").empty());
  CHECK(whole.trees.at("customers_by_name").size() == made + 1);
}

TEST_CASE("scrub: power that goes at any operation, and again while it goes on, loses nothing") {
  const SimulatedFileSystem prepared = disk_of_version_2();
  Expected before;
  for (std::uint64_t id = 0; id != made; ++id) before[id] = in_cents(customer(id));
  Expected after = before;
  std::uint64_t places = 0;
  std::uint64_t states = 0;
  std::uint64_t second = 0;
  SimulatedFileSystem disk = prepared.after_kill();
  // Looked at when an operation is over: during it the locks of its table are held.
  std::vector<SimulatedFileSystem> left;
  disk.watch([&](DiskOperation) {
    ++places;
    for (std::size_t variant = 0; variant < 5; ++variant) {
      left.push_back(disk.after_crash(crash_shape(variant, places)));
    }
  });
  const auto look = [&] {
    for (const SimulatedFileSystem& found : std::exchange(left, {})) {
      CAPTURE(places, states);
      ++states;
      check_and_end(found.after_kill(), before, after);
      const auto go_on = [&](const SimulatedFileSystem& again) {
        auto store = open<Store>("db", log_options, again);
        static_cast<void>(scrub(store, slices));
      };
      check_and_end(
          crash_within(found, 1 + states % 43, crash_shape(states % 7, states), second, go_on),
          before, after);
    }
  };
  {
    auto store = open<Store>("db", log_options, disk);
    look();
    const Customers<ToThree>::On<Store> customers(store);
    for (std::uint64_t slice = 0; !store.scrub_slice(slices).complete; ++slice) {
      look();
      if (slice % 4 != 1) continue;
      after[slice] = {slice, "between", "IT", slice};
      customers.put(after[slice]);
      look();
      before = after;
    }
    look();
  }
  disk.watch({});
  std::printf(
      "figures: a scrub over Cached<Wal<MemoryAdapter>>: %llu states after a crash at %llu "
      "operations, %llu of them with a second crash: each was exact, and came to the same end\n",
      static_cast<unsigned long long>(states), static_cast<unsigned long long>(places),
      static_cast<unsigned long long>(second));
  CHECK(places > 20);
  CHECK(second > 50);
}
