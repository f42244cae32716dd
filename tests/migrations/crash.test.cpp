// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/testing/simulated_file_system.hpp>

#include "catch.hpp"
#include "crash/crash_within.hpp"
#include "migrations/blocks.hpp"
#include "migrations/there_and_back.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

using namespace varve;
using namespace varve_test::blocks;
using namespace varve_test::there_and_back;
using varve::testing::crash_shape;
using varve::testing::DiskOperation;
using varve::testing::SimulatedFileSystem;
using varve_test::crash_within;

namespace {

using Below = Cached<Wal<MemoryAdapter, SimulatedFileSystem>>;
using Store = Migrated<ToFour, Below>;

constexpr std::uint64_t blocks_made = 40;
const WalOptions log_options{.checkpoint_bytes = 2000, .segment_bytes = 16U << 10U};

MigratedOptions options(std::uint64_t accepted) {
  MigratedOptions options{.accept_loss = accepted};
  options.run.batch_records = 2;
  return options;
}

Store open_store(const SimulatedFileSystem& disk, std::uint64_t accepted) {
  return open<Store>("db", options(accepted), log_options, disk);
}

/// A disk with a store of version 1, which was adopted and not migrated.
SimulatedFileSystem disk_of_version_1() {
  SimulatedFileSystem disk;
  {
    auto store = open<Below>("db", log_options, disk);
    fill_version_1(store, blocks_made);
  }
  CHECK_THROWS_AS((open<Store>("db", MigratedOptions{.adopt_as = 1}, log_options, disk)), Error);
  return disk.after_crash(crash_shape(0, 1));
}

std::uint64_t accepted_on(const SimulatedFileSystem& disk) {
  return plan<Store>("db", log_options, disk).hash();
}

struct Figures {
  std::uint64_t places = 0;
  std::uint64_t states = 0;
  std::uint64_t second = 0;
};

/// Opens what a crash has left, lets the power go in that too, and looks at the end of it.
void resume(const SimulatedFileSystem& disk, std::uint64_t accepted, Figures& figures,
            bool crash_again) {
  ++figures.states;
  if (crash_again) {
    const std::uint64_t seed = figures.states;
    const auto go_on = [&](const SimulatedFileSystem& again) {
      static_cast<void>(open_store(again, accepted));
    };
    return resume(
        crash_within(disk, 1 + seed % 61, crash_shape(seed % 13, seed), figures.second, go_on),
        accepted, figures, false);
  }
  try {
    auto store = open_store(disk, accepted);
    CHECK(contents(store) == contents_of_version_4(blocks_made));
    CHECK(store.history().size() == 3);
  } catch (const std::exception& error) {
    FAIL_CHECK(error.what());
  }
}

/// A way back: the store that it is to lead to, and how often that was reached.
struct WayBack {
  std::uint32_t to;
  Contents before;
  Figures figures{};
};

using BackStore = Migrated<New, Below>;

BackStore go_back(const SimulatedFileSystem& disk, std::uint32_t to) {
  MigratedOptions options{.take_back_to = to};
  options.run.batch_records = 5;
  return open<BackStore>("db", options, log_options, disk);
}

/// Goes on with what a crash has left, on the way back or by a program that goes forward again.
void resume_back(const SimulatedFileSystem& disk, WayBack& way, bool crash_again) {
  const std::uint64_t seed = ++way.figures.states;
  try {
    if (crash_again) {
      const auto go_on = [&](const SimulatedFileSystem& again) {
        static_cast<void>(go_back(again, way.to));
      };
      return resume_back(crash_within(disk, 1 + seed % 37, crash_shape(seed % 13, seed),
                                      way.figures.second, go_on),
                         way, false);
    }
    if (seed % 3 == 0) {
      auto store = open<BackStore>("db", log_options, disk);
      CHECK(contents(store).at("blocks_by_hash") ==
            contents_of_new(blocks_made).at("blocks_by_hash"));
      return;
    }
    auto store = go_back(disk, way.to);
    CHECK(contents(store) == way.before);
    CHECK(store.version() == way.to);
  } catch (const std::exception& error) {
    FAIL_CHECK(error.what());
  }
}

void crash_on_the_way_back(const SimulatedFileSystem& prepared, WayBack way, const char* name) {
  SimulatedFileSystem disk = prepared.after_kill();
  disk.watch([&](DiskOperation) {
    ++way.figures.places;
    for (std::size_t variant = way.figures.places % 3; variant < 13; variant += 3) {
      CAPTURE(way.figures.places, variant);
      resume_back(disk.after_crash(crash_shape(variant, way.figures.places)), way,
                  variant % 2 == 1);
    }
  });
  {
    auto store = go_back(disk, way.to);
    CHECK(contents(store) == way.before);
  }
  disk.watch({});
  std::printf(
      "figures: Migrated<Cached<Wal<MemoryAdapter>>>, %s: %llu states after a crash at %llu "
      "operations, %llu of them with a second crash: all reached the same store\n",
      name, static_cast<unsigned long long>(way.figures.states),
      static_cast<unsigned long long>(way.figures.places),
      static_cast<unsigned long long>(way.figures.second));
  CHECK(way.figures.places > 20);
  CHECK(way.figures.second > 20);
}

}  // namespace

TEST_CASE(
    "Migrated: power that goes at any operation of a run leaves the old store, a resumable "
    "one or the new one") {
  const SimulatedFileSystem prepared = disk_of_version_1();
  const std::uint64_t accepted = accepted_on(prepared);
  SimulatedFileSystem disk = prepared.after_kill();
  Figures figures;
  disk.watch([&](DiskOperation) {
    ++figures.places;
    for (std::size_t variant = 0; variant < 13; ++variant) {
      CAPTURE(figures.places, variant);
      resume(disk.after_crash(crash_shape(variant, figures.places)), accepted, figures, false);
      resume(disk.after_crash(crash_shape(variant, figures.places)), accepted, figures, true);
    }
  });
  {
    auto store = open_store(disk, accepted);
    CHECK(contents(store) == contents_of_version_4(blocks_made));
  }
  disk.watch({});
  std::printf(
      "figures: Migrated<Cached<Wal<MemoryAdapter>>>: %llu states after a crash at %llu "
      "operations, %llu of them with a second crash while it went on: all reached the "
      "same store\n",
      static_cast<unsigned long long>(figures.states),
      static_cast<unsigned long long>(figures.places),
      static_cast<unsigned long long>(figures.second));
  CHECK(figures.places > 50);
  CHECK(figures.second > 100);
}

TEST_CASE("Migrated: power that goes while steps are taken back leaves a store that goes on") {
  SimulatedFileSystem disk;
  WayBack way{.to = 2, .before = {}};
  {
    auto store = open<Migrated<Old, Below>>("db", log_options, disk);
    fill_version_2(store, blocks_made);
    way.before = contents(store);
  }
  static_cast<void>(open<BackStore>("db", log_options, disk));
  crash_on_the_way_back(disk.after_crash(crash_shape(0, 1)), way, "downgrade");
}

TEST_CASE("Migrated: power that goes while a run is taken back leaves a store that goes on") {
  SimulatedFileSystem disk;
  WayBack way{.to = 1, .before = {}};
  {
    auto store = open<Below>("db", log_options, disk);
    const Tree blocks = store.open_tree("blocks");
    for (std::uint64_t height = 0; height < blocks_made; ++height) {
      put(store, blocks, key_of(height), record_of(BlockV1{height, hash_of(height)}));
    }
    way.before = contents(store);
  }
  MigratedOptions options = stopping_after(6);
  options.adopt_as = 1;
  options.run.batch_records = 5;
  CHECK_THROWS_AS((static_cast<void>(open<BackStore>("db", options, log_options, disk))), Stop);
  crash_on_the_way_back(disk.after_crash(crash_shape(0, 1)), way, "rollback");
}
