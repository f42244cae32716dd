// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/migrations/chain_up_to.hpp>
#include <varve/migrations/repair_ledger.hpp>
#include <varve/open.hpp>

#include "catch.hpp"
#include "migrations/there_and_back.hpp"
#include "temp_directory.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

using namespace varve;
using namespace varve_test::blocks;
using namespace varve_test::there_and_back;
using varve_test::ContainsSubstring;
using varve_test::TempDirectory;

namespace {

constexpr std::uint64_t blocks_made = 300;

template <class Below>
void fill_legacy(const std::string& directory) {
  auto store = open<Below>(directory);
  fill_version_1(store, blocks_made);
}

void fill_old(const std::string& directory) {
  auto store = open<Migrated<Old, LmdbAdapter>>(directory);
  fill_version_2(store, blocks_made);
}

template <class Chain>
Contents contents_in(const std::string& directory, MigratedOptions options = {}) {
  return varve_test::there_and_back::contents_in<Chain, LmdbAdapter>(directory, std::move(options));
}

/// The number of the run that was stopped.
std::uint64_t run_under_way(const std::string& directory) {
  LmdbAdapter lmdb(directory + "/lmdb");
  return Ledger<LmdbAdapter>(lmdb).run().value().identity;
}

/// Changes the head of the ledger as a tool would that moves stores.
template <class Change>
void change_head(const std::string& directory, Change&& change) {
  LmdbAdapter lmdb(directory + "/lmdb");
  Ledger<LmdbAdapter> ledger(lmdb);
  LedgerHead head = ledger.head().value();
  change(head);
  WriteBatch batch;
  ledger.put(batch, head);
  lmdb.write(batch);
}

void damage(const std::string& directory, BytesView key) {
  LmdbAdapter lmdb(directory + "/lmdb");
  const Tree tree = *lmdb.find_tree("varve.ledger");
  std::string bytes = get_copy(lmdb, tree, key).value();
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  put(lmdb, tree, key, bytes);
}

struct MendedAddWork : AddWork {
  static constexpr std::uint32_t revision = 2;
  static Out convert(const In& block) { return {block.height, block.hash, block.height * 19}; }
};
using Mended = MigrationChain<MendedAddWork>;

}  // namespace

TEST_CASE("Migrated: a store is left on its version, and written as one of it") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_old(directory);
  const Contents before = contents_in<Old>(directory);
  {
    auto store = open<Migrated<New, LmdbAdapter>>(directory, MigratedOptions{.skip = true});
    CHECK(store.version() == 2);
    CHECK(contents(store) == before);
    using Codec = Evolving<ChainUpTo<New, 2>, BlockTree>;
    const Tree blocks = *store.find_tree("blocks");
    const auto value = store.get(blocks, key_of(std::uint64_t{7}));
    CHECK(Codec::decode<BlockV2>(value->view()) == BlockV2{7, hash_of(7), 7 * 17});
    std::string bytes;
    Codec::encode(BlockV2{blocks_made, hash_of(blocks_made), blocks_made * 17}, bytes);
    put(store, blocks, key_of(blocks_made), bytes);
  }
  CHECK(contents_in<Old>(directory).at("blocks").size() == blocks_made + 1);
  CHECK(contents_in<New>(directory) == contents_of_new(blocks_made + 1));
  auto store = open<Migrated<New, LmdbAdapter>>(directory, MigratedOptions{.skip = true});
  CHECK(store.version() == 4);
}

static_assert(std::is_same_v<ChainUpTo<New, 2>, Old> && std::is_same_v<ChainUpTo<New, 3>, Middle>);

TEST_CASE(
    "Migrated: what a sealed or unfinished store says is said whatever "
    "the options are") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_old(directory);
  const auto options = GENERATE(MigratedOptions{}, MigratedOptions{.skip = true},
                                MigratedOptions{.take_back_to = 2}, MigratedOptions{.adopt_as = 2});
  using Store = Migrated<New, LmdbAdapter>;
  change_head(directory, [](LedgerHead& head) { head.state = StoreState::building; });
  const Error building = refusal<Store>(directory, options);
  CHECK(building.kind() == ErrorKind::busy);
  CHECK_THAT(building.what(), ContainsSubstring("let the copy go on"));
  CHECK_THROWS_WITH((repair_ledger<Store>(directory, 2)), ContainsSubstring("nothing to repair"));
  change_head(directory, [](LedgerHead& head) {
    head.state = StoreState::sealed;
    head.successor = "/new/place";
  });
  const Error sealed = refusal<Store>(directory, options);
  CHECK(sealed.kind() == ErrorKind::schema_sealed);
  CHECK_THAT(sealed.what(), ContainsSubstring("/new/place"));
  CHECK(plan<Store>(directory).finding.status == SchemaStatus::sealed);
  CHECK_THROWS_WITH((repair_ledger<Store>(directory, 2)), ContainsSubstring("nothing to repair"));
}

TEST_CASE("Migrated: a store that was sealed in the middle of a run does not go on") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_old(directory);
  using Store = Migrated<New, LmdbAdapter>;
  CHECK_THROWS_AS(static_cast<void>(open<Store>(directory, stopping_after(1))), Stop);
  change_head(directory, [](LedgerHead& head) { head.state = StoreState::sealed; });
  CHECK(refusal<Store>(directory).kind() == ErrorKind::schema_sealed);
  CHECK(refusal<Store>(directory, MigratedOptions{.take_back_to = 2}).kind() ==
        ErrorKind::schema_sealed);
  change_head(directory, [](LedgerHead& head) { head.state = StoreState::migrating; });
  CHECK(contents_in<New>(directory) == contents_of_new(blocks_made));
}

TEST_CASE(
    "Migrated: a run that another revision of a step began is taken over "
    "when it is told") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_legacy<LmdbAdapter>(directory);
  MigratedOptions options = stopping_after(2);
  options.adopt_as = 1;
  CHECK_THROWS_AS(static_cast<void>(open<Migrated<Old, LmdbAdapter>>(directory, options)), Stop);
  using Store = Migrated<Mended, LmdbAdapter>;
  const Error error = refusal<Store>(directory);
  CHECK(error.kind() == ErrorKind::schema_diverged);
  const std::uint64_t run = run_under_way(directory);
  CHECK_THAT(error.what(), ContainsSubstring(".take_over = " + std::to_string(run)));
  CHECK(refusal<Store>(directory, MigratedOptions{.take_over = run + 2}).kind() ==
        ErrorKind::schema_diverged);
  {
    auto store = open<Store>(directory, MigratedOptions{.take_over = run});
    const Tree blocks = *store.find_tree("blocks");
    CHECK(get_copy(store, blocks, key_of(std::uint64_t{79})) ==
          record_of(BlockV2{79, hash_of(79), 79 * 17}, "\x02"));
    CHECK(get_copy(store, blocks, key_of(std::uint64_t{80})) ==
          record_of(BlockV2{80, hash_of(80), 80 * 19}, "\x02"));
    CHECK(contents(store).at("blocks").size() == blocks_made);
  }
  CHECK(refusal<Migrated<Old, LmdbAdapter>>(directory).kind() == ErrorKind::schema_diverged);
}

TEST_CASE(
    "Migrated: a run that is taken over can be taken back by the mended "
    "program") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_legacy<LmdbAdapter>(directory);
  const Contents before = contents_of<LmdbAdapter>(directory);
  MigratedOptions options = stopping_after(2);
  options.adopt_as = 1;
  CHECK_THROWS_AS(static_cast<void>(open<Migrated<Old, LmdbAdapter>>(directory, options)), Stop);
  const std::uint64_t run = run_under_way(directory);
  CHECK(contents_in<Mended>(directory, {.take_back_to = 1, .take_over = run}) == before);
  CHECK(contents_in<Mended>(directory).at("blocks").at(key_of(std::uint64_t{3})) ==
        record_of(BlockV2{3, hash_of(3), 3 * 19}, "\x02"));
}

TEST_CASE("Migrated: a run with other layouts is not taken over, whatever is told") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_old(directory);
  CHECK_THROWS_AS(
      (static_cast<void>(open<Migrated<Middle, LmdbAdapter>>(directory, stopping_after(1)))), Stop);
  const std::uint64_t run = run_under_way(directory);
  const Error error =
      refusal<Migrated<New, LmdbAdapter>>(directory, MigratedOptions{.take_over = run});
  CHECK(error.kind() == ErrorKind::schema_diverged);
  CHECK_THAT(error.what(), ContainsSubstring("ends with version 3"));
  CHECK(contents_in<Middle>(directory).at("blocks_by_hash").size() == blocks_made);
}

TEST_CASE(
    "Migrated: records that no step wrote stand in the way of those that "
    "a step moves") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  const std::string name = GENERATE("blocks_by_hash", "tips");
  fill_old(directory);
  {
    auto store = open<Migrated<Old, LmdbAdapter>>(directory);
    put(store, store.open_tree(name), "some", "thing");
  }
  const Error error = refusal<Migrated<New, LmdbAdapter>>(directory);
  CHECK(error.kind() == ErrorKind::schema_diverged);
  CHECK_THAT(error.what(), ContainsSubstring("'" + name + "'"));
  CHECK_THAT(error.what(), ContainsSubstring("of another name"));
  {
    auto store = open<Migrated<Old, LmdbAdapter>>(directory);
    store.drop_tree(*store.find_tree(name));
  }
  CHECK(contents_in<New>(directory) == contents_of_new(blocks_made));
}

TEST_CASE("Migrated: records are adopted by the one version that the probes find") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_legacy<LmdbAdapter>(directory);
  using Store = Migrated<Old, LmdbAdapter>;
  const LegacyProbe first{
      .version = 1, .tree = "blocks", .matches = [](BytesView, BytesView value) {
        const auto block = Packed::decode<BlockV1>(value);
        return block.hash == hash_of(block.height);
      }};
  const LegacyProbe second{
      .version = 2, .tree = "blocks", .matches = [](BytesView, BytesView value) {
        const auto block = Packed::decode<BlockV2>(value);
        if (block.hash != hash_of(block.height)) throw std::runtime_error("no block");
        return block.work == block.height * 17;
      }};
  const LegacyProbe any{
      .version = 2, .tree = "blocks", .matches = [](BytesView, BytesView) { return true; }};
  const LegacyProbe elsewhere{.version = 1, .tree = "nowhere", .matches = any.matches};

  const Error told = refusal<Store>(directory, MigratedOptions{.probes = {first, second}});
  CHECK(told.kind() == ErrorKind::schema_legacy);
  CHECK_THAT(told.what(), ContainsSubstring("for version 1: open it once with"));
  CHECK_THAT(told.what(), ContainsSubstring(".adopt_as = 1"));
  CHECK_THAT(
      refusal<Store>(directory, MigratedOptions{.adopt_as = 2, .probes = {first, second}}).what(),
      ContainsSubstring("for version 1, and not for 2"));
  CHECK_THAT(
      refusal<Store>(directory, MigratedOptions{.adopt_as = 1, .probes = {first, any}}).what(),
      ContainsSubstring("for version 1 and for 2"));
  CHECK_THAT(refusal<Store>(directory, MigratedOptions{.adopt_as = MigratedOptions::as_probed,
                                                       .probes = {second}})
                 .what(),
             ContainsSubstring("no probe knows the records"));
  CHECK_THAT(refusal<Store>(directory, MigratedOptions{.adopt_as = 1, .probes = {first, elsewhere}})
                 .what(),
             ContainsSubstring("no probe knows the records"));
  CHECK_THAT(
      refusal<Store>(directory, MigratedOptions{.adopt_as = MigratedOptions::as_probed}).what(),
      ContainsSubstring("cannot be adopted"));
  {
    auto store = open<LmdbAdapter>(directory);
    CHECK_FALSE(store.find_tree("varve.ledger"));
  }
  auto store = open<Store>(directory, MigratedOptions{.adopt_as = MigratedOptions::as_probed,
                                                      .probes = {first, second}});
  CHECK(store.history().back().from == 1);
  CHECK(get_copy(store, *store.find_tree("blocks"), key_of(std::uint64_t{5})) ==
        record_of(BlockV2{5, hash_of(5), 5 * 17}, "\x02"));
}

TEST_CASE(
    "Migrated: records that are adopted as of the latest version get it "
    "in front of them") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    auto store = open<LmdbAdapter>(directory);
    const Tree blocks = store.open_tree("blocks");
    for (std::uint64_t i = 0; i < 5; ++i) {
      put(store, blocks, key_of(i), record_of(BlockV2{i, hash_of(i), 1}));
    }
  }
  CHECK(contents_in<Old>(directory, {.adopt_as = 2}).at("blocks").at(key_of(std::uint64_t{3})) ==
        record_of(BlockV2{3, hash_of(3), 1}, "\x02"));
  CHECK(contents_in<Old>(directory).at("blocks").at(key_of(std::uint64_t{3})) ==
        record_of(BlockV2{3, hash_of(3), 1}, "\x02"));
}

TEST_CASE(
    "repair_ledger: a damaged head is written anew when every record can "
    "be read") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_old(directory);
  using Store = Migrated<New, LmdbAdapter>;
  CHECK(contents_in<New>(directory) == contents_of_new(blocks_made));
  CHECK_THROWS_WITH((repair_ledger<Store>(directory, 3)), ContainsSubstring("is at version 4"));
  damage(directory, "head");
  CHECK(refusal<Store>(directory).kind() == ErrorKind::corruption);
  CHECK_THROWS_WITH((repair_ledger<Store>(directory, 3)), ContainsSubstring("it is of version 4"));
  CHECK_THROWS_WITH((repair_ledger<Store>(directory, 5)), ContainsSubstring("from version 1 to 4"));
  CHECK(refusal<Store>(directory).kind() == ErrorKind::corruption);
  const LedgerRepair repaired = repair_ledger<Store>(directory, 4);
  CHECK(repaired.trees == 1);
  CHECK(repaired.records == blocks_made);
  CHECK(contents_in<New>(directory) == contents_of_new(blocks_made));
  CHECK(contents_in<New>(directory, {.take_back_to = 2}).at("blocks").size() == blocks_made);
}

TEST_CASE(
    "repair_ledger: a record that cannot be read stands in the way of a "
    "repair") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_old(directory);
  damage(directory, "head");
  {
    LmdbAdapter lmdb(directory + "/lmdb");
    put(lmdb, *lmdb.find_tree("blocks"), key_of(blocks_made), "\x02no block");
  }
  using Store = Migrated<Old, LmdbAdapter>;
  CHECK_THROWS_WITH((repair_ledger<Store>(directory, 2)), ContainsSubstring("nothing was changed"));
  CHECK(refusal<Store>(directory).kind() == ErrorKind::corruption);
}

TEST_CASE(
    "repair_ledger: a store that was refused as another is opened once "
    "it was read") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_old(directory);
  using Store = Migrated<Mended, LmdbAdapter>;
  CHECK(refusal<Store>(directory).kind() == ErrorKind::schema_diverged);
  CHECK(repair_ledger<Store>(directory, 2).records == blocks_made);
  CHECK(contents_in<Mended>(directory).at("blocks").size() == blocks_made);
}

TEST_CASE(
    "repair_ledger: a store without a ledger, or with a run under way, "
    "is not repaired") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  using Store = Migrated<New, LmdbAdapter>;
  CHECK_THROWS_WITH((repair_ledger<Store>(directory, 2)), ContainsSubstring("there is no store"));
  {
    auto store = open<LmdbAdapter>(directory);
    fill_version_1(store, blocks_made);
  }
  CHECK_THROWS_WITH((repair_ledger<Store>(directory, 1)), ContainsSubstring("adopt_as"));
  MigratedOptions options = stopping_after(1);
  options.adopt_as = 1;
  CHECK_THROWS_AS(static_cast<void>(open<Store>(directory, options)), Stop);
  CHECK_THROWS_WITH((repair_ledger<Store>(directory, 1)), ContainsSubstring("so that it goes on"));
  damage(directory, "head");
  CHECK_THROWS_WITH((repair_ledger<Store>(directory, 1)), ContainsSubstring("from a backup"));
}

namespace {

struct GiveUpIndex : Step<1, 2> {
  static constexpr auto description = "the index is given up";
  static constexpr auto loss = lossy("work_index: it can be built again");
  using Actions = varve::Actions<DropTree<"work_index">>;
};
struct MakeIndex : Step<2, 3> {
  static constexpr auto description = "another index of the same name";
  using Actions = varve::Actions<CreateTree<"work_index">>;
};
using GivenUp = MigrationChain<GiveUpIndex>;
using MadeAgain = MigrationChain<GiveUpIndex, MakeIndex>;

template <class Chain, class Below>
void give_up(const std::string& directory) {
  fill_legacy<Below>(directory);
  using Store = Migrated<Chain, Below>;
  static_cast<void>(refusal<Store>(directory, MigratedOptions{.adopt_as = 1}));
  static_cast<void>(
      open<Store>(directory, MigratedOptions{.accept_loss = plan<Store>(directory).hash()}));
}

}  // namespace

TEMPLATE_TEST_CASE("Migrated: a tree that a step dropped is taken back, with all that it had", "",
                   VARVE_STACKS_OF_LANE(Wal<MemoryAdapter>, LmdbAdapter, RocksAdapter)) {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  give_up<GivenUp, TestType>(directory);
  using Store = Migrated<GivenUp, TestType>;
  {
    auto store = open<Store>(directory);
    CHECK(store.held_trees() == std::vector<std::string>{"work_index"});
    CHECK_THROWS_WITH(store.take_back("blocks"), ContainsSubstring("held_trees"));
    store.take_back("work_index");
    CHECK(store.held_trees().empty());
    CHECK(contents(store).at("work_index").size() == blocks_made);
    CHECK_THROWS_WITH(store.take_back("work_index"), ContainsSubstring("held_trees"));
  }
  CHECK(contents_of<Migrated<GivenUp, TestType>>(directory).at("work_index").size() == blocks_made);
}

TEST_CASE(
    "Migrated: a tree that is made under the name of one that is held is "
    "empty") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  const bool one_run = GENERATE(true, false);
  if (one_run) {
    give_up<MadeAgain, LmdbAdapter>(directory);
  } else {
    give_up<GivenUp, LmdbAdapter>(directory);
  }
  auto store = open<Migrated<MadeAgain, LmdbAdapter>>(directory);
  CHECK(store.held_trees().empty());
  CHECK(contents(store).at("work_index").empty());
}

namespace {

/// Puts a backup into the place of a store, as docs/guide/migrations.md says.
template <class Engine>
void restore(const std::string& backup, const std::string& directory) {
  std::filesystem::create_directory(directory);
  std::filesystem::rename(backup, directory + "/" + std::string(Engine::name));
}

template <class Below, class Engine>
void check_restored() {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  const std::string backup = home.path() + "/backup";
  {
    auto store = open<Migrated<Old, Below>>(directory);
    fill_version_2(store, blocks_made);
  }
  const Contents before = contents_of<Migrated<Old, Below>>(directory);
  CHECK(varve_test::there_and_back::contents_in<New, Below>(
            directory, {.backup_directory = backup}) == contents_of_new(blocks_made));
  {
    auto store = open<Migrated<New, Below>>(directory);
    CHECK(store.history().back().backup == backup);
  }
  const std::string restored = home.path() + "/restored";
  restore<Engine>(backup, restored);
  CHECK(contents_of<Migrated<Old, Below>>(restored) == before);
  CHECK(contents_of<Migrated<New, Below>>(restored) == contents_of_new(blocks_made));
}

}  // namespace

TEST_CASE("Migrated: the backup opens as the store that was there before the run") {
  check_restored<LmdbAdapter, LmdbAdapter>();
  check_restored<RocksAdapter, RocksAdapter>();
  check_restored<Wal<LmdbAdapter>, LmdbAdapter>();
}

TEST_CASE(
    "Migrated: a backup is not made over another one, and nothing is run "
    "without it") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  const std::string backup = home.path() + "/backup";
  fill_old(directory);
  std::filesystem::create_directory(backup);
  const Error error =
      refusal<Migrated<New, LmdbAdapter>>(directory, MigratedOptions{.backup_directory = backup});
  CHECK_THAT(error.what(), ContainsSubstring(backup));
  CHECK(contents_in<Old>(directory).at("blocks").size() == blocks_made);
}
