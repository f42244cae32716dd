// SPDX-License-Identifier: Apache-2.0
//
// A table whose records are rewritten, that gets an index and loses one, is renamed, split into two
// and merged again, and counted by code of one's own: with crashes everywhere.
#include <varve/adapters/memory.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/migrations/evolving.hpp>
#include <varve/open.hpp>
#include <varve/table.hpp>

#include "catch.hpp"
#include "migrations/enumerate.hpp"
#include "migrations/people.hpp"

#include <cstdint>
#include <string>

using namespace varve;
using namespace varve_test::people;
using varve::testing::crash_shape;
using varve::testing::SimulatedFileSystem;
using varve_test::Dump;
using varve_test::enumerate::crash_everywhere;
using varve_test::enumerate::Whole;
using varve_test::enumerate::whole_of;

namespace {

using Everyone = RecordTree<"everyone", std::uint64_t>;

using ByName = Unique<"by_name", &PersonV2::name>;

struct Indexed : Step<2, 3> {
  static constexpr auto description = "found by name, no longer by age";
  using Actions =
      varve::Actions<BuildIndex<Persons, PersonV2, ByName>, DropIndex<"persons", "by_age">>;
};

std::string decade(const PersonV2& person) {
  return std::to_string(person.born / 10);
}

struct Count : Step<6, 7> {
  static constexpr auto description = "how many were born in each decade";
  static constexpr auto loss = lossy("nothing: it only adds");
  using Actions = varve::Actions<Custom<"count", count_by<Everyone, 5, &decade>>>;
};

using ThereAndBack = MigrationChain<Born<1>, Indexed, Rename<3>, Split<4>, Merge<5, Everyone>>;
using Counted = MigrationChain<ThereAndBack, Count>;

using Below = Cached<Wal<MemoryAdapter, SimulatedFileSystem>>;
using PersonsV1 =
    Table<"persons", Key<&PersonV1::id>, PersonV1, Packed, Index<"by_age", &PersonV1::age>>;

constexpr std::uint64_t made = 17;
const WalOptions log_options{.checkpoint_bytes = 6000, .segment_bytes = 16U << 10U};

PersonV1 person(std::uint64_t id) {
  return {id, "name" + std::to_string(id * 7 % made), static_cast<std::uint32_t>(id * 13 % 90)};
}

/// What a program without a schema wrote, adopted and left as it is.
template <class Chain>
SimulatedFileSystem disk_of_version_1() {
  SimulatedFileSystem disk;
  {
    auto store = open<Below>("db", log_options, disk);
    const PersonsV1::On<Below> persons(store);
    for (std::uint64_t id = 0; id != made; ++id) persons.put(person(id));
  }
  const MigratedOptions adopt{.adopt_as = 1, .skip = true};
  static_cast<void>(open<Migrated<Chain, Below>>("db", adopt, log_options, disk));
  return disk.after_crash(crash_shape(0, 1));
}

MigratedOptions small_batches(MigratedOptions options = {}) {
  options.run.batch_records = 6;
  return options;
}

template <class Chain>
Whole bring(const SimulatedFileSystem& disk, const MigratedOptions& options) {
  auto store = open<Migrated<Chain, Below>>("db", options, log_options, disk);
  return whole_of(store.next());
}

}  // namespace

TEST_CASE(
    "Migrated: power that goes while an index is built or dropped, trees are renamed, split or "
    "merged, or code of one's own runs, leaves a store that goes on") {
  const SimulatedFileSystem prepared = disk_of_version_1<Counted>();
  const MigratedOptions options = small_batches(
      {.accept_loss = plan<Migrated<Counted, Below>>("db", log_options, prepared).hash()});
  const Whole expected = bring<Counted>(prepared.after_kill(), options);
  REQUIRE(expected.trees.at("everyone").size() == made);
  std::uint64_t counted = 0;
  for (const auto& [decade, count] : expected.trees.at("counts")) counted += std::stoull(count);
  CHECK(counted == made);
  crash_everywhere(
      prepared, 3, "every action",
      [&](const SimulatedFileSystem& disk) { static_cast<void>(bring<Counted>(disk, options)); },
      [&](const SimulatedFileSystem& disk) {
        const Whole found = bring<Counted>(disk, options);
        CHECK(found.trees == expected.trees);
        CHECK(found.ledger == expected.ledger);
      });
}

TEST_CASE("Migrated: power that goes while all of that is taken back leaves a store that goes on") {
  const SimulatedFileSystem old = disk_of_version_1<ThereAndBack>();
  const SimulatedFileSystem prepared = [&] {
    SimulatedFileSystem disk = old.after_kill();
    static_cast<void>(bring<ThereAndBack>(disk, {}));
    return disk.after_crash(crash_shape(0, 1));
  }();
  const MigratedOptions options = small_batches({.take_back_to = 1});
  const Whole expected = bring<ThereAndBack>(prepared.after_kill(), options);
  const Dump before = bring<ThereAndBack>(old.after_kill(), {.skip = true}).trees;
  CHECK(expected.trees.at("persons") == before.at("persons"));
  crash_everywhere(
      prepared, 3, "every action, taken back",
      [&](const SimulatedFileSystem& disk) {
        static_cast<void>(bring<ThereAndBack>(disk, options));
      },
      [&](const SimulatedFileSystem& disk) {
        const Whole found = bring<ThereAndBack>(disk, options);
        CHECK(found.trees == expected.trees);
        CHECK(found.ledger == expected.ledger);
      });
}
