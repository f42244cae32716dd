// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/migrations/evolving.hpp>
#include <varve/open.hpp>

#include "catch.hpp"
#include "migrations/blocks.hpp"
#include "migrations/refusal.hpp"
#include "temp_directory.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace varve;
using namespace varve_test::blocks;
using varve_test::ContainsSubstring;
using varve_test::refusal;
using varve_test::TempDirectory;

namespace {

constexpr std::uint64_t blocks_made = 300;

template <class Chain, class Below>
std::uint64_t hash_of_plan(const std::string& directory) {
  return plan<Migrated<Chain, Below>>(directory).hash();
}

template <class Below>
void fill(const std::string& directory) {
  auto store = open<Below>(directory);
  fill_version_1(store, blocks_made);
}

/// A store whose run to version 2 was stopped behind its first batch.
void stop_run_to_two(const std::string& directory) {
  fill<LmdbAdapter>(directory);
  MigratedOptions options{.adopt_as = 1};
  options.run.progress = [](const MigrationProgress&) { throw std::runtime_error("stop"); };
  CHECK_THROWS_AS((open<Migrated<ToTwo, LmdbAdapter>>(directory, options)), std::runtime_error);
}

/// A store of version 1 with its stamp.
template <class Below>
void adopt(const std::string& directory) {
  fill<Below>(directory);
  auto store = open<Migrated<ToTwo, Below>>(directory, MigratedOptions{.adopt_as = 1});
}

}  // namespace

TEMPLATE_TEST_CASE("Migrated: records without a schema are refused, and as they were", "",
                   VARVE_STACKS_OF_LANE(Wal<MemoryAdapter>, LmdbAdapter, RocksAdapter)) {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<TestType>(directory);
  const Error error = refusal<Migrated<ToTwo, TestType>>(directory);
  CHECK(error.kind() == ErrorKind::schema_legacy);
  CHECK_THAT(error.what(), ContainsSubstring("adopt_as"));
  auto store = open<TestType>(directory);
  CHECK(contents(store).at("blocks").size() == blocks_made);
  CHECK_FALSE(store.find_tree("varve.ledger"));
}

TEMPLATE_TEST_CASE("Migrated: from version 1 to 4, through a loss that is accepted", "",
                   VARVE_STACKS_OF_LANE(Cached<Wal<MemoryAdapter>>, LmdbAdapter, RocksAdapter)) {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<TestType>(directory);
  using Store = Migrated<ToFour, TestType>;

  const Error loss = refusal<Store>(directory, MigratedOptions{.adopt_as = 1});
  CHECK(loss.kind() == ErrorKind::schema_loss);
  CHECK_THAT(loss.what(), ContainsSubstring("work: it can be computed again"));

  const MigrationPlan planned = plan<Store>(directory);
  CHECK(planned.lossy());
  CHECK(planned.steps.size() == 3);
  CHECK(planned.records == blocks_made);
  CHECK_THAT(loss.what(), ContainsSubstring(std::to_string(planned.hash())));

  const Error other_plan =
      refusal<Store>(directory, MigratedOptions{.accept_loss = planned.hash() + 2});
  CHECK(other_plan.kind() == ErrorKind::schema_loss);

  {
    auto store = open<Store>(directory, MigratedOptions{.accept_loss = planned.hash()});
    CHECK(contents(store) == contents_of_version_4(blocks_made));
    CHECK(store.held_trees() == std::vector<std::string>{"work_index"});
    CHECK_FALSE(store.find_tree("work_index"));
    CHECK_THROWS_WITH(static_cast<void>(store.open_tree("work_index")), ContainsSubstring("purge"));
    CHECK(store.history().size() == 3);
  }
  {
    auto store = open<Store>(directory);
    CHECK(contents(store) == contents_of_version_4(blocks_made));
    store.purge("work_index");
    CHECK(store.held_trees().empty());
    CHECK_NOTHROW(static_cast<void>(store.open_tree("work_index")));
    CHECK_THROWS_WITH(store.purge("work_index"), ContainsSubstring("held_trees"));
  }
  const Error newer = refusal<Migrated<ToTwo, TestType>>(directory);
  CHECK(newer.kind() == ErrorKind::schema_newer);
  const Error without = refusal<TestType>(directory);
  CHECK(without.kind() == ErrorKind::stack_mismatch);
}

TEST_CASE("Migrated: a fresh store is of the latest version and asks for nothing") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    auto store = open<Migrated<ToThree, LmdbAdapter>>(directory);
    CHECK(store.history().size() == 2);
    CHECK(store.history().front().baseline);
    using Codec = Evolving<ToThree, BlockTree>;
    std::string bytes;
    Codec::encode(BlockV1{7, "seven"}, bytes);
    put(store, store.open_tree("blocks"), key_of(std::uint64_t{7}), bytes);
  }
  auto store = open<Migrated<ToFour, LmdbAdapter>>(directory);
  CHECK(contents(store).at("blocks_by_hash") ==
        std::map<std::string, std::string>{
            {key_of(std::string("seven")), record_of(BlockV1{7, "seven"}, "\x04")}});
}

TEST_CASE("Migrated: what a program stops in the middle goes on where it was") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  using Store = Migrated<ToFour, LmdbAdapter>;
  static_cast<void>(refusal<Store>(directory, MigratedOptions{.adopt_as = 1}));
  MigratedOptions options{.accept_loss = hash_of_plan<ToFour, LmdbAdapter>(directory)};
  options.run.batch_records = 40;
  struct Stop : std::runtime_error {
    using std::runtime_error::runtime_error;
  };
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  int openings = 0;
  for (bool open_at_last = false; !open_at_last; ++openings) {
    int batches = 0;
    options.run.progress = [&](const MigrationProgress& progress) {
      CHECK(progress.done >= done);
      done = progress.done;
      total = progress.total;
      if (!progress.verifying && ++batches == 2) throw Stop("enough for now");
    };
    try {
      auto store = open<Store>(directory, options);
      open_at_last = true;
      CHECK(contents(store) == contents_of_version_4(blocks_made));
    } catch (const Stop&) {
      const Error old = refusal<Migrated<ToTwo, LmdbAdapter>>(directory);
      CHECK(old.kind() == ErrorKind::schema_newer);
    }
    options.accept_loss = 0;  // what was accepted is accepted
  }
  CHECK(openings >= 4);
  CHECK(total == blocks_made);
  CHECK(done >= blocks_made);
}

TEST_CASE("Migrated: a run that another program began is not taken over") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  stop_run_to_two(directory);
  const Error error = refusal<Migrated<ToFour, LmdbAdapter>>(directory);
  CHECK(error.kind() == ErrorKind::schema_diverged);
  CHECK_THAT(error.what(), ContainsSubstring("let that program finish it"));
  auto store = open<Migrated<ToTwo, LmdbAdapter>>(directory);
  CHECK(contents(store).at("blocks").size() == blocks_made);
}

namespace {

struct EditedAddWork : AddWork {
  static constexpr std::uint32_t revision = 2;
};
using Edited = MigrationChain<EditedAddWork>;

using LateChain = MigrationChain<DropWork, ByHash>;

}  // namespace

TEST_CASE("Migrated: a store that went through another form of a step is refused") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  adopt<LmdbAdapter>(directory);
  const Error error = refusal<Migrated<Edited, LmdbAdapter>>(directory);
  CHECK(error.kind() == ErrorKind::schema_diverged);
  CHECK_THAT(error.what(), ContainsSubstring("from version 1 to 2"));
}

TEST_CASE("Migrated: a chain that begins later than the store is refused, and names the way") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  stop_run_to_two(directory);
  const Error error = refusal<Migrated<LateChain, LmdbAdapter>>(directory);
  CHECK(error.kind() == ErrorKind::schema_too_old);
  CHECK_THAT(error.what(), ContainsSubstring("begin with version 2"));
}

TEST_CASE("Migrated: a record that a conversion refuses stops the run, or is put aside") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  using Store = Migrated<PickyChain, LmdbAdapter>;
  static_cast<void>(refusal<Store>(directory, MigratedOptions{.adopt_as = 1}));
  MigratedOptions options{.accept_loss = hash_of_plan<PickyChain, LmdbAdapter>(directory)};
  const Error error = refusal<Store>(directory, options);
  CHECK(error.kind() == ErrorKind::invalid_argument);
  CHECK_THAT(error.what(), ContainsSubstring("(3 ends in three)"));
  options.run.refused_at_most = blocks_made / 10 - 1;
  CHECK(refusal<Store>(directory, options).kind() == ErrorKind::invalid_argument);
  options.run.refused_at_most = blocks_made / 10;
  auto store = open<Store>(directory, options);
  CHECK(contents(store).at("blocks").size() == blocks_made - blocks_made / 10);
  CHECK(store.history().back().refused == blocks_made / 10);
  REQUIRE(store.refusals().size() == blocks_made / 10);
  CHECK(store.refusals().front().key == key_of(std::uint64_t{3}));
  CHECK(store.refusals().front().value == record_of(BlockV1{3, hash_of(3)}));
  CHECK(store.refusals().front().reason == "3 ends in three");
}

TEST_CASE("Migrated: any damaged byte of the head is corruption, never a store without a stamp") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  adopt<LmdbAdapter>(directory);
  const std::string engine = directory + "/lmdb";
  std::string head;
  {
    LmdbAdapter lmdb(engine);
    head = get_copy(lmdb, *lmdb.find_tree("varve.ledger"), "head").value();
  }
  for (std::size_t i = 0; i < head.size(); ++i) {
    std::string damaged = head;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    {
      LmdbAdapter lmdb(engine);
      put(lmdb, *lmdb.find_tree("varve.ledger"), "head", damaged);
    }
    CHECK(refusal<Migrated<ToTwo, LmdbAdapter>>(directory).kind() == ErrorKind::corruption);
  }
  {
    LmdbAdapter lmdb(engine);
    put(lmdb, *lmdb.find_tree("varve.ledger"), "head", head.substr(0, 3));
  }
  CHECK(refusal<Migrated<ToTwo, LmdbAdapter>>(directory).kind() == ErrorKind::corruption);
}

TEST_CASE("Migrated: a backup is made before the first record changes") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  const std::string backup = home.path() + "/backup";
  {
    auto store = open<Migrated<ToTwo, LmdbAdapter>>(
        directory, MigratedOptions{.adopt_as = 1, .backup_directory = backup});
    CHECK(contents(store).at("blocks").begin()->second.front() == '\x02');
  }
  LmdbAdapter kept(backup);
  CHECK(contents(kept).at("blocks").begin()->second == record_of(BlockV1{0, hash_of(0)}));
}

TEST_CASE("Migrated: a run goes no faster than it is told") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  MigratedOptions options{.adopt_as = 1};
  options.run.batch_records = 50;
  options.run.records_per_second = 1000;
  const auto start = std::chrono::steady_clock::now();
  static_cast<void>(open<Migrated<ToTwo, LmdbAdapter>>(directory, options));
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(blocks_made));
}

namespace {

/// Counts what it is asked to compact.
struct Compacting : MemoryAdapter {
  std::vector<Tree> compacted{};

  void compact(Tree tree, KeyRange) { compacted.push_back(tree); }
};
static_assert(CompactEngine<Compacting> && CompactEngine<Migrated<ToFour, RocksAdapter>>);
static_assert(!CompactEngine<Migrated<ToFour, LmdbAdapter>>);

/// The trees that a run to version 4 compacts, and whether its plan had said so.
template <class Below>
std::pair<std::vector<std::string>, std::optional<bool>> compacted_by_run() {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<Below>(directory);
  using Store = Migrated<ToFour, Below>;
  MigratedOptions options{.adopt_as = 1, .compact = true};
  static_cast<void>(refusal<Store>(directory, options));
  const MigrationPlan planned = plan<Store>(directory, options);
  CHECK_THAT(
      to_string(planned),
      ContainsSubstring(*planned.compacts ? "are compacted" : "files stay as large as they are"));
  CHECK(plan<Store>(directory).compacts == std::nullopt);
  std::vector<std::string> trees;
  options.accept_loss = planned.hash();
  options.run.progress = [&](const MigrationProgress& now) {
    if (now.compacting) trees.emplace_back(now.tree);
  };
  auto store = open<Store>(directory, options);
  CHECK(contents(store) == contents_of_version_4(blocks_made));
  return {trees, planned.compacts};
}

}  // namespace

TEST_CASE("Migrated: a run has the trees compacted that it changed, where the engine can") {
  const std::vector<std::string> changed{"blocks", "work_index", "blocks_by_hash"};
  CHECK(compacted_by_run<RocksAdapter>() == std::pair(changed, std::optional(true)));
  CHECK(compacted_by_run<LmdbAdapter>() ==
        std::pair(std::vector<std::string>{}, std::optional(false)));
  Compacting engine;
  const std::vector<Tree> trees{engine.open_tree("work_index"), engine.open_tree("blocks")};
  static_cast<void>(engine.open_tree("other"));
  detail::compact_changed<ToFour>(engine, 3, 2, {});
  CHECK(engine.compacted == std::vector<Tree>{trees[0], trees[1]});
  detail::compact_changed<ToFour>(engine, 1, 2, {});
  CHECK(engine.compacted == std::vector<Tree>{trees[0], trees[1], trees[1]});
}

TEST_CASE("Migrated: a compaction that fails leaves a store of the new version") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<RocksAdapter>(directory);
  MigratedOptions options{.adopt_as = 1, .compact = true};
  options.run.progress = [](const MigrationProgress& now) {
    if (now.compacting) throw std::runtime_error("no room");
  };
  using Store = Migrated<ToTwo, RocksAdapter>;
  CHECK_THROWS_WITH((open<Store>(directory, options)), "no room");
  auto store = open<Store>(directory);
  CHECK(store.version() == 2);
  CHECK(store.plan().finding.status == SchemaStatus::current);
  CHECK(contents(store).at("blocks").begin()->second.front() == '\x02');
}
