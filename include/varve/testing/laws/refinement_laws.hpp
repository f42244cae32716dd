// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/testing/any/fixture.hpp>
#include <varve/testing/laws/support.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// The laws of the other refinements of `KvEngine`: docs/concepts/refinements.md.
namespace varve::testing::detail {

// Snapshots

inline void snapshot_keeps_its_state(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const Contents before = nasty_contents();
  put_all(*engine, tree, before);
  auto snapshot = engine->snapshot();
  engine->write(WriteBatch()
                    .put(tree, "a", "overwritten")
                    .put(tree, "new", "1")
                    .erase_range(tree, KeyRange::from("b")));
  const Contents between{{"only", "this"}};
  engine->write(WriteBatch().erase_range(tree, KeyRange::all()).put(tree, "only", "this"));
  const auto second = engine->snapshot();
  put(*engine, tree, "later", "1");
  const auto moved = std::move(snapshot);
  for (const Order order : {Order::ascending, Order::descending}) {
    expect_scan(moved, tree, before, KeyRange::all(), order);
    expect_scan(moved, tree, before, KeyRange::prefix("a"), order);
    expect_scan(second, tree, between, KeyRange::all(), order);
  }
  for (const auto& [key, value] : before) expect_value(moved, tree, key, value);
  expect_absent(moved, tree, "new");
  expect_absent(moved, tree, "only");
  expect_value(second, tree, "only", "this");
  expect_absent(second, tree, "later");
}

inline void snapshot_outlives_its_trees(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  put(*engine, tree, "k", "v");
  const auto snapshot = engine->snapshot();
  engine->drop_tree(tree);
  const Tree again = engine->open_tree("t");
  put(*engine, again, "k", "of a later life");
  expect_value(snapshot, tree, "k", "v");
  expect_contents(snapshot, tree, {{"k", "v"}});
  expect_value(*engine, again, "k", "of a later life");
}

inline void snapshot_shows_nothing_of_later_trees(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const auto snapshot = engine->snapshot();
  const Tree tree = engine->open_tree("t");
  put(*engine, tree, "k", "v");
  try {
    expect(!snapshot.get(tree, "k"), "a snapshot shows a tree that was opened after it");
  } catch (const Error& error) {
    expect(error.kind() == ErrorKind::invalid_argument, error.what());
  }
}

inline void snapshot_values_outlive_it(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  put(*engine, tree, "k", "first");
  std::optional snapshot(engine->snapshot());
  put(*engine, tree, "k", "second");
  const auto value = snapshot->get(tree, "k");
  auto scan = snapshot->scan(tree, KeyRange::all());
  snapshot.reset();
  put(*engine, tree, "k", "third");
  expect(value && value->view() == "first", "a pinned value went with its snapshot");
  expect_rest(scan, {{"k", "first"}}, KeyRange::all(), Order::ascending);
}

// Many gets at once

inline void multi_get_answers_as_get(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const Contents contents = nasty_contents();
  put_all(*engine, tree, contents);
  std::vector<std::string> keys{"", "absent", "a", "a", std::string(5000, 'k')};
  for (const auto& [key, value] : contents) {
    keys.push_back(key);
    keys.push_back(key + "?");
  }
  for (std::size_t i = 0; i < keys.size(); ++i)
    std::swap(keys[i], keys[(i * 31 + 7) % keys.size()]);
  const std::vector<BytesView> views(keys.begin(), keys.end());
  for (const std::size_t many : {std::size_t{0}, std::size_t{1}, std::size_t{33}, keys.size()}) {
    std::vector<std::optional<AnyValue>> values(many);
    engine->multi_get(tree, std::span(views).first(many), values);
    for (std::size_t i = 0; i < many; ++i) {
      const auto at = contents.find(keys[i]);
      if (values[i].has_value() != (at != contents.end())) {
        fail("multi_get found or missed " + show_short(keys[i]) + " otherwise than get");
      }
      if (values[i] && values[i]->view() != at->second) {
        fail("multi_get gave " + show_short(keys[i]) + " another value than get");
      }
    }
  }
}

inline void multi_get_values_stay(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  engine->write(WriteBatch().put(tree, "a", "1").put(tree, "b", "2").put(tree, "c", "3"));
  const std::vector<BytesView> keys{"c", "a", "b"};
  std::vector<std::optional<AnyValue>> values(3);
  engine->multi_get(tree, keys, values);
  engine->write(WriteBatch().erase_range(tree, KeyRange::all()));
  values[0].reset();
  const auto moved = std::move(*values[2]);
  values[2].reset();
  expect(values[1]->view() == "1" && moved.view() == "2",
         "a value of multi_get changed after a write");
  engine->multi_get(tree, keys, values);
  expect(!values[0] && !values[1] && !values[2], "multi_get left an old value where there is none");
}

// Estimates

inline void count_tells_much_from_nothing(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const Tree empty = engine->open_tree("u");
  for (int batch = 0; batch < 10; ++batch) {
    WriteBatch records;
    for (int i = 0; i < 1000; ++i) {
      records.put(tree, std::to_string(100'000 + batch * 1000 + i), std::string(50, 'v'));
    }
    engine->write(records, Durability::buffered);
  }
  engine->flush();
  const std::uint64_t all = engine->approximate_count(tree, KeyRange::all());
  const std::uint64_t none = engine->approximate_count(empty, KeyRange::all());
  if (all < 2'000 || all > 50'000) fail("10,000 records are estimated at " + std::to_string(all));
  if (none > 1'000) fail("an empty tree is estimated at " + std::to_string(none));
  static_cast<void>(engine->approximate_count(tree, KeyRange::between("9", "1")));
  static_cast<void>(engine->approximate_count(tree, KeyRange::prefix("10")));
}

// Upkeep

inline void compact_changes_nothing(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  Contents contents = nasty_contents();
  put_all(*engine, tree, contents);
  engine->flush();
  engine->write(WriteBatch().erase(tree, "a").put(tree, "b", "2"));
  contents.erase("a");
  contents["b"] = "2";
  auto scan = engine->scan(tree, KeyRange::all());
  engine->compact(tree, KeyRange::all());
  engine->compact(tree, KeyRange::between("b", "a"));
  engine->compact(tree, KeyRange::prefix("a"));
  expect_contents(*engine, tree, contents);
  expect_rest(scan, contents, KeyRange::all(), Order::ascending);
}

// Batch and drop in one

inline void write_and_drop_is_all_or_nothing(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree kept = engine->open_tree("kept");
  const Tree old = engine->open_tree("old");
  put(*engine, old, "k", "v");
  const Tree unknown(123'456, "never");
  const std::vector<Tree> with_unknown{old, unknown};
  expect_invalid("a drop of a tree that is not there", [&] {
    engine->write_and_drop(WriteBatch().put(kept, "k", "v"), with_unknown, Durability::synced);
  });
  const std::vector<Tree> drops{old};
  expect_invalid("a batch on a tree that is not there", [&] {
    engine->write_and_drop(WriteBatch().put(kept, "k", "v").put(unknown, "k", "v"), drops,
                           Durability::synced);
  });
  expect_contents(*engine, kept, {});
  expect_contents(*engine, old, {{"k", "v"}});
  auto scan = engine->scan(old, KeyRange::all());
  engine->write_and_drop(WriteBatch().put(kept, "k", "v"), drops, Durability::synced);
  expect_contents(*engine, kept, {{"k", "v"}});
  expect(!engine->find_tree("old"), "write_and_drop left the tree");
  expect_invalid("get of a dropped tree", [&] { (void)engine->get(old, "k"); });
  expect_rest(scan, {{"k", "v"}}, KeyRange::all(), Order::ascending);
}

// The tail

inline void tail_gives_every_batch(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const std::uint64_t before = engine->last_sequence();
  std::vector<WriteBatch> written;
  for (int i = 0; i < 20; ++i) {
    WriteBatch batch;
    batch.put(tree, "k" + std::to_string(i), "v").erase(tree, "k");
    engine->write(batch);
    written.push_back(batch);
  }
  const std::uint64_t last = engine->last_sequence();
  expect(last > before, "last_sequence does not grow");
  std::size_t met = 0;
  std::uint64_t previous = before;
  for (auto tail = engine->tail(before + 1); tail.valid(); tail.next()) {
    expect(tail.sequence() > previous, "sequence numbers of the tail do not grow");
    previous = tail.sequence();
    expect(met < written.size(), "the tail has more batches than were written");
    expect(tail.batch() == written[met++], "a batch of the tail is not what was written");
  }
  expect(met == written.size(), "the tail lacks a batch");
  expect(previous == last, "the tail does not end at last_sequence");
}

// Transactions

inline void transaction_reads_its_writes(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  engine->write(WriteBatch().put(tree, "a", "1").put(tree, "b", "2").put(tree, "c", "3"));
  auto transaction = engine->begin_transaction();
  transaction.put(tree, "a", "changed");
  transaction.erase(tree, "b");
  transaction.put(tree, "d", "new");
  expect_contents(transaction, tree, {{"a", "changed"}, {"c", "3"}, {"d", "new"}});
  expect_absent(transaction, tree, "b");
  expect_contents(*engine, tree, {{"a", "1"}, {"b", "2"}, {"c", "3"}});
  expect(transaction.commit(Durability::synced), "a transaction without rivals lost");
  expect_contents(*engine, tree, {{"a", "changed"}, {"c", "3"}, {"d", "new"}});
}

inline void transaction_loses_to_newer_writes(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  put(*engine, tree, "a", "1");
  {
    auto transaction = engine->begin_transaction();
    expect_value(transaction, tree, "a", "1");
    transaction.put(tree, "sum", "1");
    put(*engine, tree, "a", "2");
    expect(!transaction.commit(Durability::synced),
           "a transaction won over a write to what it read");
  }
  expect_contents(*engine, tree, {{"a", "2"}});
  {
    auto transaction = engine->begin_transaction();
    transaction.put(tree, "never", "seen");
  }
  expect_contents(*engine, tree, {{"a", "2"}});
}

}  // namespace varve::testing::detail
