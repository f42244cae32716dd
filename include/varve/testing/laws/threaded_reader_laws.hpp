// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/operations.hpp>
#include <varve/testing/any/fixture.hpp>
#include <varve/testing/laws/race.hpp>
#include <varve/testing/laws/support.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

/// What readers see while others write: the laws T1 to T3 of docs/concepts/kv_engine.md.
namespace varve::testing::detail {

// Batches are whole

constexpr const char* whole_keys[] = {"a", "b", "c", "d", "e"};

/// The one value that all the keys have, to which `so_far` is empty or equal.
inline void expect_whole(std::string& so_far, BytesView value, const char* seen_by) {
  if (so_far.empty()) so_far = value;
  if (so_far != value) {
    fail(std::string(seen_by) + " sees a batch in part: " + show_short(so_far) + " and " +
         show_short(value) + " were never there together");
  }
}

inline void expect_whole_scan(std::string& so_far, AnyScan scan, const char* seen_by) {
  std::size_t entries = 0;
  for (; scan.valid(); scan.next()) {
    expect_whole(so_far, scan.entry().value, seen_by);
    ++entries;
  }
  if (entries != std::size(whole_keys)) {
    fail(std::string(seen_by) + " sees " + std::to_string(entries) +
         " of the 5 keys that each batch puts");
  }
}

inline void batches_are_seen_whole(AnyFixture& fixture, std::chrono::milliseconds duration) {
  const auto engine = fixture.make();
  const Tree trees[] = {engine->open_tree("t"), engine->open_tree("u")};
  const auto write = [&](int writer, std::uint64_t round) {
    WriteBatch batch;
    const std::string value = std::to_string(writer) + ":" + std::to_string(round);
    if (round % 3 == 0) {
      for (const Tree tree : trees) batch.erase_range(tree, KeyRange::all());
    }
    for (const char* const key : whole_keys) {
      for (const Tree tree : trees) batch.put(tree, key, value);
    }
    engine->write(batch, durability_of(round));
  };
  write(0, 0);
  Race race(duration);
  for (int writer = 1; writer <= 2; ++writer) {
    race.start([&, writer](std::uint64_t round) { write(writer, round); });
  }
  race.start([&](std::uint64_t round) {
    const Order order = round % 2 == 0 ? Order::ascending : Order::descending;
    std::string value;
    expect_whole_scan(value, engine->scan(trees[round / 2 % 2], KeyRange::all(), order), "a scan");
  });
  if (fixture.can().multi_gets) {
    race.start([&](std::uint64_t round) {
      const std::vector<BytesView> keys(std::begin(whole_keys), std::end(whole_keys));
      std::vector<std::optional<AnyValue>> values(keys.size());
      engine->multi_get(trees[round % 2], keys, values);
      std::string value;
      for (const auto& pinned : values) {
        expect(pinned.has_value(), "multi_get sees a batch in part: a key that is always there");
        expect_whole(value, pinned->view(), "multi_get");
      }
    });
  }
  if (fixture.can().snapshots) {
    race.start([&](std::uint64_t) {
      const auto snapshot = engine->snapshot();
      std::string value;
      for (const Tree tree : trees) {
        const auto pinned = snapshot.get(tree, "c");
        expect(pinned.has_value(), "a snapshot sees a batch in part: a key that is always there");
        expect_whole(value, pinned->view(), "a snapshot");
      }
      for (const Tree tree : trees) {
        expect_whole_scan(value, snapshot.scan(tree, KeyRange::all()), "a snapshot");
      }
    });
  }
  race.finish();
}

// What was seen stays seen

/// The number under "k", read in one of the ways there are.
inline std::uint64_t read_number(const AnyEngine& engine, const Abilities& can, Tree tree,
                                 std::uint64_t way) {
  if (way % 4 == 1) {
    const auto scan = engine.scan(tree, KeyRange::all());
    expect(scan.valid(), "a scan misses a key that is always there");
    return std::stoull(std::string(scan.entry().value));
  }
  if (can.multi_gets && way % 4 == 2) {
    const std::vector<BytesView> keys{"k"};
    std::vector<std::optional<AnyValue>> values(1);
    engine.multi_get(tree, keys, values);
    expect(values[0].has_value(), "multi_get misses a key that is always there");
    return std::stoull(std::string(values[0]->view()));
  }
  if (can.snapshots && way % 4 == 3) {
    const auto snapshot = engine.snapshot();
    const auto value = snapshot.get(tree, "k");
    expect(value.has_value(), "a snapshot misses a key that is always there");
    return std::stoull(std::string(value->view()));
  }
  const auto value = engine.get(tree, "k");
  expect(value.has_value(), "get misses a key that is always there");
  return std::stoull(std::string(value->view()));
}

inline void what_was_seen_stays_seen(AnyFixture& fixture, std::chrono::milliseconds duration) {
  struct Written {
    Tree tree;
    std::atomic<std::uint64_t> highest{0};
  };
  const auto engine = fixture.make();
  Written all[2];
  all[0].tree = engine->open_tree("t");
  all[1].tree = engine->open_tree("u");
  for (const Written& one : all) put(*engine, one.tree, "k", "0");
  const auto read = [&](Written& one, std::uint64_t way) {
    const std::uint64_t before = one.highest.load(std::memory_order_acquire);
    const std::uint64_t number = read_number(*engine, fixture.can(), one.tree, way);
    if (number < before) {
      fail("a thread read write " + std::to_string(number) + " after write " +
           std::to_string(before) + " was finished or seen");
    }
    raise(one.highest, number);
    return number;
  };
  Race race(duration);
  for (Written& one : all) {
    race.start([&](std::uint64_t round) {
      engine->write(WriteBatch().put(one.tree, "k", std::to_string(round)), durability_of(round));
      raise(one.highest, round);
      if (read(one, round) != round) fail("a thread does not read its own last write");
    });
    race.start([&](std::uint64_t round) { read(one, round); });
  }
  race.start([&](std::uint64_t round) { read(all[round % 2], round / 2); });
  race.finish();
}

// Scans

/// Moves to the end of a scan of accounts among which money is moved, and of one wanderer.
inline void expect_accounts(AnyScan scan, Order order, std::uint64_t money) {
  std::string last;
  std::uint64_t sum = 0;
  std::size_t wanderers = 0;
  for (std::size_t step = 0; scan.valid(); scan.next(), ++step) {
    const std::string key(scan.entry().key);
    if (!last.empty() && (order == Order::ascending ? key <= last : key >= last)) {
      fail("a scan gives " + show_short(key) + " after " + show_short(last));
    }
    last = key;
    if (key.front() == 'a') sum += std::stoull(std::string(scan.entry().value));
    if (key.front() != 'a') ++wanderers;
    if (step % 16 == 0) std::this_thread::yield();
  }
  if (sum != money) {
    fail("a scan sees " + std::to_string(sum) + " where batches move " + std::to_string(money) +
         " to and fro");
  }
  if (wanderers != 1) {
    fail("a scan sees a key " + std::to_string(wanderers) +
         " times that batches erase in one place and put in another");
  }
}

inline void scans_keep_their_state(AnyFixture& fixture, std::chrono::milliseconds duration) {
  constexpr std::size_t accounts = 60;
  constexpr std::uint64_t each = 1000;
  const auto account = [](std::size_t number) { return "a" + std::to_string(100 + number); };
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  std::vector<std::uint64_t> balance(accounts, each);
  WriteBatch first;
  for (std::size_t i = 0; i < accounts; ++i) first.put(tree, account(i), std::to_string(each));
  first.put(tree, "b0", "");
  engine->write(first);
  Race race(duration);
  race.start([&](std::uint64_t round) {
    const std::size_t from = round * 7 % accounts;
    const std::size_t to = (round * 11 + 29) % accounts;
    if (from == to || balance[from] == 0) return;
    --balance[from];
    ++balance[to];
    WriteBatch batch;
    batch.put(tree, account(from), std::to_string(balance[from]));
    batch.put(tree, account(to), std::to_string(balance[to]));
    engine->write(batch, durability_of(round));
  });
  race.start([&](std::uint64_t round) {
    // Before and behind the accounts by turns: a scan that does not stand still meets it twice.
    const auto place = [](std::uint64_t at) {
      return (at % 2 == 0 ? "b" : "\x20") + std::to_string(at % 5 == 0 ? 0 : at % 10);
    };
    WriteBatch batch;
    batch.erase_range(tree, KeyRange::from("b")).erase_range(tree, KeyRange::between("", "a"));
    batch.put(tree, place(round), std::string(round % 7 * 400, 'w'));
    engine->write(batch, durability_of(round));
    if (round % 64 == 0) engine->flush();
  });
  for (const Order order : {Order::ascending, Order::descending}) {
    race.start([&, order](std::uint64_t) {
      expect_accounts(engine->scan(tree, KeyRange::all(), order), order, accounts * each);
    });
  }
  race.finish();
}

}  // namespace varve::testing::detail
