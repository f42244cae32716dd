// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/memory.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/layers/wal.hpp>
#include <varve/migrations/downgrade.hpp>
#include <varve/open.hpp>

#include "catch.hpp"
#include "migrations/there_and_back.hpp"
#include "temp_directory.hpp"

#include <cstdint>
#include <optional>
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

}  // namespace

TEMPLATE_TEST_CASE("Migrated: over lossless steps a store is taken back to what it was", "",
                   VARVE_STACKS_OF_LANE(Cached<Wal<MemoryAdapter>>, LmdbAdapter, RocksAdapter,
                                        Wal<LmdbAdapter>)) {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    auto store = open<Migrated<Old, TestType>>(directory);
    fill_version_2(store, blocks_made);
  }
  const Contents before = contents_in<Old, TestType>(directory);
  using Store = Migrated<New, TestType>;
  CHECK(contents_in<New, TestType>(directory) == contents_of_new(blocks_made));
  CHECK(refusal<Migrated<Old, TestType>>(directory).kind() == ErrorKind::schema_newer);

  const MigrationPlan planned = plan<Store>(directory, MigratedOptions{.take_back_to = 2});
  CHECK(planned.from == 4);
  CHECK(planned.to == 2);
  REQUIRE(planned.steps.size() == 2);
  CHECK(planned.steps.front().to == 4);
  CHECK(planned.records == blocks_made);

  downgrade<Store, 2>(directory);
  {
    auto store = open<Migrated<Old, TestType>>(directory);
    CHECK(contents(store) == before);
    CHECK(store.version() == 2);
    REQUIRE(store.history().size() == 5);
    CHECK(store.history().back().from == 3);
    CHECK(store.history().back().to == 2);
  }
  CHECK(contents_in<New, TestType>(directory) == contents_of_new(blocks_made));
  {
    auto store = open<Store>(directory, MigratedOptions{.take_back_to = 3});
    CHECK(store.version() == 3);
    CHECK_FALSE(store.find_tree("tips"));
  }
  CHECK(contents_in<Middle, TestType>(directory).at("blocks_by_hash").size() == blocks_made);
  CHECK(contents_in<Middle, TestType>(directory, {.take_back_to = 2}) == before);
}

TEST_CASE(
    "Migrated: what was written since is taken back as far as the old "
    "layout has it") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  using Store = Migrated<New, LmdbAdapter>;
  {
    auto store = open<Store>(directory);
    std::string bytes;
    Evolving<New, HashTree>::encode(NotedBlock{9, "nine", 5, "mine"}, bytes);
    put(store, store.open_tree("blocks_by_hash"), key_of(std::string("nine")), bytes);
    put(store, store.open_tree("tips"), "tip", "nine");
  }
  {
    auto store = open<Store>(directory, MigratedOptions{.take_back_to = 1});
    // The program of version 1 had no schema: its blocks have no version in
    // front of them.
    CHECK(contents(store) ==
          Contents{{"blocks", {{key_of(std::uint64_t{9}), record_of(BlockV1{9, "nine"})}}}});
    CHECK(store.held_trees() == std::vector<std::string>{"tips"});
    CHECK_THROWS_WITH(store.take_back("tips"), ContainsSubstring("comes back with the step"));
  }
  auto store = open<Store>(directory);
  CHECK(store.held_trees().empty());
  CHECK(contents(store).at("tips") == std::map<std::string, std::string>{{"tip", "nine"}});
  CHECK(
      contents(store).at("blocks_by_hash") ==
      std::map<std::string, std::string>{
          {key_of(std::string("nine")), record_of(NotedBlock{9, "nine", 9 * 17, "none"}, "\x04")}});
}

TEST_CASE("Migrated: a way back that is stopped goes on where it was") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  using Store = Migrated<New, LmdbAdapter>;
  {
    auto store = open<Migrated<Old, LmdbAdapter>>(directory);
    fill_version_2(store, blocks_made);
  }
  const Contents before = contents_in<Old, LmdbAdapter>(directory);
  static_cast<void>(contents_in<New, LmdbAdapter>(directory));
  int openings = 0;
  std::uint64_t done = 0;
  for (bool open_at_last = false; !open_at_last; ++openings) {
    MigratedOptions options = stopping_after(3);
    options.take_back_to = 2;
    options.run.progress = [&, stop = options.run.progress](const MigrationProgress& progress) {
      CHECK(progress.done >= done);
      done = progress.done;
      stop(progress);
    };
    try {
      static_cast<void>(open<Store>(directory, options));
      open_at_last = true;
    } catch (const Stop&) {
      CHECK(refusal<Migrated<Old, LmdbAdapter>>(directory).kind() == ErrorKind::schema_newer);
    }
  }
  CHECK(openings >= 4);
  CHECK(contents_in<Old, LmdbAdapter>(directory) == before);
}

TEST_CASE(
    "Migrated: a way back that is stopped ends before the store goes "
    "forward again") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  using Store = Migrated<New, LmdbAdapter>;
  {
    auto store = open<Migrated<Old, LmdbAdapter>>(directory);
    fill_version_2(store, blocks_made);
  }
  static_cast<void>(contents_in<New, LmdbAdapter>(directory));
  MigratedOptions options = stopping_after(3);
  options.take_back_to = 2;
  CHECK_THROWS_AS(static_cast<void>(open<Store>(directory, options)), Stop);
  CHECK(contents_in<New, LmdbAdapter>(directory) == contents_of_new(blocks_made));
}

TEMPLATE_TEST_CASE("Migrated: a run that was stopped anywhere is taken back to what was there", "",
                   VARVE_STACKS_OF_LANE(Cached<Wal<MemoryAdapter>>, LmdbAdapter, RocksAdapter)) {
  using Store = Migrated<New, TestType>;
  // From records without a schema, and from those of a program that had one.
  const bool adopted = GENERATE(true, false);
  int stopped = 0;
  for (int batches = 1; batches < 40; batches += batches < 3 ? 1 : 6) {
    const TempDirectory home;
    const std::string directory = home.path() + "/store";
    const bool verifying = batches > 20;
    MigratedOptions options = stopping_after(verifying ? batches - 26 : batches, verifying);
    if (adopted) {
      {
        auto store = open<TestType>(directory);
        fill_version_1(store, blocks_made);
      }
      options.adopt_as = 1;
    } else {
      auto store = open<Migrated<Old, TestType>>(directory);
      fill_version_2(store, blocks_made);
    }
    const Contents before = adopted ? contents_of<TestType>(directory)
                                    : contents_of<Migrated<Old, TestType>>(directory);
    try {
      static_cast<void>(open<Store>(directory, options));
      continue;
    } catch (const Stop&) {
      ++stopped;
    }
    const std::uint32_t from = adopted ? 1 : 2;
    CAPTURE(batches, adopted);
    CHECK_THAT(refusal<Store>(directory, MigratedOptions{.skip = true}).what(),
               ContainsSubstring("cannot be skipped"));
    CHECK_THAT(refusal<Store>(directory, MigratedOptions{.take_back_to = 3}).what(),
               ContainsSubstring("take it back to version " + std::to_string(from)));
    // Stopped once more on its way back.
    MigratedOptions back = stopping_after(1);
    back.take_back_to = from;
    CHECK_THROWS_AS(static_cast<void>(open<Store>(directory, back)), Stop);
    {
      auto store = open<Store>(directory, MigratedOptions{.take_back_to = from});
      CHECK(contents(store) == before);
      CHECK(store.version() == from);
      CHECK(store.history().back().to == from);
    }
    CHECK(contents_in<New, TestType>(directory).at("blocks_by_hash").size() == blocks_made);
  }
  CHECK(stopped >= 6);
}

TEST_CASE(
    "Migrated: over a lossy step no way leads back, and the refusal "
    "names the backup") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  const std::string backup = home.path() + "/before-the-loss";
  using Store = Migrated<ToFour, LmdbAdapter>;
  {
    auto store = open<LmdbAdapter>(directory);
    fill_version_1(store, blocks_made);
  }
  CHECK(refusal<Store>(directory, MigratedOptions{.adopt_as = 1}).kind() == ErrorKind::schema_loss);
  const std::uint64_t accepted = plan<Store>(directory).hash();
  const MigratedOptions lossy{.accept_loss = accepted, .backup_directory = backup};
  {
    MigratedOptions options = stopping_after(2);
    options.accept_loss = accepted;
    options.backup_directory = backup;
    CHECK_THROWS_AS(static_cast<void>(open<Store>(directory, options)), Stop);
  }
  const Error running = refusal<Store>(directory, MigratedOptions{.take_back_to = 1});
  CHECK(running.kind() == ErrorKind::schema_loss);
  CHECK_THAT(running.what(), ContainsSubstring("cannot be undone"));
  CHECK_THAT(running.what(), ContainsSubstring(backup));
  CHECK(contents_in<ToFour, LmdbAdapter>(directory) == contents_of_version_4(blocks_made));

  const Error error = refusal<Store>(directory, MigratedOptions{.take_back_to = 2});
  CHECK(error.kind() == ErrorKind::schema_loss);
  CHECK_THAT(error.what(), ContainsSubstring("work: it can be computed again"));
  CHECK_THAT(error.what(), ContainsSubstring(backup));
  CHECK(contents_in<ToFour, LmdbAdapter>(directory) == contents_of_version_4(blocks_made));

  downgrade<Store, 3>(directory);
  auto store = open<Store>(directory, MigratedOptions{.skip = true});
  CHECK(store.version() == 3);
  CHECK(contents(store).at("blocks").size() == blocks_made);
}

TEST_CASE("Migrated: versions that a store cannot be taken back to") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  using Store = Migrated<New, LmdbAdapter>;
  {
    auto store = open<Migrated<Old, LmdbAdapter>>(directory);
    fill_version_2(store, 3);
  }
  for (const std::uint32_t version : {4U, 5U}) {
    CHECK_THAT(refusal<Store>(directory, MigratedOptions{.take_back_to = version}).what(),
               ContainsSubstring("the chain leads from 1 to 4"));
  }
  CHECK_THAT(refusal<Store>(directory, MigratedOptions{.take_back_to = 3}).what(),
             ContainsSubstring("the store is at version 2"));
  CHECK_THAT(refusal<Store>(directory, MigratedOptions{.take_back_to = 1}).what(),
             ContainsSubstring("it is taken back from there by a program whose chain ends with "
                               "it, as ChainUpTo does"));
  CHECK_THAT(refusal<Store>(directory, MigratedOptions{.take_back_to = 3}).what(),
             ContainsSubstring("but brought there by a program whose chain ends with it"));
  CHECK(contents_in<Old, LmdbAdapter>(directory).at("blocks").size() == 3);
}

namespace {

struct Coin {
  std::uint64_t amount = 0;
};
using Gold = RecordTree<"gold", std::uint64_t>;
using Silver = RecordTree<"silver", std::uint64_t>;
using Purse = RecordTree<"purse", std::pair<std::uint64_t, std::uint64_t>>;
using CoinKey = std::pair<std::uint64_t, std::uint64_t>;

template <std::uint64_t metal>
std::pair<CoinKey, Coin> put_in(const std::uint64_t& key, const Coin& coin) {
  return {{metal, key}, coin};
}
template <std::uint64_t metal>
std::pair<std::uint64_t, Coin> take_out(const CoinKey& key, const Coin& coin) {
  if (key.first != metal) throw std::runtime_error("of another metal");
  return {key.second, coin};
}
struct MergePurse : Step<1, 2> {
  static constexpr auto description = "all coins are in one purse";
  using Actions = varve::Actions<Move<Gold, Purse, Coin, Coin, &put_in<1>, &take_out<1>>,
                                 Move<Silver, Purse, Coin, Coin, &put_in<2>, &take_out<2>>>;
};
using Merge = MigrationChain<MergePurse>;

std::pair<std::uint64_t, Coin> to_one_key(const std::uint64_t& key, const Coin& coin) {
  return {key / 2, coin};
}
std::pair<std::uint64_t, Coin> to_two_keys(const std::uint64_t& key, const Coin& coin) {
  return {key * 2, coin};
}
struct Collide : Step<1, 2> {
  static constexpr auto description = "two coins get one key";
  using Actions = varve::Actions<Move<Gold, Silver, Coin, Coin, &to_one_key, &to_two_keys>>;
};

}  // namespace

TEST_CASE("Migrated: trees that were merged are told apart on the way back") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    auto store = open<LmdbAdapter>(directory);
    WriteBatch batch;
    for (std::uint64_t i = 0; i < 100; ++i) {
      batch.put(store.open_tree("gold"), key_of(i), record_of(Coin{i}));
      batch.put(store.open_tree("silver"), key_of(i), record_of(Coin{i + 1000}));
    }
    store.write(batch);
  }
  const Contents before = contents_of<LmdbAdapter>(directory);
  CHECK(contents_in<Merge, LmdbAdapter>(directory, {.adopt_as = 1}).at("purse").size() == 200);
  CHECK(contents_in<Merge, LmdbAdapter>(directory, {.take_back_to = 1}) == before);

  // A coin that no move can have put there stops the way back.
  CHECK(contents_in<Merge, LmdbAdapter>(directory).at("purse").size() == 200);
  {
    auto store = open<Migrated<Merge, LmdbAdapter>>(directory);
    put(store, *store.find_tree("purse"), key_of(CoinKey{3, 7}), record_of(Coin{7}, "\x02"));
  }
  const Error error =
      refusal<Migrated<Merge, LmdbAdapter>>(directory, MigratedOptions{.take_back_to = 1});
  CHECK_THAT(error.what(), ContainsSubstring("no move of the step can have made it"));
  MigratedOptions aside{.take_back_to = 1};
  aside.run.refused_at_most = 1;
  auto store = open<Migrated<Merge, LmdbAdapter>>(directory, aside);
  CHECK(contents(store) == before);
  REQUIRE(store.refusals().size() == 1);
  CHECK(store.refusals().front().key == key_of(CoinKey{3, 7}));
}

namespace {

std::optional<std::pair<std::uint64_t, Coin>> half_of_small(const std::uint64_t& key,
                                                            const Coin& coin) {
  if (coin.amount > 500) return std::nullopt;
  return std::pair{key / 2, coin};
}
struct Double : Step<1, 2> {
  static constexpr auto description = "numbers are doubled";
  using Actions = varve::Actions<Move<Gold, Silver, Coin, Coin, &to_two_keys, &half_of_small>>;
};
struct MergeUnmarked : Step<1, 2> {
  static constexpr auto description = "all coins are in one purse, unmarked";
  using Actions = varve::Actions<Move<Gold, Purse, Coin, Coin, &put_in<1>, &take_out<1>>,
                                 Move<Silver, Purse, Coin, Coin, &put_in<1>, &take_out<1>>>;
};

/// What is said of a way back where `spoil` has changed the store of version 2.
template <class OneStep, class Spoil>
std::string refused_on_the_way_back(const Spoil& spoil) {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  using Store = Migrated<MigrationChain<OneStep>, LmdbAdapter>;
  {
    auto store = open<LmdbAdapter>(directory);
    put(store, store.open_tree("gold"), key_of(std::uint64_t{0}), record_of(Coin{5}));
  }
  {
    auto store = open<Store>(directory, MigratedOptions{.adopt_as = 1});
    spoil(store);
  }
  return refusal<Store>(directory, MigratedOptions{.take_back_to = 1}).what();
}

}  // namespace

TEST_CASE("Migrated: what a move cannot take back is said") {
  const auto with_coin = [](std::uint64_t key, std::uint64_t amount, const char* version) {
    return refused_on_the_way_back<Double>([=](auto& store) {
      put(store, *store.find_tree("silver"), key_of(key), record_of(Coin{amount}, version));
    });
  };
  CHECK_THAT(with_coin(8, 501, "\x02"),
             ContainsSubstring("the inverse of the move does not take it"));
  CHECK_THAT(with_coin(1, 6, "\x02"),
             ContainsSubstring("another record goes back to the same key"));
  CHECK_THAT(with_coin(8, 6, "\x01"), ContainsSubstring("(it is of version 1)"));
  CHECK_THAT(refused_on_the_way_back<MergeUnmarked>([](auto&) {}),
             ContainsSubstring("more than one move of the step can have made it"));
}

TEST_CASE(
    "Migrated: a move that gives two records one key is refused, and "
    "loses neither") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    auto store = open<LmdbAdapter>(directory);
    const Tree gold = store.open_tree("gold");
    for (std::uint64_t i = 0; i < 4; ++i) put(store, gold, key_of(i), record_of(Coin{i}));
  }
  const std::size_t batch_records = GENERATE(as<std::size_t>{}, 1, 100);
  MigratedOptions options{.adopt_as = 1};
  options.run.batch_records = batch_records;
  using Store = Migrated<MigrationChain<Collide>, LmdbAdapter>;
  const Error error = refusal<Store>(directory, options);
  CHECK(error.kind() == ErrorKind::invalid_argument);
  CHECK_THAT(error.what(), ContainsSubstring("another record has the key"));
  auto store = open<Store>(directory, MigratedOptions{.take_back_to = 1});
  CHECK(contents(store).at("gold").size() == 4);
}

namespace {

struct PickyStep : Step<1, 2> {
  static constexpr auto description = "every tenth block is refused";
  using Tree = BlockTree;
  using In = BlockV1;
  using Out = BlockV2;
  static Out convert(const In& block) {
    if (block.height % 10 == 3) throw std::runtime_error("ends in three");
    return {block.height, block.hash, 1};
  }
  static In invert(const Out& block) { return {block.height, block.hash}; }
};
struct PickyAgain : Step<2, 3> {
  static constexpr auto description = "and another tenth";
  using Tree = BlockTree;
  using In = BlockV2;
  using Out = BlockV1;
  static Out convert(const In& block) {
    if (block.height % 10 == 4) throw std::runtime_error("ends in four");
    return {block.height, block.hash};
  }
  static In invert(const Out& block) { return {block.height, block.hash, 1}; }
};

}  // namespace

TEST_CASE(
    "Migrated: records that were put aside come back with a run that is "
    "taken back") {
  const TempDirectory home;
  const std::string directory = home.path() + "/store";
  {
    auto store = open<LmdbAdapter>(directory);
    fill_version_1(store, blocks_made);
  }
  const Contents before = contents_of<LmdbAdapter>(directory);
  using Store = Migrated<MigrationChain<PickyStep>, LmdbAdapter>;
  MigratedOptions options = stopping_after(3);
  options.adopt_as = 1;
  options.run.refused_at_most = 100;
  CHECK_THROWS_AS(static_cast<void>(open<Store>(directory, options)), Stop);
  {
    auto store = open<Store>(directory, MigratedOptions{.take_back_to = 1});
    CHECK(contents(store) == before);
    CHECK(store.refusals().empty());
  }
  MigratedOptions aside;
  aside.run.refused_at_most = 100;
  CHECK(contents_in<MigrationChain<PickyStep>, LmdbAdapter>(directory, aside).at("blocks").size() ==
        blocks_made - blocks_made / 10);
  using Both = MigrationChain<PickyStep, PickyAgain>;
  auto store = open<Migrated<Both, LmdbAdapter>>(directory, aside);
  CHECK(store.refusals().size() == 2 * blocks_made / 10);
}
