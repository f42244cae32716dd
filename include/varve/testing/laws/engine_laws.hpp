// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/any/fixture.hpp>
#include <varve/testing/laws/support.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// The laws of `KvEngine`, but for those of its trees: docs/concepts/kv_engine.md.
namespace varve::testing::detail {

// Writes

inline void batch_is_applied_in_order(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const Tree other = engine->open_tree("u");
  engine->write(WriteBatch().put(tree, "k", "0").put(tree, "l", "0").put(other, "k", "0"));
  WriteBatch batch;
  batch.put(tree, "k", "1").erase(tree, "k").put(tree, "k", "2");
  batch.put(tree, "gone", "1").erase(tree, "gone");
  batch.erase_range(tree, KeyRange::from("l")).put(tree, "m", "after the range");
  batch.put(other, "z", "before the range").erase_range(other, KeyRange::all());
  batch.put(other, "a", "1").put(other, "a", "2");
  engine->write(batch);
  expect_contents(*engine, tree, {{"k", "2"}, {"m", "after the range"}});
  expect_contents(*engine, other, {{"a", "2"}});
  for (const auto& [key, value] : Contents{{"k", "2"}, {"m", "after the range"}}) {
    expect_value(*engine, tree, key, value);
  }
  expect_absent(*engine, tree, "gone");
  expect_absent(*engine, tree, "l");
  expect_absent(*engine, other, "z");
}

inline void batch_is_all_or_nothing(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const Tree gone = engine->open_tree("gone");
  put(*engine, tree, "kept", "1");
  engine->drop_tree(gone);
  for (const Tree unknown : {gone, Tree(123'456, "never"), Tree(Tree::max_number, "varve.never")}) {
    for (const bool first : {true, false}) {
      WriteBatch batch;
      if (first) batch.put(unknown, "k", "v");
      batch.put(tree, "new", "1").erase(tree, "kept").erase_range(tree, KeyRange::all());
      if (!first) batch.erase(unknown, "k");
      expect_invalid("a batch on a tree that is not there", [&] { engine->write(batch); });
      expect_contents(*engine, tree, {{"kept", "1"}});
    }
  }
}

inline void empty_batch_changes_nothing(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  put(*engine, tree, "k", "v");
  engine->write(WriteBatch());
  engine->write(WriteBatch(), Durability::buffered);
  expect_contents(*engine, tree, {{"k", "v"}});
}

inline void erase_range_erases_its_range(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Contents contents = nasty_contents();
  const std::vector<std::string> bounds{"",     "a",    "a\xff",    "b",
                                        "\x80", "\xff", "\xff\xff", "nowhere"};
  int number = 0;
  for (const std::string& a : bounds) {
    for (const KeyRange range : {KeyRange::from(a), KeyRange::prefix(a), KeyRange::between("a", a),
                                 KeyRange::between(a, "\xfe")}) {
      const Tree tree = engine->open_tree("t" + std::to_string(number++));
      put_all(*engine, tree, contents);
      engine->write(WriteBatch().erase_range(tree, range));
      Contents left = contents;
      std::erase_if(left, [&](const auto& entry) { return range.contains(entry.first); });
      expect_contents(*engine, tree, left);
      for (const auto& [key, value] : contents) {
        if (left.contains(key)) {
          expect_value(*engine, tree, key, value);
        } else {
          expect_absent(*engine, tree, key);
        }
      }
      put_all(*engine, tree, contents);
      expect_contents(*engine, tree, contents);
    }
  }
}

inline void limits_are_kept(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const Limits limits = engine->limits();
  expect(limits.max_key_bytes > 0 && limits.max_value_bytes > 0 && limits.max_batch_bytes > 0,
         "a limit is zero");
  const auto refused = [&](const char* limit, const WriteBatch& batch) {
    const std::string text = expect_invalid("a breach of a limit", [&] { engine->write(batch); });
    if (text.find(limit) == std::string::npos) {
      fail("the refusal does not name " + std::string(limit) + ": " + text);
    }
    expect_contents(*engine, tree, {});
  };
  constexpr std::uint64_t testable = 1U << 26U;
  if (limits.max_key_bytes < testable) {
    const std::string longest(limits.max_key_bytes, 'k');
    refused("max_key_bytes", WriteBatch().put(tree, "good", "1").put(tree, longest + "k", "v"));
    put(*engine, tree, longest, "v");
    expect_value(*engine, tree, longest, "v");
    expect_contents(*engine, tree, {{longest, "v"}});
    engine->write(WriteBatch().erase(tree, longest));
    expect_contents(*engine, tree, {});
  }
  if (limits.max_value_bytes < testable) {
    const std::string longest(limits.max_value_bytes, 'v');
    refused("max_value_bytes", WriteBatch().put(tree, "good", "1").put(tree, "k", longest + "v"));
    if (limits.max_batch_bytes >= longest.size() + 100) {
      put(*engine, tree, "k", longest);
      expect_value(*engine, tree, "k", longest);
      engine->write(WriteBatch().erase(tree, "k"));
    }
  }
  if (limits.max_batch_bytes < testable) {
    const std::string value(std::min<std::uint64_t>(limits.max_value_bytes, 1U << 20U), 'v');
    WriteBatch large;
    for (int i = 0; large.bytes().size() <= limits.max_batch_bytes; ++i) {
      large.put(tree, "k" + std::to_string(i), value);
    }
    refused("max_batch_bytes", large);
  }
}

inline void many_records_are_kept(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  Contents contents;
  std::uint64_t random = 88172645463325252U;
  for (int round = 0; round < 40; ++round) {
    WriteBatch batch;
    for (int i = 0; i < 100; ++i) {
      random ^= random << 13U;
      random ^= random >> 7U;
      random ^= random << 17U;
      const std::string key = std::to_string(random % 3000);
      if (random % 5 == 0) {
        batch.erase(tree, key);
        contents.erase(key);
      } else {
        const std::string value(random % 90, static_cast<char>('a' + round % 26));
        batch.put(tree, key, value);
        contents[key] = value;
      }
    }
    engine->write(batch, round % 2 == 0 ? Durability::buffered : Durability::synced);
  }
  expect_contents(*engine, tree, contents);
  expect_scan(*engine, tree, contents, KeyRange::prefix("1"), Order::descending);
  for (int i = 0; i < 3000; ++i) {
    const std::string key = std::to_string(i);
    if (contents.contains(key)) {
      expect_value(*engine, tree, key, contents[key]);
    } else {
      expect_absent(*engine, tree, key);
    }
  }
}

// Upkeep

inline void upkeep_changes_nothing(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const Contents contents = nasty_contents();
  put_all(*engine, tree, contents);
  engine->flush();
  static_cast<void>(engine->size_on_disk());
  engine->flush();
  expect_contents(*engine, tree, contents);
}

inline void moved_engine_keeps_its_contents(AnyFixture& fixture) {
  if (!fixture.can().moves) return;
  auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  put(*engine, tree, "k", "v");
  const auto moved = engine->moved();
  engine.reset();
  expect_value(*moved, tree, "k", "v");
  put(*moved, tree, "l", "w");
  expect_contents(*moved, tree, {{"k", "v"}, {"l", "w"}});
}

// Reopening

inline void reopening_keeps_everything(AnyFixture& fixture) {
  auto engine = fixture.make();
  const Contents contents = nasty_contents();
  const Tree tree = engine->open_tree("t");
  const Tree own = engine->open_tree("varve.own");
  put_all(*engine, tree, contents);
  put(*engine, own, "k", "v");
  engine->write(WriteBatch().put(tree, "buffered", "1"), Durability::buffered);
  engine->flush();
  engine->write(WriteBatch().put(tree, "synced", "1").erase(tree, "a"));
  Contents expected = contents;
  expected["buffered"] = "1";
  expected["synced"] = "1";
  expected.erase("a");
  for (int i = 0; i < 3; ++i) {
    engine = fixture.reopen(std::move(engine));
    expect(engine->find_tree("t") == tree, "a tree has another id after reopening");
    expect(engine->find_tree("varve.own") == own, "a reserved tree has another id after reopening");
    expect_contents(*engine, tree, expected);
    expect_contents(*engine, own, {{"k", "v"}});
  }
}

inline void reopening_keeps_drops(AnyFixture& fixture) {
  auto engine = fixture.make();
  const Tree first = engine->open_tree("t");
  put(*engine, first, "k", "v");
  engine->drop_tree(first);
  engine = fixture.reopen(std::move(engine));
  expect(listed_trees(*engine).empty(), "a dropped tree is there after reopening");
  expect_invalid("get of a dropped tree", [&] { (void)engine->get(first, "k"); });
  const Tree second = engine->open_tree("t");
  const Tree other = engine->open_tree("u");
  expect(second != first && other != first,
         "the id of a dropped tree was given again after reopening");
  expect_contents(*engine, second, {});
}

}  // namespace varve::testing::detail
