// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/testing/simulated_file_system.hpp>

#include "catch.hpp"
#include "migrations/blocks.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

using namespace varve;
using namespace varve_test::blocks;
using varve::testing::crash_shape;
using varve::testing::DiskOperation;
using varve::testing::SimulatedCrash;
using varve::testing::SimulatedFileSystem;

namespace {

using Below = Cached<Wal<MemoryAdapter, SimulatedFileSystem>>;
using Store = Migrated<ToFour, Below>;

constexpr std::uint64_t blocks_made = 40;
constexpr WalOptions log{.checkpoint_bytes = 2000, .segment_bytes = 16U << 10U};

MigratedOptions options(std::uint64_t accepted) {
  MigratedOptions options{.accept_loss = accepted};
  options.run.batch_records = 2;
  return options;
}

Store open_store(const SimulatedFileSystem& disk, std::uint64_t accepted) {
  return open<Store>("db", options(accepted), log, disk);
}

/// A disk with a store of version 1, which was adopted and not migrated.
SimulatedFileSystem disk_of_version_1() {
  SimulatedFileSystem disk;
  {
    auto store = open<Below>("db", log, disk);
    fill_version_1(store, blocks_made);
  }
  CHECK_THROWS_AS((open<Store>("db", MigratedOptions{.adopt_as = 1}, log, disk)), Error);
  return disk.after_crash(crash_shape(0, 1));
}

std::uint64_t accepted_on(const SimulatedFileSystem& disk) {
  return plan<Store>("db", log, disk).hash();
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
    SimulatedFileSystem again = disk.after_kill();
    again.crash_at(1 + seed % 61);
    try {
      static_cast<void>(open_store(again, accepted));
    } catch (const SimulatedCrash&) {
      ++figures.second;
    } catch (const Error& error) {
      // The log met the crash while it made an image, and refuses what comes next.
      CHECK(error.kind() == ErrorKind::poisoned);
      ++figures.second;
    }
    return resume(again.after_crash(crash_shape(seed % 13, seed)), accepted, figures, false);
  }
  try {
    auto store = open_store(disk, accepted);
    CHECK(contents(store) == contents_of_version_4(blocks_made));
    CHECK(store.history().size() == 3);
  } catch (const std::exception& error) {
    FAIL_CHECK(error.what());
  }
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
