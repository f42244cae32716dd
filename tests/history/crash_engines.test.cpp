// SPDX-License-Identifier: Apache-2.0
#include "history/deeds.hpp"

#include <varve/adapters/lmdb.hpp>
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/wal.hpp>
#include <varve/open.hpp>
#include <varve/testing/faulty.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace varve;
using namespace varve_test::past;
using varve::testing::Call;
using varve::testing::Effect;
using varve::testing::Fault;
using varve::testing::Faulty;
using varve::testing::FaultyOptions;

namespace {

/// A store whose calls to what is below history can be ended, and which is opened anew after that.
template <class Below>
class Ended {
 public:
  using Stack = Versioned<Faulty<Below>>;

  explicit Ended(VersionedOptions options) : options_(std::move(options)) { open_again(); }

  [[nodiscard]] Stack& store() { return *store_; }
  [[nodiscard]] std::uint64_t ended() const { return ended_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }

  /// Whether `act` was ended by the fault. After that nothing fails.
  template <class Act>
  bool ends(const Fault& fault, Act&& act) {
    plan_->add(fault);
    bool ended = false;
    try {
      act();
    } catch (const Error& error) {
      CAPTURE(error.what());
      CHECK(error.kind() == ErrorKind::io);
      ended = true;
      ++ended_;
    }
    plan_->clear();
    return ended;
  }

  /// By another program, which is ended too where there is a fault; then once more.
  void open_again(const std::optional<Fault>& fault = {}) {
    if (fault) ends(*fault, [&] { open_once(); });
    open_once();
  }

 private:
  void open_once() {
    store_.reset();
    const FaultyOptions faulty{.plan = plan_};
    store_.reset(new Stack(open<Stack>(directory_, options_, faulty)));
  }

  VersionedOptions options_;
  varve_test::TempDirectory home_;
  std::string directory_ = home_ / "db";
  std::shared_ptr<testing::FaultPlan> plan_ = std::make_shared<testing::FaultPlan>();
  std::unique_ptr<Stack> store_;
  std::uint64_t ended_ = 0;
};

Fault drawn_fault(Random& random, bool drops) {
  constexpr Call reads[] = {Call::get, Call::multi_get, Call::scan, Call::next};
  Fault fault{.call = Call::write, .at = 1 + random.below(2)};
  if (random.one_in(2)) fault.effect = Effect::fails_after;
  if (random.one_in(4)) fault = {.call = reads[random.below(4)], .at = 1 + random.below(12)};
  if (drops && random.one_in(2)) fault.call = random.one_in(2) ? Call::write_and_drop : Call::trees;
  return fault;
}

/// Random history of which each step may be ended at a call, before or after it is done; and the
/// opening after that again.
template <class Below>
void end_anywhere(const char* name, std::size_t steps) {
  Ended<Below> ended({.retain_heights = 8});
  Random random(11);
  Trees trees = open_trees(ended.store());
  std::vector<Model> possible{Model(0, 8)};
  std::uint64_t reopened = 0;
  for (std::size_t i = 0; i != steps; ++i) {
    const Deed deed = draw(Random(random.next()), trees, possible.back(), true);
    const Tree at_stake = trees[deed.tree];
    const Fault fault = drawn_fault(random, deed.kind == Deed::Kind::drop);
    CAPTURE(name, i, static_cast<int>(deed.kind), static_cast<int>(fault.call), fault.at);
    possible.push_back(deed.after);
    if (!ended.ends(fault, [&] { act(ended.store(), trees, deed); })) {
      possible.erase(possible.begin());
    } else if (deed.kind == Deed::Kind::drop || random.one_in(3)) {
      ++reopened;
      ended.open_again(Fault{.call = random.one_in(2) ? Call::write : Call::get,
                             .at = 1 + random.below(4),
                             .effect = random.one_in(2) ? Effect::fails : Effect::fails_after});
    }
    // What a write that failed came to is looked at with the next change.
    static_cast<void>(ended.store().prune_step(0));
    trees = open_trees(ended.store());
    const Verdict verdict = judge(ended.store(), trees, possible, i);
    REQUIRE(verdict.wrong == "");
    const bool done = possible.size() == 1 ||
                      (verdict.number == 1 && possible[0].heights() != possible[1].heights());
    if (deed.kind == Deed::Kind::drop && done) {
      CHECK(trees[deed.tree] != at_stake);
    }
    possible = {Model(possible[verdict.number])};
  }
  std::printf(
      "figures: %s: %zu steps of history, %llu ended at a call, %llu times opened anew after that, "
      "often ended again: each height was whole, with its root\n",
      name, steps, static_cast<unsigned long long>(ended.ended()),
      static_cast<unsigned long long>(reopened));
  CHECK(ended.ended() > steps / 4);
  CHECK(reopened > steps / 30);
}

/// A tree is dropped with its records and its past, or it is there with both.
template <class Below>
void drop_ended() {
  Ended<Below> ended({});
  int kept = 0;
  int gone = 0;
  for (const Call call : {Call::write, Call::write_and_drop, Call::drop_tree, Call::trees}) {
    for (const Effect effect : {Effect::fails, Effect::fails_after}) {
      CAPTURE(static_cast<int>(call), static_cast<int>(effect));
      const Tree tree = ended.store().open_tree("t");
      const StateRoot root = ended.store().commit(WriteBatch().put(tree, "k", "v"),
                                                  Height{ended.store().latest().value + 1});
      const bool met =
          ended.ends({.call = call, .effect = effect}, [&] { ended.store().drop_tree(tree); });
      ended.open_again();
      const auto found = ended.store().find_tree("t");
      CHECK(ended.store().audit().difference == "");
      ++(found ? kept : gone);
      if (!found) continue;
      CHECK(met);
      CHECK(*found == tree);
      CHECK(get_copy(ended.store(), tree, "k") == "v");
      CHECK(ended.store().root() == root);
    }
  }
  CHECK(kept > 0);
  CHECK(gone > 0);
}

/// Heights of more than one batch of a rollback; the rollback is ended at each of its writes.
template <class Below>
void roll_back_far(const std::vector<Fault>& faults) {
  constexpr std::uint64_t last = 30;
  Ended<Below> ended({});
  const Tree tree = ended.store().open_tree("t");
  std::map<std::uint64_t, StateRoot> roots{{0, ended.store().root()}};
  const auto value_of = [](std::uint64_t height) {
    return std::string(std::size_t{700} << 10U, static_cast<char>('a' + height % 26));
  };
  for (const Fault& fault : faults) {
    CAPTURE(fault.at, static_cast<int>(fault.effect));
    for (std::uint64_t h = ended.store().latest().value + 1; h <= last; ++h) {
      WriteBatch batch;
      batch.put(tree, "k", value_of(h)).put(tree, "new " + std::to_string(h), "x");
      roots[h] = ended.store().commit(batch, Height{h}, Durability::buffered);
    }
    ended.ends(fault, [&] { ended.store().rollback(Height{1}); });
    ended.open_again();
    const auto& store = ended.store();
    const std::uint64_t between = store.latest().value;
    const bool before = fault.at == 1 && fault.effect == Effect::fails;
    const bool after = fault.at == 2 && fault.effect == Effect::fails_after;
    CHECK((between == last) == before);
    CHECK((between == 1) == after);
    CHECK(store.audit().difference == "");
    for (std::uint64_t h = 1; h <= between; ++h) {
      CHECK(store.root(Height{h}) == roots[h]);
      CHECK(store.get_versioned(tree, "k", Height{h})->view() == value_of(h));
      CHECK(count(store.at(Height{h}), tree) == 1 + h);
    }
    ended.store().rollback(Height{1});
    CHECK(store.root() == roots[1]);
    CHECK(store.audit().difference == "");
    CHECK(disorder(store) == "");
  }
}

const Fault first_write{.call = Call::write, .at = 1};
const Fault first_written{.call = Call::write, .at = 1, .effect = Effect::fails_after};
const Fault second_write{.call = Call::write, .at = 2};
const Fault second_written{.call = Call::write, .at = 2, .effect = Effect::fails_after};
const Fault third_write{.call = Call::write, .at = 3};

void end_on_every_engine(std::size_t times) {
  end_anywhere<LmdbAdapter>("Versioned<LmdbAdapter>", 300 * times);
  end_anywhere<RocksAdapter>("Versioned<RocksAdapter>", 60 * times);
  end_anywhere<Cached<Wal<RocksAdapter>>>("Versioned<Cached<Wal<RocksAdapter>>>", 60 * times);
}

}  // namespace

TEST_CASE("Versioned: what ends at a call leaves all of it or none, over LMDB, RocksDB and a log") {
  end_on_every_engine(1);
}

TEST_CASE("Versioned: what ends at a call leaves all of it or none, at length", "[.long]") {
  end_on_every_engine(20);
}

TEST_CASE(
    "Versioned: a rollback of more than one batch goes height by height, and on after an end") {
  roll_back_far<LmdbAdapter>({first_write, first_written, second_write, second_written});
  roll_back_far<RocksAdapter>({first_written});
  roll_back_far<Cached<Wal<RocksAdapter>>>({second_write});
}

TEST_CASE("Versioned: a drop that ends at a call leaves the tree whole, or nothing of it") {
  drop_ended<LmdbAdapter>();
  drop_ended<RocksAdapter>();
  drop_ended<Cached<Wal<RocksAdapter>>>();
}

TEST_CASE("Versioned: roots that join a store are begun anew where that ended at a write") {
  constexpr int records = 80'000;
  using Below = LmdbAdapter;
  const varve_test::TempDirectory home;
  {
    auto plain = open<Below>(home / "db");
    const Tree tree = plain.open_tree("t");
    WriteBatch batch;
    for (int i = 0; i != records; ++i) batch.put(tree, std::to_string(i), "v");
    plain.write(batch);
  }
  using Stack = Versioned<Faulty<Below>>;
  // In the first batch of pages, behind it, behind the next one's, and in what says that all is
  // there.
  for (const Fault& fault : {second_write, first_written, second_written, third_write}) {
    const FaultyOptions faulty;
    faulty.plan->add(fault);
    CHECK_THROWS_AS((void)open<Stack>(home / "db", faulty), Error);
  }
  {
    // Half of the pages are there, of a height that is not the latest any more.
    auto store = open<Versioned<Faulty<Below>, Uncommitted>>(home / "db");
    const Tree tree = *store.find_tree("t");
    store.write(WriteBatch().erase_range(tree, KeyRange::from("8")).put(tree, "k", "v"));
  }
  auto store = open<Stack>(home / "db");
  CHECK(store.audit().good);
  CHECK(store.audit().keys == count(store, *store.find_tree("t")));
  CHECK(disorder(store) == "");
}
