// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/migrations/scrub.hpp>
#include <varve/open.hpp>
#include <varve/testing/simulated_file_system.hpp>

#include "catch.hpp"
#include "migrations/customers.hpp"

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
using varve::testing::SimulatedCrash;
using varve::testing::SimulatedFileSystem;

namespace {

using Below = Cached<Wal<MemoryAdapter, SimulatedFileSystem>>;
using Store = Migrated<WithTables<ToThree, Customers<ToThree>>, Below>;
using Expected = std::map<std::uint64_t, CustomerV3>;

constexpr std::uint64_t made = 30;
constexpr WalOptions log_options{.checkpoint_bytes = 2000, .segment_bytes = 16U << 10U};
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

}  // namespace

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
      SimulatedFileSystem again = found.after_kill();
      again.crash_at(1 + states % 43);
      try {
        auto store = open<Store>("db", log_options, again);
        static_cast<void>(scrub(store, slices));
      } catch (const SimulatedCrash&) {
        ++second;
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::poisoned);
        ++second;
      }
      check_and_end(again.after_crash(crash_shape(states % 7, states)), before, after);
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
