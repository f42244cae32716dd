// SPDX-License-Identifier: Apache-2.0
//
// The five ways in which migrations go wrong elsewhere, most common first: none of them here.
#include <varve/adapters/lmdb.hpp>
#include <varve/layers/migrated.hpp>
#include <varve/open.hpp>
#include <varve/testing/faulty.hpp>

#include "catch.hpp"
#include "migrations/blocks.hpp"
#include "migrations/meddled.hpp"
#include "migrations/on_the_way.hpp"
#include "temp_directory.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace varve;
using namespace varve_test::blocks;
using namespace varve_test::on_the_way;
using varve::testing::Call;
using varve::testing::Effect;
using varve::testing::Faulty;
using varve::testing::FaultyOptions;
using varve_test::Change;
using varve_test::ContainsSubstring;
using varve_test::Meddled;
using varve_test::MeddledOptions;
using varve_test::TempDirectory;

namespace {

constexpr std::uint64_t blocks_made = 60;

using Below = Faulty<LmdbAdapter>;
using Store = Migrated<ToFour, Meddled<Below>>;
using Meddling = MeddledOptions<Below>;

MigratedOptions small_batches(MigratedOptions options = {}) {
  options.run.batch_records = 7;
  return options;
}

/// A directory with a store of version 1, and copies of it.
class Prepared {
 public:
  explicit Prepared(bool stamped = true) {
    {
      auto store = open<LmdbAdapter>(made_);
      fill_version_1(store, blocks_made);
    }
    if (!stamped) return;
    try {
      static_cast<void>(open<Store>(made_, MigratedOptions{.adopt_as = 1}));
      FAIL("a loss was not asked for");
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::schema_loss);
    }
  }

  /// A copy of it, in the place of the last one.
  [[nodiscard]] std::string copy() const {
    const std::string directory = home_ / "copy";
    std::filesystem::remove_all(directory);
    std::filesystem::copy(made_, directory, std::filesystem::copy_options::recursive);
    return directory;
  }

 private:
  TempDirectory home_;
  std::string made_ = home_ / "store";
};

Found found_in(const std::string& directory) {
  LmdbAdapter engine(directory + "/lmdb");
  return look(engine, blocks_made);
}

/// That the store is on its way and not at the end, and gets there when it is opened again.
void check_goes_on(const std::string& directory) {
  const Found found = found_in(directory);
  CHECK(found.wrong == "");
  CHECK(found.place != Place::done);
  auto store = bring_up<Store>(directory, small_batches());
  CHECK(contents(store) == contents_of_version_4(blocks_made));
  CHECK(store.history().back().records == blocks_made);
}

std::optional<Error> error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

/// Lets `change` meddle with the engine when a run has done everything and begins to verify. What
/// it is refused with.
std::optional<Error> refusal_when_changed(const std::string& directory,
                                          const std::function<void(Below&)>& change) {
  Meddling meddling;
  meddling.after = [&, done = false](const Change& what, Below& below) mutable {
    if (done || what.kind != Change::Kind::write) return;
    const auto run = Ledger<Below>(below).run();
    if (!run || run->phase != RunPhase::verify) return;
    done = true;
    change(below);
  };
  return error_of(
      [&] { static_cast<void>(bring_up<Store>(directory, small_batches(), meddling)); });
}

}  // namespace

TEST_CASE("Failure 1: the stamp, the place of the run and the records change together") {
  const Prepared prepared;
  const std::string directory = prepared.copy();
  std::uint64_t changes = 0;
  Place last = Place::before;
  Meddling meddling;
  meddling.after = [&](const Change& what, Below& below) {
    const Found found = look(below, blocks_made);
    CAPTURE(++changes, to_string(found.place));
    CHECK(found.wrong == "");
    CHECK(found.place >= last);
    // What a stamp speaks of must be on disk before it, and it itself when it is acted on.
    if (found.place != last && found.place != Place::middle) {
      CHECK(what.durability == Durability::synced);
    }
    last = found.place;
  };
  {
    auto store = bring_up<Store>(directory, small_batches(), meddling);
    CHECK(contents(store) == contents_of_version_4(blocks_made));
  }
  CHECK(last == Place::done);
  CHECK(changes > blocks_made / 7);
}

TEST_CASE("Failure 2: a store without a stamp is never taken for a current one") {
  const Prepared prepared(false);
  const std::string directory = prepared.copy();
  // With all that a chain knows, with a part of it, and with a tree that it has never met.
  const std::string left = GENERATE("", "work_index", "other");
  CAPTURE(left);
  if (!left.empty()) {
    LmdbAdapter engine(directory + "/lmdb");
    for (const TreeInfo& info : engine.trees()) {
      if (!info.tree.reserved() && info.name != left) engine.drop_tree(info.tree);
    }
  }
  std::uint64_t changes = 0;
  Meddling meddling;
  meddling.before = [&](const Change&, Below&) { ++changes; };
  const auto refusal =
      error_of([&] { static_cast<void>(open<Store>(directory, MigratedOptions{}, meddling)); });
  REQUIRE(refusal);
  CHECK(refusal->kind() == ErrorKind::schema_legacy);
  CHECK_THAT(refusal->what(), ContainsSubstring("adopt_as"));
  CHECK(changes == 0);
  LmdbAdapter engine(directory + "/lmdb");
  CHECK_FALSE(engine.find_tree("varve.ledger"));
}

TEST_CASE("Failure 3: an iterator that fails is not the end of the data") {
  const Prepared prepared;
  for (const Call call : {Call::scan, Call::next}) {
    std::uint64_t refused = 0;
    for (std::uint64_t at = 1;; at += call == Call::next ? 13 : 1) {
      const std::string directory = prepared.copy();
      CAPTURE(call == Call::next, at);
      FaultyOptions faulty;
      faulty.plan->add({.call = call, .at = at});
      const auto error =
          error_of([&] { static_cast<void>(bring_up<Store>(directory, small_batches(), faulty)); });
      if (faulty.plan->met() == 0) break;
      REQUIRE(error);
      CHECK(error->kind() == ErrorKind::io);
      // The step of a scan behind the last write is that of the opened store.
      if (found_in(directory).place == Place::done) continue;
      ++refused;
      check_goes_on(directory);
    }
    CHECK(refused > 5);
  }
}

TEST_CASE("Failure 3: an iterator that ends too early, without a word, is found out") {
  const Prepared prepared;
  std::uint64_t found_out = 0;
  for (std::uint64_t at = 1;; ++at) {
    const std::string directory = prepared.copy();
    CAPTURE(at);
    std::uint64_t scans = 0;
    bool opened = false;
    Meddling meddling;
    meddling.cut = [&]() -> std::optional<std::uint64_t> {
      if (!opened && ++scans == at) return 3;
      return std::nullopt;
    };
    const auto error = error_of([&] {
      auto store = bring_up<Store>(directory, small_batches(), meddling);
      opened = true;
      CHECK(contents(store) == contents_of_version_4(blocks_made));
    });
    if (scans < at) break;
    if (!error) continue;
    CHECK(error->kind() == ErrorKind::corruption);
    ++found_out;
    const Found found = found_in(directory);
    CHECK(found.place != Place::done);
  }
  CHECK(found_out > 3);
}

TEST_CASE("Failure 4: verification fails for any difference, either way, by scan and by key") {
  const Prepared prepared;
  const std::string directory = prepared.copy();
  const auto tree = [](Below& below, BytesView name) { return *below.find_tree(name); };
  const std::string first = key_of(hash_of(17));
  const std::string value = record_of(BlockV1{17, hash_of(17)}, "\x04");
  std::function<void(Below&)> change;
  SECTION("a record that is missing") {
    change = [&](Below& below) { erase(below, tree(below, "blocks_by_hash"), first); };
  }
  SECTION("a record more") {
    change = [&](Below& below) { put(below, tree(below, "blocks_by_hash"), "zzz", value); };
  }
  SECTION("a record more in the tree that was emptied") {
    change = [&](Below& below) {
      put(below, tree(below, "blocks"), key_of(std::uint64_t{17}),
          record_of(BlockV1{17, hash_of(17)}));
    };
  }
  SECTION("a bit of a value") {
    change = [&](Below& below) {
      std::string other = value;
      other.back() = static_cast<char>(other.back() ^ 1);
      put(below, tree(below, "blocks_by_hash"), first, other);
    };
  }
  SECTION("two values that have changed places") {
    change = [&](Below& below) {
      const std::string second = key_of(hash_of(18));
      put(below, tree(below, "blocks_by_hash"), first, record_of(BlockV1{18, hash_of(18)}, "\x04"));
      put(below, tree(below, "blocks_by_hash"), second, value);
    };
  }
  SECTION("a key that no longer is its record's") {
    change = [&](Below& below) {
      erase(below, tree(below, "blocks_by_hash"), first);
      put(below, tree(below, "blocks_by_hash"), first + "x", value);
    };
  }
  SECTION("the whole tree") {
    change = [&](Below& below) { below.drop_tree(tree(below, "blocks_by_hash")); };
  }
  std::string words = "or others";
  SECTION("what a get answers, and a scan does not") {
    words = "after the run a scan and a get of the key ";
    change = [&](Below& below) {
      below.faults().add({.call = Call::get, .for_ever = true, .effect = Effect::flips_bit});
    };
  }
  const auto error = refusal_when_changed(directory, change);
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::corruption);
  CHECK_THAT(error->what(), ContainsSubstring("the version stays as it was"));
  CHECK_THAT(error->what(), ContainsSubstring(words));
  // It is neither done nor forgotten: the next opening verifies again.
  LmdbAdapter engine(directory + "/lmdb");
  const Ledger<LmdbAdapter> ledger(engine);
  CHECK(ledger.head()->write_version == 1);
  REQUIRE(ledger.run());
  CHECK(ledger.run()->phase == RunPhase::verify);
}

namespace {

/// Writes what it does not read.
struct Careless : Packed {
  template <class T>
  static void encode(const T& record, std::string& bytes) {
    const std::size_t before = bytes.size();
    Packed::encode(record, bytes);
    bytes.resize(before + 3);
  }
};
using CarelessTree = RecordTree<"careless", std::uint64_t, Careless>;

std::pair<std::uint64_t, BlockV1> carelessly(const std::uint64_t& key, const BlockV1& block) {
  return {key, block};
}
struct ToCareless : Step<1, 2> {
  static constexpr auto description = "the same blocks, by another codec";
  using Actions =
      varve::Actions<Move<BlockTree, CarelessTree, BlockV1, BlockV1, &carelessly, &carelessly>>;
};

}  // namespace

TEST_CASE("Failure 5: what the newest codec cannot read does not become the version of the store") {
  const Prepared prepared(false);
  const std::string directory = prepared.copy();
  using Broken = Migrated<MigrationChain<ToCareless>, LmdbAdapter>;
  const auto error =
      error_of([&] { static_cast<void>(open<Broken>(directory, MigratedOptions{.adopt_as = 1})); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::corruption);
  CHECK_THAT(error->what(), ContainsSubstring("cannot be read as one of the newest version"));
  LmdbAdapter engine(directory + "/lmdb");
  CHECK(Ledger<LmdbAdapter>(engine).head()->write_version == 1);
}

TEST_CASE("Failure 5: nothing is gone for good before the store was verified and opened") {
  const Prepared prepared;
  const std::string directory = prepared.copy();
  std::uint64_t changes = 0;
  const auto keeps_the_index = [&](const auto& below) {
    const auto index = below.find_tree("work_index");
    std::uint64_t records = 0;
    if (index) {
      for (auto scan = below.scan(*index, KeyRange::all()); scan.valid(); scan.next()) ++records;
    }
    return records == blocks_made;
  };
  Meddling meddling;
  meddling.after = [&](const Change& what, Below& below) {
    ++changes;
    CHECK(what.kind != Change::Kind::drop_tree);
    CHECK(keeps_the_index(below));
  };
  {
    auto store = bring_up<Store>(directory, small_batches(), meddling);
    CHECK(changes > 10);
    CHECK(store.held_trees() == std::vector<std::string>{"work_index"});
    store.take_back("work_index");
    CHECK(keeps_the_index(store));
  }
  // A run that does not get through its verification drops nothing, whatever is asked of it.
  const std::string other = prepared.copy();
  CHECK(refusal_when_changed(other, [](Below& below) {
    erase(below, *below.find_tree("blocks_by_hash"), key_of(hash_of(1)));
  }));
  CHECK(error_of([&] { static_cast<void>(open<Store>(other)); }));
  LmdbAdapter engine(other + "/lmdb");
  CHECK(keeps_the_index(engine));
}
