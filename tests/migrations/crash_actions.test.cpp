// SPDX-License-Identifier: Apache-2.0
//
// A table whose records are rewritten, that gets an index and loses one, is renamed, split into two
// and merged again, and counted by code of one's own: with crashes everywhere.
#include <varve/adapters/memory.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/migrations/carry.hpp>
#include <varve/migrations/evolving.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>
#include <varve/table.hpp>

#include "catch.hpp"
#include "migrations/enumerate.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

using namespace varve;
using varve::testing::crash_shape;
using varve::testing::SimulatedFileSystem;
using varve_test::Dump;
using varve_test::enumerate::crash_everywhere;
using varve_test::enumerate::Whole;
using varve_test::enumerate::whole_of;

namespace {

struct PersonV1 {
  std::uint64_t id = 0;
  std::string name{};
  std::uint32_t age = 0;
};
struct PersonV2 {
  std::uint64_t id = 0;
  std::string name{};
  std::uint32_t born = 0;
};

using Persons = RecordTree<"persons", std::uint64_t>;
using People = RecordTree<"people", std::uint64_t>;
using Young = RecordTree<"young", std::uint64_t>;
using Elders = RecordTree<"elders", std::uint64_t>;
using Everyone = RecordTree<"everyone", std::uint64_t>;

struct Born : Step<1, 2> {
  static constexpr auto description = "the year of birth, which stays";
  using Tree = Persons;
  using In = PersonV1;
  using Out = PersonV2;
  static Out convert(const In& person) {
    return carry<Out>(person, with<&Out::born>(2026 - person.age), without<&In::age>);
  }
  static In invert(const Out& person) {
    return carry<In>(person, with<&In::age>(2026 - person.born), without<&Out::born>);
  }
};

using ByName = Unique<"by_name", &PersonV2::name>;

struct Indexed : Step<2, 3> {
  static constexpr auto description = "found by name, no longer by age";
  using Actions =
      varve::Actions<BuildIndex<Persons, PersonV2, ByName>, DropIndex<"persons", "by_age">>;
};

struct Rename : Step<3, 4> {
  static constexpr auto description = "persons are people";
  using Actions = varve::Actions<RenameTree<Persons, People, PersonV2>>;
};

using Moved = std::optional<std::pair<std::uint64_t, PersonV2>>;
using Kept = std::pair<std::uint64_t, PersonV2>;

Moved young(const std::uint64_t& id, const PersonV2& person) {
  return person.born >= 1980 ? Moved({id, person}) : std::nullopt;
}
Moved elder(const std::uint64_t& id, const PersonV2& person) {
  return person.born < 1980 ? Moved({id + 1000, person}) : std::nullopt;
}
Kept as_young(const std::uint64_t& id, const PersonV2& person) {
  return {id, person};
}
Kept as_elder(const std::uint64_t& id, const PersonV2& person) {
  return {id - 1000, person};
}

struct Split : Step<4, 5> {
  static constexpr auto description = "by age, into two";
  using Actions = varve::Actions<Move<People, Young, PersonV2, PersonV2, &young, &as_young>,
                                 Move<People, Elders, PersonV2, PersonV2, &elder, &as_elder>>;
};

struct Merge : Step<5, 6> {
  static constexpr auto description = "and into one again";
  using Actions = varve::Actions<Move<Young, Everyone, PersonV2, PersonV2, &as_young, &young>,
                                 Move<Elders, Everyone, PersonV2, PersonV2, &as_elder, &elder>>;
};

/// Adds to counts what some records more have: done twice, it would count twice.
inline constexpr auto count_by_decade = [](auto& store, BytesView cursor,
                                           WriteBatch& batch) -> std::optional<std::string> {
  const Tree everyone = *store.find_tree("everyone");
  const Tree counts = store.open_tree("counts");
  std::map<std::string, std::uint64_t> decades;
  std::string last;
  int taken = 0;
  const std::string first = cursor.empty() ? std::string() : std::string(cursor) + '\0';
  for (auto scan = store.scan(everyone, KeyRange::from(first)); scan.valid(); scan.next()) {
    if (++taken > 5) break;
    last = scan.entry().key;
    const auto person = Packed::decode<PersonV2>(scan.entry().value.substr(1));
    ++decades[std::to_string(person.born / 10)];
  }
  for (const auto& [decade, count] : decades) {
    const auto before = get_copy(store, counts, decade);
    batch.put(counts, decade, std::to_string((before ? std::stoull(*before) : 0) + count));
  }
  if (taken <= 5) return std::nullopt;
  return last;
};

struct Count : Step<6, 7> {
  static constexpr auto description = "how many were born in each decade";
  static constexpr auto loss = lossy("nothing: it only adds");
  using Actions = varve::Actions<Custom<"count", count_by_decade>>;
};

using ThereAndBack = MigrationChain<Born, Indexed, Rename, Split, Merge>;
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
