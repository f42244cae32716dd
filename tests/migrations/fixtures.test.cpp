// SPDX-License-Identifier: Apache-2.0
//
// Stores that programs of every version left behind, kept as data in fixtures/ and brought to the
// newest version by today's code. A new version adds its file:
//   VARVE_WRITE_FIXTURES=DIRECTORY test.migrations.fixtures '[.write]'
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/migrations/evolving.hpp>
#include <varve/open.hpp>

#include "catch.hpp"
#include "migrations/blocks.hpp"
#include "migrations/dump.hpp"
#include "temp_directory.hpp"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>

using namespace varve;
using namespace varve_test::blocks;
using varve_test::Dump;
using varve_test::dump;
using varve_test::TempDirectory;

namespace {

constexpr std::uint64_t blocks_made = 12;

std::string fixture(const std::string& name) {
  return VARVE_SOURCE_DIRECTORY "/tests/migrations/fixtures/" + name + ".txt";
}

/// Opens the store at `directory` as the program of `Chain` does, and accepts what it loses.
template <class Chain, class Engine>
auto bring_up(const std::string& directory, MigratedOptions options = {}) {
  using Store = Migrated<Chain, Engine>;
  options.grace = {};
  try {
    return open<Store>(directory, options);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::schema_loss) throw;
  }
  options.accept_loss = plan<Store>(directory).hash();
  return open<Store>(directory, options);
}

/// What each program leaves behind, written by today's code.
template <class Engine>
Dump made_today(const std::string& name) {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    auto store = open<Engine>(directory);
    fill_version_1(store, blocks_made);
  }
  if (name == "version_2") bring_up<ToTwo, Engine>(directory, {.adopt_as = 1});
  if (name == "version_3") bring_up<ToThree, Engine>(directory, {.adopt_as = 1});
  if (name == "version_4") bring_up<ToFour, Engine>(directory, {.adopt_as = 1});
  if (name == "interrupted") {
    MigratedOptions options{.adopt_as = 1};
    options.run.batch_records = 5;
    options.run.progress = [](const MigrationProgress&) { throw std::runtime_error("stop"); };
    CHECK_THROWS_AS((bring_up<ToFour, Engine>(directory, options)), std::runtime_error);
  }
  Engine engine(directory + "/" + std::string(Engine::name));
  return dump(engine);
}

/// What the trees of a store hold but those that have a time or a random number in them.
Dump but_the_ledger(Dump all) {
  all.erase("varve.ledger");
  return all;
}

}  // namespace

TEMPLATE_TEST_CASE("Fixtures: a store of every version is opened and brought to the newest", "",
                   VARVE_STACKS_OF_LANE(Wal<MemoryAdapter>, LmdbAdapter, RocksAdapter)) {
  const std::string name =
      GENERATE("version_1", "version_2", "version_3", "version_4", "interrupted");
  CAPTURE(name);
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    auto store = open<TestType>(directory);
    varve_test::load(store, varve_test::read_dump(fixture(name)));
  }
  const bool stamped = name != "version_1";
  if (!stamped) {
    CHECK_THROWS_AS((open<Migrated<ToFour, TestType>>(directory)), Error);
  }
  auto store = bring_up<ToFour, TestType>(directory, {.adopt_as = stamped ? std::uint32_t{0} : 1});
  CHECK(contents(store) == contents_of_version_4(blocks_made));
  CHECK(store.history().size() == 3);
  const bool dropped = store.held_trees() == std::vector<std::string>{"work_index"};
  CHECK(dropped);
}

TEST_CASE("Fixtures: a program of each version still writes, byte for byte, what it wrote then") {
  for (const std::string name : {"version_1", "version_2", "version_3", "version_4"}) {
    CAPTURE(name);
    const Dump kept = varve_test::read_dump(fixture(name));
    CHECK(but_the_ledger(made_today<LmdbAdapter>(name)) == but_the_ledger(kept));
  }
}

TEST_CASE("Fixtures: written anew", "[.write]") {
  const char* const directory = std::getenv("VARVE_WRITE_FIXTURES");
  REQUIRE(directory != nullptr);
  for (const std::string name :
       {"version_1", "version_2", "version_3", "version_4", "interrupted"}) {
    std::ofstream file(std::string(directory) + "/" + name + ".txt");
    file << varve_test::to_text(made_today<LmdbAdapter>(name));
    REQUIRE(file.flush());
  }
}
