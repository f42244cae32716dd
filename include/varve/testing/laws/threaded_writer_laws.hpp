// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/operations.hpp>
#include <varve/testing/any/fixture.hpp>
#include <varve/testing/laws/race.hpp>
#include <varve/testing/laws/support.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

/// What writers get done beside each other: the laws T4 and T5 of docs/concepts/kv_engine.md.
namespace varve::testing::detail {

// Counters

inline void disjoint_writers_lose_nothing(AnyFixture& fixture, std::chrono::milliseconds duration) {
  constexpr std::size_t writers = 4;
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  std::uint64_t counted[writers] = {};
  {
    Race race(duration);
    for (std::size_t writer = 0; writer < writers; ++writer) {
      race.start([&, writer](std::uint64_t round) {
        const std::string key = "counter " + std::to_string(writer);
        const auto before = engine->get(tree, key);
        const std::uint64_t number = before ? std::stoull(std::string(before->view())) : 0;
        WriteBatch batch;
        batch.put(tree, key, std::to_string(number + 1));
        batch.put(tree, std::to_string(writer) + ":" + std::to_string(round), "");
        engine->write(batch, durability_of(round));
        counted[writer] = round;
      });
    }
    race.finish();
  }
  std::size_t records = 0;
  for (auto scan = engine->scan(tree, KeyRange::all()); scan.valid(); scan.next()) ++records;
  std::size_t expected = writers;
  for (std::size_t writer = 0; writer < writers; ++writer) {
    expected += counted[writer];
    expect_value(*engine, tree, "counter " + std::to_string(writer),
                 std::to_string(counted[writer]));
  }
  if (records != expected) {
    fail(std::to_string(records) + " records are there where writers put " +
         std::to_string(expected));
  }
}

// Trees

inline void trees_come_and_go_beside_others(AnyFixture& fixture,
                                            std::chrono::milliseconds duration) {
  const auto engine = fixture.make();
  const Tree kept = engine->open_tree("kept");
  varve::put(*engine, kept, "0", "0");
  std::atomic<std::uint32_t> passing{kept.id()};
  std::set<Tree> given[2];
  std::uint64_t written = 0;
  {
    Race race(duration);
    for (std::size_t opener = 0; opener < 2; ++opener) {
      race.start([&, opener](std::uint64_t round) {
        const std::string name = "passing " + std::to_string(opener);
        const Tree tree = engine->open_tree(name);
        expect(given[opener].insert(tree).second, "the id of a dropped tree was given again");
        expect_contents(*engine, tree, {});
        engine->write(WriteBatch().put(tree, "a", name).put(tree, "b", name), Durability::buffered);
        passing.store(tree.id(), std::memory_order_release);
        auto scan = engine->scan(tree, KeyRange::all());
        expect(engine->find_tree(name) == tree, "find_tree misses a tree that is there");
        if (round % 2 == 0) std::this_thread::yield();
        engine->drop_tree(tree);
        expect(!engine->find_tree(name), "find_tree finds a tree that is dropped");
        expect_rest(scan, {{"a", name}, {"b", name}}, KeyRange::all(), Order::ascending);
      });
    }
    race.start([&](std::uint64_t round) {
      const std::string number = std::to_string(round);
      engine->write(WriteBatch().put(kept, number, number), durability_of(round));
      expect_value(*engine, kept, number, number);
      written = round;
    });
    race.start([&](std::uint64_t) {
      expect_value(*engine, kept, "0", "0");
      expect(engine->find_tree("kept") == kept, "find_tree misses a tree that is there");
      std::size_t listed = 0;
      for (const TreeInfo& info : listed_trees(*engine)) listed += info.tree == kept ? 1 : 0;
      expect(listed == 1, "trees does not list a tree that is there");
    });
    race.start([&](std::uint64_t) {
      const Tree tree = Tree::from_id(passing.load(std::memory_order_acquire));
      if (tree == kept) return;
      try {
        std::size_t entries = 0;
        for (auto scan = engine->scan(tree, KeyRange::all()); scan.valid(); scan.next()) ++entries;
        expect(entries == 2, "a tree that is being dropped is seen in part");
        expect(engine->get(tree, "a").has_value(), "a tree that is being dropped lost a key");
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::invalid_argument) throw;
      }
    });
    race.finish();
  }
  for (const Tree tree : given[0]) {
    expect(!given[1].contains(tree), "an id was given to two trees");
  }
  for (std::uint64_t i = 0; i <= written; ++i) {
    expect_value(*engine, kept, std::to_string(i), std::to_string(i));
  }
  expect(listed_trees(*engine) == std::vector<TreeInfo>{{kept, "kept"}},
         "a dropped tree is listed");
}

}  // namespace varve::testing::detail
