// SPDX-License-Identifier: Apache-2.0
#include <varve/layers/counted.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>
#include <varve/testing/faulty.hpp>
#include <varve/testing/full_engine.hpp>
#include <varve/testing/laws.hpp>
#include <varve/testing/minimal_engine.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

using namespace varve;
using testing::Call;
using testing::Effect;
using testing::Fault;
using testing::FaultPlan;
using testing::Faulty;
using testing::FaultyOptions;
using testing::FullEngine;
using testing::MinimalEngine;

static_assert(EngineLayer<Faulty<MinimalEngine>>);
static_assert(EngineLayer<Faulty<FullEngine>>);
static_assert(!SnapshotEngine<Faulty<MinimalEngine>> && !MultiGetEngine<Faulty<MinimalEngine>> &&
              !CountEngine<Faulty<MinimalEngine>> && !BulkLoadEngine<Faulty<MinimalEngine>> &&
              !CheckpointEngine<Faulty<MinimalEngine>> && !CompactEngine<Faulty<MinimalEngine>> &&
              !TransactionalDropEngine<Faulty<MinimalEngine>> &&
              !TailEngine<Faulty<MinimalEngine>> && !TransactionalEngine<Faulty<MinimalEngine>>);
static_assert(SnapshotEngine<Faulty<FullEngine>> && MultiGetEngine<Faulty<FullEngine>> &&
              CountEngine<Faulty<FullEngine>> && BulkLoadEngine<Faulty<FullEngine>> &&
              CheckpointEngine<Faulty<FullEngine>> && CompactEngine<Faulty<FullEngine>> &&
              TransactionalDropEngine<Faulty<FullEngine>> && TailEngine<Faulty<FullEngine>> &&
              TransactionalEngine<Faulty<FullEngine>>);

namespace {

using Store = Faulty<FullEngine>;

template <class Do>
ErrorKind kind_of_error(Do act) {
  try {
    act();
  } catch (const Error& error) {
    CHECK(error.details().layer == "faulty");
    return error.kind();
  }
  FAIL("nothing was thrown");
  return {};
}

/// Every call that can go wrong, each made once.
std::vector<std::pair<Call, std::function<void(Store&)>>> every_call(const std::string& directory) {
  const auto tree = [](Store& store) { return *store.next().find_tree("t"); };
  return {
      {Call::get, [=](Store& s) { static_cast<void>(s.get(tree(s), "a")); }},
      {Call::contains, [=](Store& s) { static_cast<void>(s.contains(tree(s), "a")); }},
      {Call::multi_get,
       [=](Store& s) {
         const std::vector<BytesView> keys{"a"};
         std::vector<std::optional<pinned_t<Store>>> values(1);
         s.multi_get(tree(s), keys, values);
       }},
      {Call::scan, [=](Store& s) { static_cast<void>(s.scan(tree(s), KeyRange::all())); }},
      {Call::next, [=](Store& s) { s.scan(tree(s), KeyRange::all()).next(); }},
      {Call::approximate_count,
       [=](Store& s) { static_cast<void>(s.approximate_count(tree(s), KeyRange::all())); }},
      {Call::snapshot, [=](Store& s) { static_cast<void>(s.snapshot()); }},
      {Call::write, [=](Store& s) { s.write(WriteBatch().put(tree(s), "new", "1")); }},
      {Call::write_and_drop,
       [=](Store& s) {
         const std::vector<Tree> dropped{tree(s)};
         s.write_and_drop({}, dropped, Durability::synced);
       }},
      {Call::bulk_loader, [=](Store& s) { static_cast<void>(s.bulk_loader(tree(s))); }},
      {Call::load, [=](Store& s) { s.bulk_loader(tree(s)).put("new", "1"); }},
      {Call::finish, [=](Store& s) { s.bulk_loader(tree(s)).finish(); }},
      {Call::begin_transaction, [=](Store& s) { static_cast<void>(s.begin_transaction()); }},
      {Call::commit,
       [=](Store& s) { static_cast<void>(s.begin_transaction().commit(Durability::synced)); }},
      {Call::open_tree, [=](Store& s) { static_cast<void>(s.open_tree("t")); }},
      {Call::find_tree, [=](Store& s) { static_cast<void>(s.find_tree("t")); }},
      {Call::drop_tree, [=](Store& s) { s.drop_tree(tree(s)); }},
      {Call::trees, [=](Store& s) { static_cast<void>(s.trees()); }},
      {Call::flush, [=](Store& s) { s.flush(); }},
      {Call::size_on_disk, [=](Store& s) { static_cast<void>(s.size_on_disk()); }},
      {Call::compact, [=](Store& s) { s.compact(tree(s), KeyRange::all()); }},
      {Call::checkpoint, [=](Store& s) { s.checkpoint(directory); }},
      {Call::last_sequence, [=](Store& s) { static_cast<void>(s.last_sequence()); }},
      {Call::tail, [=](Store& s) { static_cast<void>(s.tail(1)); }},
  };
}

}  // namespace

TEST_CASE("Faulty: without a plan it keeps every law") {
  for (const auto& broken :
       {testing::check_laws([] { return open<Faulty<MinimalEngine>>(); }),
        testing::check_laws([] { return open<Faulty<FullEngine>>(); }),
        testing::check_laws([] { return open<Counted<Faulty<Counted<MinimalEngine>>>>(); })}) {
    INFO((broken ? to_string(*broken) : ""));
    CHECK_FALSE(broken);
  }
}

TEST_CASE("Faulty: every call is counted, and fails when it was planned to") {
  const varve_test::TempDirectory directory;
  const auto calls = every_call(directory / "checkpoint");
  REQUIRE(calls.size() == static_cast<std::size_t>(Call::tail) + 1);
  for (const auto& [call, act] : calls) {
    INFO("call " << static_cast<int>(call));
    auto store = open<Store>();
    put(store, store.open_tree("t"), "a", "1");
    const std::uint64_t before = store.faults().calls(call);
    store.faults().add({.call = call, .kind = ErrorKind::corruption});
    const auto& made = act;
    CHECK(kind_of_error([&] { made(store); }) == ErrorKind::corruption);
    CHECK(store.faults().calls(call) == before + 1);
    CHECK(store.faults().met() == 1);
    made(store);
    CHECK(store.faults().met() == 1);
  }
}

TEST_CASE("Faulty: the k-th call fails, once or for ever") {
  FaultyOptions options;
  auto store = open<Faulty<MinimalEngine>>(options);
  const Tree tree = store.open_tree("t");
  FaultPlan& plan = *options.plan;
  const auto write = [&] { put(store, tree, "k", "v"); };
  write();
  plan.add({.call = Call::write, .at = 3, .kind = ErrorKind::no_space});
  write();
  write();
  CHECK(kind_of_error(write) == ErrorKind::no_space);
  write();
  plan.add({.call = Call::write, .at = 2, .for_ever = true});
  write();
  for (int i = 0; i < 5; ++i) CHECK(kind_of_error(write) == ErrorKind::io);
  CHECK(store.get(tree, "k"));
  plan.clear();
  write();
  CHECK(plan.calls(Call::write) == 12);
  CHECK(plan.met() == 6);
}

TEST_CASE("Faulty: a write fails before anything is done, or after all of it") {
  auto store = open<Faulty<MinimalEngine>>();
  const Tree tree = store.open_tree("t");
  store.faults().add({.call = Call::write});
  CHECK(kind_of_error([&] { put(store, tree, "a", "1"); }) == ErrorKind::io);
  CHECK_FALSE(store.contains(tree, "a"));
  store.faults().add(
      {.call = Call::write, .effect = Effect::fails_after, .kind = ErrorKind::indeterminate});
  CHECK(kind_of_error([&] { put(store, tree, "a", "1"); }) == ErrorKind::indeterminate);
  CHECK(store.contains(tree, "a"));
}

TEST_CASE("Faulty: values are cut and bits flipped, in gets and scans alike") {
  auto store = open<Store>();
  const Tree tree = store.open_tree("t");
  store.write(WriteBatch().put(tree, "a", "abcd").put(tree, "b", "efgh").put(tree, "c", ""));
  FaultPlan& plan = store.faults();

  plan.add({.call = Call::get, .effect = Effect::cuts_value});
  CHECK(store.get(tree, "a")->view() == "ab");
  CHECK(store.get(tree, "a")->view() == "abcd");
  plan.add({.call = Call::get, .effect = Effect::flips_bit});
  auto flipped = store.get(tree, "a");
  CHECK(flipped->view() == "abbd");
  const auto moved = std::move(flipped);
  CHECK(moved->view() == "abbd");
  plan.add({.call = Call::get, .effect = Effect::flips_bit});
  CHECK(store.get(tree, "c")->view().empty());

  plan.add({.call = Call::scan, .effect = Effect::flips_bit});
  plan.add({.call = Call::next, .effect = Effect::cuts_value});
  auto scan = store.scan(tree, KeyRange::all());
  CHECK(scan.entry() == Entry{"a", "abbd"});
  scan.next();
  CHECK(scan.entry() == Entry{"b", "ef"});
  scan.next();
  CHECK(scan.entry() == Entry{"c", ""});

  plan.add({.call = Call::multi_get, .effect = Effect::cuts_value});
  const std::vector<BytesView> keys{"b", "absent", "a"};
  std::vector<std::optional<pinned_t<Store>>> values(3);
  store.multi_get(tree, keys, values);
  CHECK(values[0]->view() == "ef");
  CHECK_FALSE(values[1]);
  CHECK(values[2]->view() == "ab");
}

TEST_CASE("Faulty: a scan that fails half way says so and does not end") {
  auto store = open<Faulty<MinimalEngine>>();
  const Tree tree = store.open_tree("t");
  store.write(WriteBatch().put(tree, "a", "1").put(tree, "b", "2").put(tree, "c", "3"));
  store.faults().add({.call = Call::next, .at = 2});
  int met = 0;
  const auto read = [&] {
    for (const Entry entry : store.scan(tree, KeyRange::all())) {
      static_cast<void>(entry);
      ++met;
    }
  };
  CHECK(kind_of_error(read) == ErrorKind::io);
  CHECK(met == 2);
}

TEST_CASE("Faulty: snapshots and transactions go wrong with their layer") {
  auto store = open<Store>();
  const Tree tree = store.open_tree("t");
  put(store, tree, "a", "abcd");
  const auto snapshot = store.snapshot();
  auto transaction = store.begin_transaction();
  store.faults().add({.call = Call::get, .for_ever = true, .effect = Effect::cuts_value});
  CHECK(snapshot.get(tree, "a")->view() == "ab");
  CHECK(transaction.get(tree, "a")->view() == "ab");
  CHECK(store.faults().calls(Call::get) == 2);
}

TEST_CASE("Faulty: at any place in a stack, through one plan") {
  FaultyOptions options;
  auto store = open<Counted<Faulty<Counted<MinimalEngine>>>>(options);
  const Tree tree = store.open_tree("t");
  options.plan->add({.call = Call::get});
  CHECK(kind_of_error([&] { static_cast<void>(store.get(tree, "k")); }) == ErrorKind::io);
  CHECK_FALSE(store.get(tree, "k"));
  CHECK(store.reads() == 2);
  CHECK(store.next().next().reads() == 1);
}

TEST_CASE("Faulty: of calls in many threads just the planned number fails") {
  auto store = open<Faulty<MinimalEngine>>();
  const Tree tree = store.open_tree("t");
  for (std::uint64_t at = 1; at <= 100; ++at) store.faults().add({.call = Call::get, .at = 7 * at});
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 250; ++j) {
        try {
          static_cast<void>(store.get(tree, "k"));
        } catch (const Error&) {
          ++failed;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failed == 100);
  CHECK(store.faults().calls(Call::get) == 1000);
}
