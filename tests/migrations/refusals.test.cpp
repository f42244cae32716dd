// SPDX-License-Identifier: Apache-2.0
//
// What stands on docs/guide/migration-errors.md and is met by no other test, with what resolves it.
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>

#include "catch.hpp"
#include "migrations/blocks.hpp"
#include "migrations/refusal.hpp"
#include "temp_directory.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

using namespace varve;
using namespace varve_test::blocks;
using varve_test::ContainsSubstring;
using varve_test::refusal;
using varve_test::TempDirectory;

namespace {

using Fork = RecordTree<"forks", std::uint64_t>;

inline std::pair<std::uint64_t, BlockV2> aside(const std::uint64_t& key, const BlockV2& block) {
  return {key + 1000, block};
}
inline std::pair<std::uint64_t, BlockV2> from_aside(const std::uint64_t& key,
                                                    const BlockV2& block) {
  return {key - 1000, block};
}

/// Moves forks to blocks, which have been there before.
struct JoinForks : Step<2, 3> {
  static constexpr auto description = "forks lie among the blocks";
  using Actions = varve::Actions<Move<Fork, BlockTree, BlockV2, BlockV2, &aside, &from_aside>>;
};
using Joining = MigrationChain<AddWork, JoinForks>;

inline constexpr auto stands_still = [](auto&, BytesView, WriteBatch&) {
  return std::optional<std::string>("here");
};
struct StandStill : Step<1, 2> {
  static constexpr auto description = "code that answers the same place for ever";
  static constexpr auto loss = lossy("nothing");
  using Actions = varve::Actions<Custom<"still", stands_still>>;
};

template <class Below>
void fill(const std::string& directory) {
  auto store = open<Below>(directory);
  fill_version_1(store, 10);
}

}  // namespace

TEST_CASE(
    "Migrated: a step that joins records with others is not taken back, and nothing is done") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    auto store = open<Migrated<ToTwo, LmdbAdapter>>(directory);
    const Tree forks = store.open_tree("forks");
    put(store, forks, key_of(std::uint64_t{1}), record_of(BlockV2{1, "fork", 17}));
    put(store, store.open_tree("blocks"), key_of(std::uint64_t{1}),
        record_of(BlockV2{1, "one", 17}, "\x02"));
  }
  using Store = Migrated<Joining, LmdbAdapter>;
  CHECK(open<Store>(directory).version() == 3);
  const Error error = refusal<Store>(directory, MigratedOptions{.take_back_to = 2});
  CHECK(error.kind() == ErrorKind::not_supported);
  CHECK_THAT(error.what(), ContainsSubstring("joins records with others"));
  CHECK_THAT(error.what(), ContainsSubstring("restore a backup"));
  auto store = open<Store>(directory);
  CHECK(store.version() == 3);
  CHECK(contents(store).at("blocks").size() == 2);
}

TEST_CASE("Migrated: a stack that cannot copy itself says so before anything is changed") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  using Below = Wal<MemoryAdapter>;
  fill<Below>(directory);
  using Store = Migrated<ToTwo, Below>;
  const std::string backup = home.path() + "/backup";
  const Error error =
      refusal<Store>(directory, MigratedOptions{.adopt_as = 1, .backup_directory = backup});
  CHECK(error.kind() == ErrorKind::not_supported);
  CHECK_THAT(error.what(), ContainsSubstring("leave backup_directory empty"));
  auto store = open<Store>(directory, MigratedOptions{.adopt_as = 1});
  CHECK(contents(store).at("blocks").begin()->second.front() == '\x02');
}

TEST_CASE("Migrated: code of one's own that stands still is stopped") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  using Store = Migrated<MigrationChain<StandStill>, LmdbAdapter>;
  static_cast<void>(refusal<Store>(directory, MigratedOptions{.adopt_as = 1}));
  const Error error =
      refusal<Store>(directory, MigratedOptions{.accept_loss = plan<Store>(directory).hash()});
  CHECK(error.kind() == ErrorKind::invalid_argument);
  CHECK_THAT(error.what(), ContainsSubstring("answers the cursor that it was given"));
  CHECK_THAT(error.what(), ContainsSubstring("'still'"));
}

TEST_CASE("Migrated: a head and a run that do not belong together are corruption") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill<LmdbAdapter>(directory);
  using Store = Migrated<ToTwo, LmdbAdapter>;
  CHECK(open<Store>(directory, MigratedOptions{.adopt_as = 1}).version() == 2);
  const auto change = [&](auto&& put_into) {
    LmdbAdapter lmdb(directory + "/lmdb");
    const Ledger<LmdbAdapter> ledger(lmdb);
    WriteBatch batch;
    put_into(ledger, batch);
    lmdb.write(batch);
  };
  change([](const auto& ledger, WriteBatch& batch) { ledger.put(batch, LedgerRun{.from = 1}); });
  const Error stray = refusal<Store>(directory);
  CHECK(stray.kind() == ErrorKind::corruption);
  CHECK_THAT(stray.what(), ContainsSubstring("'run' of the ledger is of no run"));
  change([](const auto& ledger, WriteBatch& batch) {
    ledger.erase_run(batch);
    LedgerHead head = *ledger.head();
    head.state = StoreState::migrating;
    ledger.put(batch, head);
  });
  const Error missing = refusal<Store>(directory);
  CHECK(missing.kind() == ErrorKind::corruption);
  CHECK_THAT(missing.what(), ContainsSubstring("'run' of the ledger is missing"));
  change([](const auto& ledger, WriteBatch& batch) {
    const std::uint64_t chain = chain_identity(steps_of<ToTwo>(), 1, 2);
    ledger.put(batch, LedgerRun{.from = 1, .to = 2, .chain = chain, .pass = 99});
  });
  const Error beyond = refusal<Store>(directory);
  CHECK(beyond.kind() == ErrorKind::corruption);
  CHECK_THAT(beyond.what(), ContainsSubstring("names a pass that its steps do not have"));
}
