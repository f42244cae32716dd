// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/versioned.hpp>
#include <varve/migrations/chain_up_to.hpp>
#include <varve/migrations/downgrade.hpp>
#include <varve/migrations/evolving.hpp>
#include <varve/open.hpp>
#include <varve/table.hpp>

#include "catch.hpp"
#include "migrations/there_and_back.hpp"
#include "temp_directory.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

// Each of these has been wrong once.

using namespace varve;
using namespace varve_test::there_and_back;
using varve_test::ContainsSubstring;
using varve_test::TempDirectory;
using varve_test::blocks::BlockV1;
using varve_test::blocks::contents;
using varve_test::blocks::fill_version_1;

namespace {

constexpr std::uint64_t made = 100;

template <class Chain>
Contents contents_in(const std::string& directory, const MigratedOptions& options = {}) {
  auto store = open<Migrated<Chain, LmdbAdapter>>(directory, options);
  return contents(store);
}

Contents contents_without_schema(const std::string& directory) {
  auto store = open<LmdbAdapter>(directory);
  return contents(store);
}

void fill_old(const std::string& directory) {
  auto store = open<Migrated<Old, LmdbAdapter>>(directory);
  fill_version_2(store, made);
}

/// A stack of one schema, with the losses of the way there accepted.
template <class Chain>
void bring_up(const std::string& directory) {
  using Store = Migrated<Chain, LmdbAdapter>;
  static_cast<void>(
      open<Store>(directory, MigratedOptions{.accept_loss = plan<Store>(directory).hash()}));
}

NotedBlock noted_but_seven(const BlockV2& block) {
  if (block.height == 7) throw std::runtime_error("seven");
  return noted(block);
}
template <class Tree, auto convert>
struct AddNote : Step<3, 4> {
  static constexpr auto description = "a note beside each block";
  using Actions = varve::Actions<Rewrite<Tree, BlockV2, NotedBlock, convert, &without_note>>;
};
struct IndexWork : Step<2, 3> {
  static constexpr auto description = "blocks are found by their work";
  using Actions = varve::Actions<BuildIndex<BlockTree, BlockV2, Index<"by_work", &BlockV2::work>>>;
};

struct NoteNow : Step<2, 3> {
  static constexpr auto description = "a note beside each block, where it is";
  using Actions = varve::Actions<Rewrite<BlockTree, BlockV2, NotedBlock, &noted, &without_note>>;
};

using NotedNow = MigrationChain<AddWork, NoteNow>;
using PickyBehindMove = MigrationChain<Middle, AddNote<HashTree, &noted_but_seven>>;
using TwoPasses = MigrationChain<AddWork, IndexWork, AddNote<BlockTree, &noted>>;
using PickyTwoPasses = MigrationChain<AddWork, IndexWork, AddNote<BlockTree, &noted_but_seven>>;
using NameUsedAgain = MigrationChain<Middle, AddNote<BlockTree, &noted>>;

std::pair<std::string, BlockV2> with_long_key(const std::uint64_t&, const BlockV2& block) {
  return {std::string(block.height == 7 ? 600 : 3, 'k') + block.hash, block};
}
struct LongKeys : Step<2, 3> {
  static constexpr auto description = "one key has 600 bytes";
  using Actions =
      varve::Actions<Move<BlockTree, HashTree, BlockV2, BlockV2, &with_long_key, &by_height>>;
};

struct LazyTips : Step<2, 3> {
  static constexpr auto description = "the tips of the chain";
  static constexpr auto pace = lazy;
  using Actions = varve::Actions<CreateTree<"tips">>;
};
struct DropOther : Step<2, 3> {
  static constexpr auto description = "other things go";
  static constexpr auto loss = lossy("other: of no concern");
  using Actions = varve::Actions<DropTree<"other">>;
};
struct LazyOther : Step<3, 4> {
  static constexpr auto description = "and are made again";
  static constexpr auto pace = lazy;
  using Actions = varve::Actions<CreateTree<"other">>;
};
using WithTips = MigrationChain<AddWork, LazyTips>;

using MoreTree = RecordTree<"more", std::uint64_t>;
std::pair<std::uint64_t, BlockV1> as_they_are(const std::uint64_t& key, const BlockV1& block) {
  return {key, block};
}
BlockV1 shouted(const BlockV1& block) {
  return {block.height, block.hash + "!"};
}
struct Shout : Step<1, 2> {
  static constexpr auto description = "hashes are shouted";
  static constexpr auto loss = lossy("the hashes as they were");
  using Actions = varve::Actions<Rewrite<BlockTree, BlockV1, BlockV1, &shouted>>;
};
struct Join : Step<2, 3> {
  static constexpr auto description = "one tree of blocks";
  static constexpr auto loss = lossy("which blocks were more");
  using Actions = varve::Actions<Move<MoreTree, BlockTree, BlockV1, BlockV1, &as_they_are>>;
};
using Joined = MigrationChain<Shout, Join>;
using WithoutOther = MigrationChain<AddWork, DropOther>;
using OtherAgain = MigrationChain<WithoutOther, LazyOther>;

}  // namespace

TEST_CASE("Migrated: a record refused in a tree that the run made comes back when it turns back") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_old(directory);
  const Contents before = contents_in<Old>(directory);
  MigratedOptions options = stopping_after(1, true);
  options.run.refused_at_most = 1;
  CHECK_THROWS_AS(contents_in<PickyBehindMove>(directory, options), Stop);
  using Store = Migrated<PickyBehindMove, LmdbAdapter>;
  auto store = open<Store>(directory, MigratedOptions{.take_back_to = 2});
  CHECK(contents(store) == before);
  CHECK(store.refusals().empty());
}

TEST_CASE("Migrated: a tree that one run rewrites twice is taken back in two parts") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    // The first byte of each record could be that of a version.
    auto store = open<LmdbAdapter>(directory);
    WriteBatch batch;
    for (std::uint64_t i = 0; i != made; ++i) {
      const BlockV1 block{i * 0x0101'0101'0101'0101U + 1, hash_of(i)};
      batch.put(store.open_tree("blocks"), key_of(i), record_of(block));
    }
    store.write(batch);
  }
  const Contents before = contents_without_schema(directory);
  CHECK(contents_in<TwoPasses>(directory, {.adopt_as = 1}).at("blocks").size() == made);
  CHECK(contents_in<TwoPasses>(directory, {.take_back_to = 1}).at("blocks") == before.at("blocks"));
}

TEST_CASE("Migrated: a record refused in the second of two passes comes back as it was") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    auto store = open<LmdbAdapter>(directory);
    fill_version_1(store, made);
  }
  const Contents before = contents_without_schema(directory);
  MigratedOptions options = stopping_after(1, true);
  options.adopt_as = 1;
  options.run.refused_at_most = 1;
  CHECK_THROWS_AS(contents_in<PickyTwoPasses>(directory, options), Stop);
  CHECK(contents_in<PickyTwoPasses>(directory, {.take_back_to = 1}).at("blocks") ==
        before.at("blocks"));
}

TEST_CASE("Migrated: records are moved beside others that have no version in front of them yet") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    auto store = open<LmdbAdapter>(directory);
    WriteBatch batch;
    for (std::uint64_t i = 0; i != made; ++i) {
      batch.put(store.open_tree(i % 2 == 0 ? "blocks" : "more"), key_of(i),
                record_of(BlockV1{i, hash_of(i)}));
    }
    store.write(batch);
  }
  using Store = Migrated<Joined, LmdbAdapter>;
  const std::string text = refusal<Store>(directory, MigratedOptions{.adopt_as = 1}).what();
  MigratedOptions options{.accept_loss = plan<Store>(directory).hash()};
  CHECK_THAT(text, ContainsSubstring("accept_loss = " + std::to_string(options.accept_loss)));
  options.run.batch_records = 7;
  const Contents after = contents_in<Joined>(directory, options);
  CHECK(after.at("blocks").size() == made);
  for (std::uint64_t i = 0; i != made; ++i) {
    const BlockV1 block{i, hash_of(i) + (i % 2 == 0 ? "!" : "")};
    CHECK(Evolving<Joined, BlockTree>::decode<BlockV1>(after.at("blocks").at(key_of(i))) == block);
  }
}

TEST_CASE("Migrated: a run puts no more records aside than the opening that goes on allows") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    auto store = open<Migrated<Old, LmdbAdapter>>(directory);
    fill_version_2(store, made);
    for (const std::uint64_t i : {std::uint64_t{10}, std::uint64_t{90}}) {
      put(store, store.open_tree("blocks"), key_of(i), "\x02 no block");
    }
  }
  MigratedOptions options = stopping_after(1);
  options.run.refused_at_most = 2;
  CHECK_THROWS_AS(contents_in<NotedNow>(directory, options), Stop);
  const Error error = refusal<Migrated<NotedNow, LmdbAdapter>>(directory);
  CHECK(error.kind() == ErrorKind::invalid_argument);
  CHECK_THAT(error.what(), ContainsSubstring("a conversion refuses the record of key"));
  CHECK_THAT(error.what(), ContainsSubstring("let records be put aside with refused_at_most"));
  options.run.progress = {};
  CHECK(contents_in<NotedNow>(directory, options).at("blocks").size() == made - 2);
}

TEST_CASE("Migrated: a record of which no index can be built is named") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    auto store = open<Migrated<Old, LmdbAdapter>>(directory);
    fill_version_2(store, made);
    put(store, store.open_tree("blocks"), key_of(std::uint64_t{10}), "\x02 no block");
  }
  const Error error = refusal<Migrated<TwoPasses, LmdbAdapter>>(directory);
  CHECK(error.kind() == ErrorKind::invalid_argument);
  CHECK_THAT(error.what(), ContainsSubstring("a conversion refuses the record of key "
                                             "000000000000000a (varve: corruption"));
}

TEST_CASE("Migrated: a record is not taken back over a conversion that has no inverse") {
  using Layouts = detail::layouts_at_t<varve_test::blocks::ToThree, BlockTree::text, 3>;
  std::string bytes;
  detail::lower_bytes<Layouts>(bytes, 1, record_of(BlockV2{1, "h", 17}), 0, true);
  CHECK(bytes == record_of(BlockV1{1, "h"}, "\x01"));
  const Error error = varve_test::error_of([&] {
    detail::lower_bytes<Layouts>(bytes, 2, record_of(BlockV1{1, "h"}), 0, true);
  });
  CHECK(error.kind() == ErrorKind::schema_loss);
  CHECK_THAT(error.what(), ContainsSubstring("the step to version 3 has no inverse: restore the "
                                             "backup that was made before it"));
}

TEST_CASE("Migrated: a run with bounds of zero goes record by record") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_old(directory);
  MigratedOptions options;
  if (GENERATE(true, false)) {
    options.run.batch_bytes = 0;
  } else {
    options.run.batch_records = 0;
  }
  CHECK(contents_in<New>(directory, options) == contents_of_new(made));
}

TEST_CASE("Migrated: the name of a tree whose records have moved is used again") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_old(directory);
  {
    auto store = open<Migrated<Middle, LmdbAdapter>>(directory);
    const Tree blocks = store.open_tree("blocks");
    WriteBatch batch;
    for (std::uint64_t i = 0; i != made; ++i) {
      batch.put(blocks, key_of(i), record_of(BlockV2{i, hash_of(i), i}));
    }
    store.write(batch);
  }
  const Contents after = contents_in<NameUsedAgain>(directory);
  for (std::uint64_t i = 0; i != made; ++i) {
    CHECK(after.at("blocks").at(key_of(i)) ==
          record_of(NotedBlock{i, hash_of(i), i, "none"}, "\x04"));
  }
}

TEST_CASE("Migrated: a key that is too long for the engine is refused like any record") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_old(directory);
  MigratedOptions options;
  options.run.refused_at_most = 1;
  using Store = Migrated<MigrationChain<AddWork, LongKeys>, LmdbAdapter>;
  CHECK_THAT(refusal<Store>(directory).what(), ContainsSubstring("too long for the engine"));
  auto store = open<Store>(directory, options);
  CHECK(contents(store).at("blocks_by_hash").size() == made - 1);
  CHECK(store.refusals().size() == 1);
}

TEST_CASE("Migrated: a tree that a lazy step made comes back with the step") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_old(directory);
  {
    auto store = open<Migrated<WithTips, LmdbAdapter>>(directory);
    put(store, store.open_tree("tips"), "tip", "1");
  }
  downgrade<Migrated<WithTips, LmdbAdapter>, 2>(directory);
  auto store = open<Migrated<WithTips, LmdbAdapter>>(directory);
  CHECK(store.held_trees().empty());
  CHECK(get_copy(store, store.open_tree("tips"), "tip") == "1");
}

TEST_CASE("Migrated: a lazy step makes a tree under the name of one that is held") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_old(directory);
  const bool one_run = GENERATE(true, false);
  if (one_run) {
    bring_up<OtherAgain>(directory);
  } else {
    bring_up<WithoutOther>(directory);
  }
  auto store = open<Migrated<OtherAgain, LmdbAdapter>>(directory);
  CHECK(store.held_trees().empty());
  CHECK(contents(store).at("other").empty());
}

TEST_CASE("Migrated: a purge that was killed is ended before a longer chain goes on") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_old(directory);
  bring_up<WithoutOther>(directory);
  {
    auto store = open<Migrated<WithoutOther, LmdbAdapter>>(directory);
    WriteBatch killed;
    Ledger<LmdbAdapter>(store.next())
        .put(killed, "other", LedgerTree{.state = TreeState::dropping, .version = 3});
    store.next().write(killed);
  }
  {
    auto store = open<Migrated<OtherAgain, LmdbAdapter>>(directory);
    CHECK(contents(store).at("other").empty());
    put(store, store.open_tree("other"), "new", "1");
  }
  CHECK(contents_in<OtherAgain>(directory).at("other").size() == 1);
}

TEST_CASE("plan: a stack with a layer that would join the store is refused, and leaves no mark") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_old(directory);
  using Joining = Migrated<New, Versioned<LmdbAdapter, Uncommitted>>;
  CHECK_THROWS_WITH(static_cast<void>(plan<Joining>(directory)),
                    ContainsSubstring("would join it; nothing was changed"));
  CHECK(contents_in<Old>(directory).at("blocks").size() == made);
}

TEST_CASE("Migrated: the backup before a lazy step is named by its history") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_old(directory);
  const std::string backup = home.path() + "/backup";
  auto store =
      open<Migrated<WithTips, LmdbAdapter>>(directory, MigratedOptions{.backup_directory = backup});
  CHECK(store.history().back().backup == backup);
}

TEST_CASE("Migrated: a run whose record is gone is damage, and not begun anew") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  fill_old(directory);
  CHECK_THROWS_AS(contents_in<New>(directory, stopping_after(2)), Stop);
  {
    LmdbAdapter engine(directory + "/lmdb");
    engine.write(WriteBatch().erase(*engine.find_tree("varve.ledger"), "run"));
  }
  CHECK(refusal<Migrated<New, LmdbAdapter>>(directory).kind() == ErrorKind::corruption);
}

TEST_CASE("Migrated: records that were adopted are not left without the version in front of them") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    auto store = open<LmdbAdapter>(directory);
    put(store, store.open_tree("blocks"), key_of(std::uint64_t{5}),
        record_of(BlockV2{5, hash_of(5), 5}));
  }
  const Error error =
      refusal<Migrated<New, LmdbAdapter>>(directory, MigratedOptions{.adopt_as = 2, .skip = true});
  CHECK_THAT(error.what(), ContainsSubstring("ChainUpTo"));
  CHECK(contents_in<ChainUpTo<New, 2>>(directory).at("blocks").begin()->second ==
        record_of(BlockV2{5, hash_of(5), 5}, "\x02"));
}
