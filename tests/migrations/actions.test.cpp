// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/migrations/evolving.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>
#include <varve/table.hpp>

#include "catch.hpp"
#include "migrations/people.hpp"
#include "temp_directory.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace varve;
using namespace varve_test::people;
using varve_test::ContainsSubstring;
using varve_test::TempDirectory;

namespace {

struct Begin : Step<1, 2> {
  static constexpr auto description = "names have a capital";
  static constexpr auto loss = lossy("case");
  using Tree = Persons;
  using In = PersonV1;
  using Out = PersonV1;
  static Out convert(const In& person) {
    Out out = person;
    if (!out.name.empty() && out.name[0] >= 'a') out.name[0] = static_cast<char>(out.name[0] - 32);
    return out;
  }
};

using ByBorn = Index<"by_born", &PersonV2::born, stores<&PersonV2::name>>;
using ByName = Unique<"by_name", &PersonV2::name>;

struct Indexed : Step<3, 4> {
  static constexpr auto description = "found by name, no longer by age";
  using Actions =
      varve::Actions<BuildIndex<Persons, PersonV2, ByName>, BuildIndex<Persons, PersonV2, ByBorn>,
                     DropIndex<"persons", "by_age">>;
};

std::string first_letter(const PersonV2& person) {
  return person.name.substr(0, 1);
}

struct Count : Step<4, 5> {
  static constexpr auto description = "how many names begin with each letter";
  static constexpr auto loss = lossy("nothing: it only adds");
  using Actions = varve::Actions<Custom<"count", count_by<Persons, 10, &first_letter>>>;
};

using ToTwo = MigrationChain<Begin>;
using ToThree = MigrationChain<ToTwo, Born<2>>;
using ToFour = MigrationChain<ToThree, Indexed>;
using ToFive = MigrationChain<ToFour, Count>;
using ToSix = MigrationChain<ToFive, Rename<5>>;
using ToSeven = MigrationChain<ToSix, Split<6>>;
using ToEight = MigrationChain<ToSeven, Merge<7, People>>;

using PersonsV2 = Table<"persons", Key<&PersonV1::id>, PersonV1, Evolving<ToTwo, Persons>,
                        Index<"by_age", &PersonV1::age>>;
using PersonsV3 = Table<"persons", Key<&PersonV2::id>, PersonV2, Evolving<ToThree, Persons>>;
using PersonsV4 =
    Table<"persons", Key<&PersonV2::id>, PersonV2, Evolving<ToFour, Persons>, ByName, ByBorn>;

constexpr std::uint64_t made = 100;

PersonV1 person(std::uint64_t id) {
  return {id, std::string(1, static_cast<char>('A' + id % 26)) + "n" + std::to_string(id),
          static_cast<std::uint32_t>(id % 90)};
}
PersonV2 born(const PersonV1& old) {
  return {old.id, old.name, 2026 - old.age};
}

template <class Below>
void fill(const std::string& directory) {
  auto store = open<Migrated<ToTwo, Below>>(directory);
  const typename PersonsV2::template On<Migrated<ToTwo, Below>> persons(store);
  for (std::uint64_t id = 0; id != made; ++id) persons.put(person(id), Durability::buffered);
}

template <class Chain, class Below>
Migrated<Chain, Below> bring_up(const std::string& directory, std::size_t batch = 7) {
  MigratedOptions options{.accept_loss = plan<Migrated<Chain, Below>>(directory).hash()};
  options.run.batch_records = batch;
  return open<Migrated<Chain, Below>>(directory, options);
}

}  // namespace

TEMPLATE_TEST_CASE("Migrated: what is recorded of a table follows its records", "",
                   VARVE_STACKS_OF_LANE(Cached<Wal<MemoryAdapter>>, LmdbAdapter, RocksAdapter)) {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<TestType>(directory);
  using Store = Migrated<ToThree, TestType>;
  auto store = open<Store>(directory);
  const auto recorded = recorded_tables(store);
  REQUIRE(recorded.size() == 1);
  CHECK(recorded[0].codec == "evolving");
  CHECK(recorded[0].record == (Evolving<ToThree, Persons>::template identity<PersonV2>()));
  REQUIRE(recorded[0].indexes.size() == 1);
  CHECK(recorded[0].indexes[0].state == IndexState::building);
  CHECK_FALSE(store.scan(*store.find_tree("persons.by_age"), KeyRange::all()).valid());
  // The table of version 3 does not name the index: it says so.
  CHECK_THROWS_WITH((typename PersonsV3::template On<Store>(store)), ContainsSubstring("by_age"));
}

TEMPLATE_TEST_CASE("Migrated: a step builds an index and drops another", "",
                   VARVE_STACKS_OF_LANE(Cached<Wal<MemoryAdapter>>, LmdbAdapter, RocksAdapter)) {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<TestType>(directory);
  auto store = bring_up<ToFour, TestType>(directory);
  using Store = Migrated<ToFour, TestType>;
  const typename PersonsV4::template On<Store> persons(store);
  CHECK(persons.template index_state<"by_name">() == IndexState::readable);
  CHECK(persons.template index_state<"by_born">() == IndexState::readable);
  CHECK(persons.count() == made);
  for (std::uint64_t id = 0; id != made; ++id) {
    const PersonV2 expected = born(person(id));
    CHECK(persons.template by<"by_name">().equal(expected.name).first() == expected);
  }
  CHECK(std::get<0>(persons.template by<"by_born">().entries().first()->stored) ==
        born(person(89)).name);
  CHECK(persons.verify_indexes().good());
  CHECK(persons.verify_indexes().skipped.empty());
  CHECK_FALSE(store.find_tree("persons.by_age"));
}

TEST_CASE(
    "Migrated: an index that two records want stops the run, which goes on once they do not") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  {
    auto store = open<Migrated<ToTwo, LmdbAdapter>>(directory);
    const PersonsV2::On<Migrated<ToTwo, LmdbAdapter>> persons(store);
    persons.put({500, person(3).name, 20});
  }
  CHECK_THROWS_AS((bring_up<ToFour, LmdbAdapter>(directory)), UniqueViolation);
}

TEMPLATE_TEST_CASE("Migrated: code of one's own runs in batches, and each batch once", "",
                   VARVE_STACKS_OF_LANE(Cached<Wal<MemoryAdapter>>, LmdbAdapter, RocksAdapter)) {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<TestType>(directory);
  using Store = Migrated<ToFive, TestType>;
  struct Stop {};
  MigratedOptions options{.accept_loss = plan<Store>(directory).hash()};
  int openings = 0;
  for (bool done = false; !done; ++openings) {
    int calls = 0;
    options.run.progress = [&](const MigrationProgress& now) {
      if (now.tree == "count" && ++calls == 2) throw Stop();
    };
    try {
      static_cast<void>(open<Store>(directory, options));
      done = true;
    } catch (const Stop&) {
    }
  }
  CHECK(openings >= 5);
  auto store = open<Store>(directory);
  std::map<std::string, std::string> counts;
  for (const Entry entry : store.scan(*store.find_tree("counts"), KeyRange::all())) {
    counts.emplace(entry.key, entry.value);
  }
  REQUIRE(counts.size() == 26);
  CHECK(counts["A"] == "4");
  CHECK(counts["Z"] == "3");
}

TEMPLATE_TEST_CASE("Migrated: a tree is renamed, split into two and merged again", "",
                   VARVE_STACKS_OF_LANE(Cached<Wal<MemoryAdapter>>, LmdbAdapter, RocksAdapter)) {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<TestType>(directory);
  const auto read = [](const auto& store, BytesView name) {
    std::map<std::uint64_t, PersonV2> all;
    for (const Entry entry : store.scan(*store.find_tree(name), KeyRange::all())) {
      all.emplace(Ordered::decode<std::uint64_t>(entry.key),
                  Packed::decode<PersonV2>(entry.value.substr(1)));
    }
    return all;
  };
  std::map<std::uint64_t, PersonV2> expected;
  for (std::uint64_t id = 0; id != made; ++id) expected[id] = born(person(id));
  {
    auto store = bring_up<ToSix, TestType>(directory);
    CHECK(read(store, "people") == expected);
    CHECK(read(store, "persons").empty());
    const auto recorded = recorded_tables(store);
    REQUIRE(recorded.size() == 1);
    CHECK(recorded[0].name == "people");
    CHECK(recorded[0].record == (Evolving<ToSix, People>::template identity<PersonV2>()));
    using NewPeople =
        Table<"people", Key<&PersonV2::id>, PersonV2, Evolving<ToSix, People>, ByBorn>;
    const typename NewPeople::template On<Migrated<ToSix, TestType>> people(store);
    people.build_indexes();
    CHECK(people.template by<"by_born">().count() == made);
    CHECK(people.verify_indexes().good());
  }
  {
    auto store = bring_up<ToSeven, TestType>(directory);
    CHECK(read(store, "people").empty());
    const auto youngs = read(store, "young");
    const auto elders = read(store, "elders");
    CHECK(youngs.size() + elders.size() == made);
    for (const auto& [id, one] : youngs) CHECK((one.born >= 1980 && one == expected[id]));
    for (const auto& [id, one] : elders) CHECK((one.born < 1980 && one == expected[id - 1000]));
  }
  auto store = bring_up<ToEight, TestType>(directory);
  CHECK(read(store, "people") == expected);
  CHECK(read(store, "young").empty());
  CHECK(read(store, "elders").empty());
}

namespace {

struct OnlyYoung : Step<6, 7> {
  static constexpr auto description = "forgets the elders, and claims to lose nothing";
  using Actions = varve::Actions<Move<People, Young, PersonV2, PersonV2, &young, &as_young>>;
};
using Forgetful = MigrationChain<ToSix, OnlyYoung>;

}  // namespace

TEST_CASE("Migrated: a lossless split that does not take a record says so, dry and in the run") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  const MigrationPlan planned = plan<Migrated<Forgetful, LmdbAdapter>>(directory);
  std::uint64_t elders = 0;
  for (std::uint64_t id = 0; id != made; ++id) elders += born(person(id)).born < 1980 ? 1 : 0;
  CHECK(planned.refused == elders);
  CHECK_THAT(planned.refusals.at(0).reason,
             ContainsSubstring("no move of the step, which is lossless, takes it"));
  CHECK_THROWS_WITH((bring_up<Forgetful, LmdbAdapter>(directory)),
                    ContainsSubstring("no move of the step, which is lossless, takes it"));
}

TEST_CASE("plan: every record is tried, and what will be written is counted by tree") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  const MigrationPlan planned = plan<Migrated<ToEight, LmdbAdapter>>(directory);
  CHECK_FALSE(planned.lazy);
  CHECK(planned.records == made);
  REQUIRE(planned.trees.size() == 1);
  CHECK(planned.trees[0].name == "persons");
  CHECK(planned.trees[0].bytes == planned.bytes);
  CHECK(planned.disk_needed == 2 * planned.trees[0].bytes_written);
  REQUIRE(planned.disk_free);
  CHECK(planned.fits());
  CHECK(planned.seconds > 0);
  auto store = bring_up<ToEight, LmdbAdapter>(directory);
  std::uint64_t bytes = 0;
  for (const Entry entry : store.scan(*store.find_tree("people"), KeyRange::all())) {
    bytes += entry.key.size() + entry.value.size();
  }
  CHECK(planned.trees[0].bytes_written == bytes);
  MigrationPlan full = planned;
  full.records = 1'234'567;
  full.bytes = 98'765'432;
  full.disk_needed = 12'345;
  full.disk_free = 10;
  full.seconds = 200;
  CHECK_FALSE(full.fits());
  CHECK_THAT(to_string(full), ContainsSubstring(": 1,234,567 records, 98 MB, about 3 min 20 s\n"));
  CHECK_THAT(
      to_string(full),
      ContainsSubstring("It may need 12 kB of disk, of 10 bytes that are free: make room first"));
}
