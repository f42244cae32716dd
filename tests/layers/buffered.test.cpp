// SPDX-License-Identifier: Apache-2.0
#include <varve/layers/buffered.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>
#include <varve/testing/faulty.hpp>
#include <varve/testing/full_engine.hpp>
#include <varve/testing/minimal_engine.hpp>
#include <varve/testing/seed.hpp>

#include "catch.hpp"
#include "child.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace varve;
using testing::FullEngine;
using testing::MinimalEngine;

static_assert(assert_layer<Buffered<MinimalEngine>>() && assert_layer<Buffered<FullEngine>>());
static_assert(SnapshotEngine<Buffered<FullEngine>> && MultiGetEngine<Buffered<FullEngine>> &&
              CountEngine<Buffered<FullEngine>> && CheckpointEngine<Buffered<FullEngine>> &&
              CompactEngine<Buffered<FullEngine>> && TransactionalDropEngine<Buffered<FullEngine>>);
static_assert(!TransactionalEngine<Buffered<FullEngine>> && !TailEngine<Buffered<FullEngine>> &&
              !BulkLoadEngine<Buffered<FullEngine>> && !SnapshotEngine<Buffered<MinimalEngine>>);
static_assert(!std::move_constructible<Buffered<MinimalEngine>>);

namespace {

using Hook = std::function<void()>;

/// What is called before the layer below does a thing. Set while nobody uses the stack.
struct HookOptions {
  std::shared_ptr<Hook> write = std::make_shared<Hook>();
  std::shared_ptr<Hook> read = std::make_shared<Hook>();
  std::shared_ptr<std::vector<std::pair<WriteBatch, Durability>>> written =
      std::make_shared<std::vector<std::pair<WriteBatch, Durability>>>();

  template <class Visit>
  void visit_fields(Visit&& /*visit*/) const {}
};

template <KvEngine Next>
class Hooked : public Layer<Next, Forwards<Group::bulk, Group::transactions, Group::trees,
                                           Group::maintenance, Group::checkpoints, Group::tail>> {
 public:
  using Options = HookOptions;
  static constexpr BytesView name = "hooked";

  template <class Context>
  explicit Hooked(Context& context)
      : Hooked::Layer(context), options_(context.template options<HookOptions>()) {}

  auto get(Tree tree, BytesView key) const { return this->next().get(tree, key); }
  bool contains(Tree tree, BytesView key) const { return this->next().contains(tree, key); }
  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<pinned_t<Next>>> values) const
    requires MultiGetEngine<Next>
  {
    call(*options_.read);
    this->next().multi_get(tree, keys, values);
  }
  auto scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    call(*options_.read);
    return this->next().scan(tree, range, order);
  }
  std::uint64_t approximate_count(Tree tree, KeyRange range) const
    requires CountEngine<Next>
  {
    return this->next().approximate_count(tree, range);
  }
  auto snapshot() const
    requires SnapshotEngine<Next>
  {
    call(*options_.read);
    return this->next().snapshot();
  }
  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    call(*options_.write);
    options_.written->emplace_back(batch, durability);
    this->next().write(batch, durability);
  }
  void write_and_drop(const WriteBatch& batch, std::span<const Tree> dropped, Durability durability)
    requires TransactionalDropEngine<Next>
  {
    this->next().write_and_drop(batch, dropped, durability);
  }

 private:
  static void call(const Hook& hook) {
    if (hook) hook();
  }

  HookOptions options_;
};

/// Holds the writes below until it is opened.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait_for_arrival() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ != 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;
  bool open_ = false;
};

const BufferedOptions by_hand{.capacity_bytes = 1U << 30U, .max_age_ms = 1U << 30U};

using Map = std::map<std::string, std::string>;

template <class R>
Map contents(const R& reader, Tree tree, KeyRange range = KeyRange::all(),
             Order order = Order::ascending) {
  Map met;
  std::string previous;
  for (auto scan = reader.scan(tree, range, order); scan.valid(); scan.next()) {
    const std::string key(scan.entry().key);
    if (!met.empty()) {
      REQUIRE((order == Order::ascending ? previous < key : key < previous));
    }
    met[key] = scan.entry().value;
    previous = key;
  }
  return met;
}

template <class E>
void put_later(E& engine, Tree tree, BytesView key, BytesView value) {
  put(engine, tree, key, value, Durability::buffered);
}

}  // namespace

TEST_CASE("Buffered: what is merged is what a map holds, in both orders, at every depth") {
  const std::uint64_t seed = testing::seed_of_environment();
  INFO("VARVE_SEED=" << seed);
  std::mt19937_64 random(seed);
  auto stack = open<Buffered<FullEngine>>(by_hand);
  const Tree trees[] = {stack.open_tree("a"), stack.open_tree("b"), stack.open_tree("varve.c")};
  Map models[3];
  const auto key = [&] {
    std::string bytes;
    for (auto n = 1 + random() % 3; n != 0; --n)
      bytes +=
          "\x01"
          "az\xff"[random() % 4];
    return bytes;
  };
  std::optional<decltype(stack.snapshot())> snapshot;
  Map snapshot_model;
  for (int round = 0; round != 4000; ++round) {
    WriteBatch batch;
    for (auto ops = random() % 6; ops != 0; --ops) {
      const auto in = random() % 3;
      const std::string first = key();
      const std::string last = key();
      switch (random() % 8) {
        case 0:
          batch.erase_range(trees[in], KeyRange::between(first, last));
          if (first < last)
            models[in].erase(models[in].lower_bound(first), models[in].lower_bound(last));
          break;
        case 1:
          if (random() % 4 != 0) break;
          batch.erase_range(trees[in], KeyRange::from(first));
          models[in].erase(models[in].lower_bound(first), models[in].end());
          break;
        case 2:
          batch.erase(trees[in], first);
          models[in].erase(first);
          break;
        default:
          batch.put(trees[in], first, std::to_string(round));
          models[in][first] = std::to_string(round);
      }
    }
    stack.write(batch, Durability::buffered);
    if (random() % 40 == 0) stack.flush();
    if (random() % 60 == 0) {
      snapshot.emplace(stack.snapshot());
      snapshot_model = models[1];
    }
    const auto in = random() % 3;
    const std::string a = key();
    const std::string b = key();
    REQUIRE(get_copy(stack, trees[in], a).has_value() == models[in].contains(a));
    REQUIRE(stack.contains(trees[in], a) == models[in].contains(a));
    if (models[in].contains(a)) REQUIRE(get_copy(stack, trees[in], a) == models[in][a]);
    const Order order = random() % 2 == 0 ? Order::ascending : Order::descending;
    REQUIRE(contents(stack, trees[in], KeyRange::all(), order) == models[in]);
    Map part;
    if (a < b) part = Map(models[in].lower_bound(a), models[in].lower_bound(b));
    REQUIRE(contents(stack, trees[in], KeyRange::between(a, b), order) == part);
    if (snapshot && random() % 8 == 0) {
      REQUIRE(contents(*snapshot, trees[1], KeyRange::all(), order) == snapshot_model);
      REQUIRE(snapshot->contains(trees[1], a) == snapshot_model.contains(a));
    }
  }
  stack.flush();
  for (int in = 0; in != 3; ++in) CHECK(contents(stack.next(), trees[in]) == models[in]);
}

TEST_CASE("Buffered: a table goes down as one synced batch with each key once, in order") {
  HookOptions hooks;
  auto stack = open<Buffered<Hooked<MinimalEngine>>>(by_hand, hooks);
  const Tree tree = stack.open_tree("t");
  const Tree own = stack.open_tree("varve.applied");
  put_later(stack, tree, "gone", "1");
  for (int i = 0; i != 100; ++i) {
    WriteBatch batch;
    batch.put(tree, i % 2 == 0 ? "b" : "a", std::to_string(i)).put(own, "sequence", "x");
    if (i == 50) batch.erase_range(tree, KeyRange::from("g"));
    stack.write(batch, Durability::buffered);
  }
  CHECK(hooks.written->empty());
  stack.flush();
  REQUIRE(hooks.written->size() == 1);
  CHECK(hooks.written->front().second == Durability::synced);
  WriteBatch expected;
  expected.erase_range(tree, KeyRange::from("g"));
  expected.put(tree, "a", "99").put(tree, "b", "98").put(own, "sequence", "x");
  CHECK(hooks.written->front().first == expected);
  stack.flush();
  CHECK(hooks.written->size() == 1);
}

TEST_CASE("Buffered: what goes down in one batch stays within the limit of the layer below") {
  HookOptions hooks;
  auto stack = open<Buffered<Hooked<MinimalEngine>>>(
      by_hand, hooks, testing::MinimalOptions{.max_batch_bytes = 200});
  const Tree tree = stack.open_tree("t");
  for (int i = 0; i != 50; ++i) put_later(stack, tree, std::to_string(100 + i), "value");
  stack.flush();
  CHECK(hooks.written->size() > 2);
  for (const auto& [batch, durability] : *hooks.written) CHECK(batch.bytes().size() <= 200);
  CHECK(count(stack.next(), tree) == 50);
  WriteBatch large;
  for (int i = 0; i != 50; ++i) large.put(tree, std::to_string(i), "value");
  CHECK_THROWS_AS(stack.write(large, Durability::buffered), Error);
  CHECK(count(stack, tree) == 50);
}

TEST_CASE("Buffered: reads are exact while a table is on its way down") {
  auto gate = std::make_shared<Gate>();
  HookOptions hooks;
  auto stack = open<Buffered<Hooked<FullEngine>>>(by_hand, hooks);
  const Tree tree = stack.open_tree("t");
  put(stack, tree, "a", "below");
  put(stack, tree, "b", "below");
  put_later(stack, tree, "b", "in the table");
  stack.write(WriteBatch().erase(tree, "a").put(tree, "c", "1"), Durability::buffered);
  *hooks.write = [gate] { gate->pass(); };
  std::thread flusher([&] { stack.flush(); });
  gate->wait_for_arrival();
  put_later(stack, tree, "c", "2");
  const Map now{{"b", "in the table"}, {"c", "2"}};
  CHECK(contents(stack, tree) == now);
  CHECK(contents(stack, tree, KeyRange::all(), Order::descending) == now);
  CHECK_FALSE(stack.contains(tree, "a"));
  CHECK(get_copy(stack, tree, "c") == "2");
  const auto snapshot = stack.snapshot();
  auto scan = stack.scan(tree, KeyRange::all());
  const auto value = stack.get(tree, "c");
  const std::vector<BytesView> keys{"c", "a", "b"};
  std::vector<std::optional<pinned_t<decltype(stack)>>> values(3);
  stack.multi_get(tree, keys, values);
  CHECK((values[0]->view() == "2" && !values[1] && values[2]->view() == "in the table"));
  put_later(stack, tree, "d", "later");
  gate->open();
  flusher.join();
  stack.flush();
  stack.write(WriteBatch().erase_range(tree, KeyRange::all()));
  CHECK(contents(snapshot, tree) == now);
  CHECK(scan.entry() == Entry{"b", "in the table"});
  scan.next();
  CHECK(scan.entry() == Entry{"c", "2"});
  scan.next();
  CHECK_FALSE(scan.valid());
  CHECK(value->view() == "2");
  CHECK(contents(stack, tree).empty());
}

TEST_CASE("Buffered: a state is taken anew where a later table came below meanwhile") {
  HookOptions hooks;
  auto stack = open<Buffered<Hooked<FullEngine>>>(by_hand, hooks);
  const Tree tree = stack.open_tree("t");
  const int meanwhile = GENERATE(1, 3, 20);
  int left = 0;
  int round = 0;
  *hooks.read = [&] {
    if (left == 0) return;
    --left;
    // After the eighth attempt nothing can come down any more, this thread's flush least of all.
    if (round++ < 8) {
      stack.write(
          WriteBatch().put(tree, "a", std::to_string(round)).put(tree, "b", std::to_string(round)),
          Durability::buffered);
      stack.flush();
      put_later(stack, tree, "still above", "x");
    }
  };
  const auto start = [&] {
    round = 0;
    stack.write(WriteBatch().put(tree, "a", "0").put(tree, "b", "0"), Durability::buffered);
    stack.flush();
    put_later(stack, tree, "a", "first");
    left = meanwhile;
  };
  const auto together = [](const Map& map) {
    return map.at("a") == "first" ? map.at("b") == "0" : map.at("a") == map.at("b");
  };
  start();
  auto scan = stack.scan(tree, KeyRange::all());
  left = 0;
  Map met;
  for (; scan.valid(); scan.next()) met[std::string(scan.entry().key)] = scan.entry().value;
  CHECK(together(met));
  start();
  const auto snapshot = stack.snapshot();
  left = 0;
  CHECK(together(contents(snapshot, tree)));
  start();
  const std::vector<BytesView> keys{"a", "b"};
  std::vector<std::optional<pinned_t<decltype(stack)>>> values(2);
  stack.multi_get(tree, keys, values);
  left = 0;
  CHECK(together({{"a", std::string(values[0]->view())}, {"b", std::string(values[1]->view())}}));
}

TEST_CASE("Buffered: writers wait while the layer below is slower, and memory stays bounded") {
  auto gate = std::make_shared<Gate>();
  HookOptions hooks;
  *hooks.write = [gate] { gate->pass(); };
  auto stack = open<Buffered<Hooked<MinimalEngine>>>(
      BufferedOptions{.capacity_bytes = 64U << 10U, .max_age_ms = 1U << 30U, .waiting_tables = 2},
      hooks);
  const Tree tree = stack.open_tree("t");
  const std::string value(1000, 'v');
  std::atomic<int> written{0};
  std::thread writer([&] {
    for (int i = 0; i != 1000; ++i) {
      put_later(stack, tree, std::to_string(10'000 + i), value);
      ++written;
    }
  });
  gate->wait_for_arrival();
  int before = -1;
  while (written != before) {
    before = written;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  CHECK(written > 2 * 64);
  CHECK(written < 4 * 66);
  CHECK(stack.memory_bytes() > 2 * (64U << 10U));
  CHECK(stack.memory_bytes() < 6 * (64U << 10U));
  CHECK(count(stack, tree) == static_cast<std::uint64_t>(before));
  gate->open();
  writer.join();
  stack.flush();
  CHECK(count(stack.next(), tree) == 1000);
  CHECK(stack.memory_bytes() < (32U << 10U));
}

TEST_CASE("Buffered: hands down by age and by size, without being asked") {
  HookOptions hooks;
  const bool by_age = GENERATE(true, false);
  auto stack = open<Buffered<Hooked<MinimalEngine>>>(
      BufferedOptions{.capacity_bytes = by_age ? 1U << 30U : 10U,
                      .max_age_ms = by_age ? 20U : 1U << 30U},
      hooks);
  const Tree tree = stack.open_tree("t");
  put_later(stack, tree, "key", "long enough");
  for (int i = 0; i != 500 && !stack.next().contains(tree, "key"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(stack.next().contains(tree, "key"));
}

TEST_CASE("Buffered: a synced write is below when it returns, and several go down as one") {
  auto gate = std::make_shared<Gate>();
  HookOptions hooks;
  auto stack = open<Buffered<Hooked<MinimalEngine>>>(by_hand, hooks);
  const Tree tree = stack.open_tree("t");
  put_later(stack, tree, "before", "1");
  put(stack, tree, "synced", "1");
  CHECK(count(stack.next(), tree) == 2);
  hooks.written->clear();
  *hooks.write = [gate] { gate->pass(); };
  std::vector<std::thread> writers;
  writers.emplace_back([&] { put(stack, tree, "k0", "v"); });
  gate->wait_for_arrival();
  for (int i = 1; i != 9; ++i) {
    writers.emplace_back([&, i] { put(stack, tree, "k" + std::to_string(i), "v"); });
  }
  while (count(stack, tree) != 2 + 9) std::this_thread::yield();
  gate->open();
  for (auto& writer : writers) writer.join();
  CHECK(hooks.written->size() == 2);
  CHECK(count(stack.next(), tree) == 2 + 9);
}

TEST_CASE("Buffered: where handing down fails, reads stay exact and writes are refused") {
  const testing::Effect effect = GENERATE(testing::Effect::fails, testing::Effect::fails_after);
  testing::FaultyOptions faulty;
  auto stack = open<Buffered<testing::Faulty<FullEngine>>>(by_hand, faulty);
  const Tree tree = stack.open_tree("t");
  put(stack, tree, "a", "1");
  put_later(stack, tree, "a", "2");
  stack.write(WriteBatch().put(tree, "b", "2").erase_range(tree, KeyRange::from("x")),
              Durability::buffered);
  faulty.plan->add({.call = testing::Call::write, .effect = effect});
  const auto kind_of = [](auto act) {
    try {
      act();
    } catch (const Error& error) {
      return std::optional(error.kind());
    }
    return std::optional<ErrorKind>();
  };
  const bool by_flush = GENERATE(true, false);
  if (by_flush) {
    CHECK(kind_of([&] { stack.flush(); }) == ErrorKind::io);
  } else {
    CHECK(kind_of([&] { put(stack, tree, "c", "3"); }) == ErrorKind::indeterminate);
  }
  Map now{{"a", "2"}, {"b", "2"}};
  if (!by_flush) now["c"] = "3";
  const std::uint64_t tried = faulty.plan->calls(testing::Call::write);
  CHECK(kind_of([&] { put(stack, tree, "d", "4"); }) == ErrorKind::poisoned);
  CHECK(kind_of([&] { put_later(stack, tree, "d", "4"); }) == ErrorKind::poisoned);
  CHECK(kind_of([&] { stack.flush(); }) == ErrorKind::poisoned);
  CHECK(kind_of([&] { stack.drop_tree(tree); }) == ErrorKind::poisoned);
  CHECK(faulty.plan->calls(testing::Call::write) == tried);
  CHECK(contents(stack, tree) == now);
  CHECK(contents(stack.snapshot(), tree, KeyRange::all(), Order::descending) == now);
  CHECK(get_copy(stack, tree, "a") == "2");
}

TEST_CASE("Buffered: writers that wait for room are told when it never comes") {
  testing::FaultyOptions faulty;
  faulty.plan->add({.call = testing::Call::write, .for_ever = true});
  auto stack = open<Buffered<testing::Faulty<MinimalEngine>>>(
      BufferedOptions{.capacity_bytes = 100, .max_age_ms = 1U << 30U, .waiting_tables = 1}, faulty);
  const Tree tree = stack.open_tree("t");
  int taken = 0;
  try {
    for (; taken != 10'000; ++taken) put_later(stack, tree, std::to_string(taken), "value");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::poisoned);
  }
  CHECK(taken < 10'000);
  CHECK(count(stack, tree) == static_cast<std::uint64_t>(taken));
}

TEST_CASE("Buffered: a tree that is dropped takes what was buffered for it along") {
  auto stack = open<Buffered<FullEngine>>(by_hand);
  const Tree old = stack.open_tree("t");
  const Tree other = stack.open_tree("u");
  put_later(stack, old, "k", "old");
  put_later(stack, other, "k", "other");
  auto scan = stack.scan(old, KeyRange::all());
  const auto snapshot = stack.snapshot();
  const bool with_batch = GENERATE(true, false);
  if (with_batch) {
    const std::vector<Tree> dropped{old};
    stack.write_and_drop(WriteBatch().put(other, "l", "new"), dropped, Durability::buffered);
    CHECK(get_copy(stack, other, "l") == "new");
  } else {
    stack.drop_tree(old);
  }
  CHECK_THROWS_AS(put_later(stack, old, "k", "again"), Error);
  CHECK_THROWS_AS((void)stack.get(old, "k"), Error);
  const Tree again = stack.open_tree("t");
  CHECK(again != old);
  CHECK(contents(stack, again).empty());
  put_later(stack, again, "k", "again");
  CHECK(contents(stack, again) == Map{{"k", "again"}});
  CHECK(get_copy(stack, other, "k") == "other");
  CHECK(contents(snapshot, old) == Map{{"k", "old"}});
  CHECK(scan.entry() == Entry{"k", "old"});
}

TEST_CASE("Buffered: a batch with an unknown tree is refused whole") {
  auto stack = open<Buffered<MinimalEngine>>(by_hand);
  const Tree tree = stack.open_tree("t");
  CHECK_THROWS_AS(stack.write(WriteBatch().put(tree, "k", "v").put(Tree(77, "none"), "k", "v"),
                              Durability::buffered),
                  Error);
  CHECK(contents(stack, tree).empty());
}

TEST_CASE("Buffered: what was buffered is handed down when the layer is closed") {
  HookOptions hooks;
  {
    auto stack = open<Buffered<Hooked<MinimalEngine>>>(by_hand, hooks);
    put_later(stack, stack.open_tree("t"), "k", "v");
    CHECK(hooks.written->empty());
  }
  CHECK(hooks.written->size() == 1);
}

TEST_CASE("Buffered: a child of fork is refused at once, whatever its parent does, and may end") {
  using Stack = Buffered<Hooked<FullEngine>>;
  const HookOptions hooks;
  const std::unique_ptr<Stack> made(new Stack(open<Stack>(hooks, by_hand)));
  Stack* const store = made.get();
  const Tree tree = store->open_tree("tree");
  put(*store, tree, "a", "1", Durability::buffered);
  Gate gate;
  *hooks.write = [&] { gate.pass(); };
  std::thread flusher([&] { store->flush(); });
  gate.wait_for_arrival();
  const pid_t child = varve_test::start_child([&] {
    ::alarm(20);
    const auto is_refused = [](auto call) {
      try {
        call();
      } catch (const Error& error) {
        return error.kind() == ErrorKind::invalid_argument &&
               std::string(error.what()).find("another process (fork)") != std::string::npos;
      }
      return false;
    };
    bool good = is_refused([&] { store->flush(); });
    good = is_refused([&] { put(*store, tree, "b", "2"); }) && good;
    good = is_refused([&] { store->drop_tree(tree); }) && good;
    good = is_refused([&] { store->write_and_drop({}, {}, Durability::synced); }) && good;
    good = is_refused([&] { store->compact(tree, KeyRange::all()); }) && good;
    good = get_copy(*store, tree, "a") == "1" && good;
    store->~Stack();
    return good;
  });
  gate.open();
  flusher.join();
  CHECK(varve_test::wait_for(child) == 0);
  *hooks.write = nullptr;
  put(*store, tree, "c", "3");
  CHECK(contents(*store, tree) == Map{{"a", "1"}, {"c", "3"}});
}

TEST_CASE("Buffered: many threads read one state while tables come and go") {
  auto stack = open<Buffered<FullEngine>>(BufferedOptions{.capacity_bytes = 400, .max_age_ms = 1});
  const Tree tree = stack.open_tree("t");
  std::atomic<bool> stop{false};
  std::atomic<int> torn{0};
  std::vector<std::thread> readers;
  const auto write_round = [&](int round) {
    WriteBatch batch;
    for (int i = 0; i != 5; ++i) batch.put(tree, "k" + std::to_string(i), std::to_string(round));
    if (round % 7 == 0) batch.erase_range(tree, KeyRange::from("k"));
    stack.write(batch, Durability::buffered);
  };
  for (int r = 0; r != 3; ++r) {
    readers.emplace_back([&, r] {
      while (!stop) {
        const auto order = r == 1 ? Order::descending : Order::ascending;
        std::vector<std::string> values;
        if (r == 2) {
          const auto snapshot = stack.snapshot();
          for (auto scan = snapshot.scan(tree, KeyRange::all()); scan.valid(); scan.next())
            values.emplace_back(scan.entry().value);
        } else {
          for (auto scan = stack.scan(tree, KeyRange::all(), order); scan.valid(); scan.next())
            values.emplace_back(scan.entry().value);
        }
        const bool whole =
            values.empty() || (values.size() == 5 && values.front() == values.back());
        if (!whole) ++torn;
      }
    });
  }
  for (int round = 1; round != 4000; ++round) write_round(round);
  stop = true;
  for (auto& reader : readers) reader.join();
  CHECK(torn == 0);
}

TEST_CASE("Buffered: an old record is found however many newer ones come up beside it") {
  detail::MemoryTable table(std::make_shared<detail::BufferArena::Counter>(0));
  const Tree tree(1, "t");
  table.add(WriteBatch().put(tree, "m", "old"), 1);
  std::atomic<bool> stop{false};
  std::atomic<int> missed{0};
  std::thread reader([&] {
    while (!stop) {
      const auto* record = table.find(tree, "m", 1);
      if (record == nullptr || record->value() != "old") ++missed;
    }
  });
  for (std::uint64_t sequence = 2; sequence != 300'000; sequence += 2) {
    const std::string key = "l" + std::to_string(sequence);
    table.add(WriteBatch().put(tree, "m", "new").put(tree, key, ""), sequence);
  }
  stop = true;
  reader.join();
  CHECK(missed == 0);
}
