// SPDX-License-Identifier: Apache-2.0
#include <varve/layers/counted.hpp>
#include <varve/layers/metered.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>
#include <varve/testing/minimal_engine.hpp>

#include "catch.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace varve;
using Stack = Metered<testing::MinimalEngine>;

static_assert(assert_layer<Stack>());
static_assert(!SnapshotEngine<Stack> && !MultiGetEngine<Stack> && !CompactEngine<Stack>);

namespace {

OperationMetrics of(const Stack& stack, Operation operation, const std::string& tree) {
  for (const OperationMetrics& one : stack.metrics()) {
    if (one.operation == operation && one.tree == tree) return one;
  }
  return {};
}

}  // namespace

TEST_CASE("Metered: counts calls, records, bytes and errors of each operation and tree") {
  auto stack = open<Stack>(MeteredOptions{.sample_every = 1});
  const Tree a = stack.open_tree("a");
  const Tree b = stack.open_tree("b");
  WriteBatch batch;
  batch.put(a, "k1", "value").put(b, "k2", "v").erase(a, "k3").erase_range(b, KeyRange::from("x"));
  stack.write(batch);
  (void)stack.get(a, "k1");
  (void)stack.get(a, "absent");
  (void)stack.contains(b, "k2");
  CHECK_THROWS((void)stack.get(Tree(77, "gone"), "k"));

  CHECK(of(stack, Operation::get, "a").calls == 2);
  CHECK(of(stack, Operation::get, "a").items == 1);
  CHECK(of(stack, Operation::get, "a").bytes == 5);
  CHECK(of(stack, Operation::get, "a").latency.count() == 2);
  CHECK(of(stack, Operation::contains, "b").items == 1);
  CHECK(of(stack, Operation::get, "#77").errors == 1);
  CHECK(of(stack, Operation::put, "a").bytes == 7);
  CHECK(of(stack, Operation::put, "b").calls == 1);
  CHECK(of(stack, Operation::erase, "a").calls == 1);
  CHECK(of(stack, Operation::erase_range, "b").calls == 1);
  const OperationMetrics write = of(stack, Operation::write, "");
  CHECK(write.calls == 1);
  CHECK(write.items == 4);
  CHECK(write.bytes == batch.bytes().size());
  CHECK(write.latency.count() == 1);
}

TEST_CASE("Metered: a refused write is an error and counts no records") {
  auto stack = open<Stack>();
  WriteBatch batch;
  batch.put(stack.open_tree("a"), "k", "v").put(Tree(77, "gone"), "k", "v");
  CHECK_THROWS(stack.write(batch));
  CHECK(of(stack, Operation::write, "").errors == 1);
  CHECK(of(stack, Operation::write, "").items == 0);
  CHECK(of(stack, Operation::put, "a").calls == 0);
}

TEST_CASE("Metered: a scan counts the entries that it passes, once, however it is moved") {
  auto stack = open<Stack>();
  const Tree tree = stack.open_tree("t");
  for (char c = 'a'; c <= 'j'; ++c) put(stack, tree, std::string(1, c), "12345");
  {
    auto scan = stack.scan(tree, KeyRange::all());
    scan.next();
    auto moved = std::move(scan);
    moved.next();
    auto other = stack.scan(tree, KeyRange::from("i"));
    for (const Entry entry : other) CHECK(entry.value == "12345");
    other = std::move(moved);
    other.next();
  }
  const OperationMetrics scans = of(stack, Operation::scan, "t");
  CHECK(scans.calls == 2);
  CHECK(scans.items == 5);
  CHECK(scans.bytes == 30);
  CHECK(scans.latency.count() == 2);
}

TEST_CASE("Metered: reserved trees are left out") {
  auto stack = open<Stack>();
  const Tree tree = stack.open_tree("varve.mine");
  put(stack, tree, "k", "v");
  CHECK(get_copy(stack, tree, "k") == "v");
  CHECK(stack.contains(tree, "k"));
  CHECK(count(stack, tree) == 1);
  for (const OperationMetrics& one : stack.metrics()) CHECK(one.operation == Operation::write);
}

TEST_CASE("Metered: counts are exact over threads that come and go, read while they run") {
  auto stack = open<Stack>();
  const Tree tree = stack.open_tree("t");
  put(stack, tree, "k", "v");
  std::atomic<bool> stop{false};
  bool went_back = false;
  std::thread reader([&] {
    std::uint64_t last = 0;
    while (!stop) {
      const std::uint64_t now = of(stack, Operation::get, "t").calls;
      went_back = went_back || now < last;
      last = now;
    }
  });
  for (int round = 0; round < 5; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 1000; ++n) (void)stack.get(tree, "k");
      });
    }
    for (auto& thread : threads) thread.join();
  }
  stop = true;
  reader.join();
  CHECK_FALSE(went_back);
  CHECK(of(stack, Operation::get, "t").calls == 20'000);
}

TEST_CASE("Metered: many meters in one thread do not mix their counts") {
  std::vector<Stack> stacks;
  for (int i = 0; i < 9; ++i) stacks.push_back(open<Stack>());
  for (int round = 0; round < 10; ++round) {
    for (std::size_t i = 0; i < stacks.size(); ++i) {
      const Tree tree = stacks[i].open_tree("t");
      for (std::size_t n = 0; n <= i; ++n) (void)stacks[i].get(tree, "k");
    }
  }
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    CHECK(of(stacks[i], Operation::get, "t").calls == 10 * (i + 1));
  }
}

TEST_CASE("Metered: of the reads it times the share that it is told to") {
  auto stack = open<Stack>(MeteredOptions{.sample_every = 10});
  const Tree tree = stack.open_tree("t");
  for (int n = 0; n < 20'000; ++n) (void)stack.get(tree, "k");
  const std::uint64_t timed = of(stack, Operation::get, "t").latency.count();
  CHECK(timed > 1700);
  CHECK(timed < 2300);
}

TEST_CASE("Metered: times are nanoseconds") {
  struct Slow : testing::MinimalEngine {
    void flush() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }
  };
  auto stack = open<Metered<Slow>>();
  stack.flush();
  for (const OperationMetrics& one : stack.metrics()) {
    CHECK(one.operation == Operation::flush);
    CHECK(one.latency.quantile(0.5) > 17e6);
    CHECK(one.latency.quantile(0.5) < 200e6);
  }
}
