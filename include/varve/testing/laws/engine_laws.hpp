// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/testing/fixture.hpp>
#include <varve/testing/laws/support.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

/// The laws of `KvReader` and `KvEngine`: docs/concepts/kv_reader.md, kv_engine.md.
namespace varve::testing::detail {

// Reads

template <Fixture F>
void gets_what_was_put(F& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  expect_absent(*engine, tree, "key");
  put(*engine, tree, "key", "one");
  expect_value(*engine, tree, "key", "one");
  put(*engine, tree, "key", "another, longer one");
  expect_value(*engine, tree, "key", "another, longer one");
  expect_absent(*engine, tree, "ke");
  expect_absent(*engine, tree, "keys");
  engine->write(WriteBatch().erase(tree, "key").erase(tree, "never there"));
  expect_absent(*engine, tree, "key");
}

template <Fixture F>
void takes_any_bytes(F& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const Contents contents = nasty_contents();
  for (const auto& [key, value] : contents) put(*engine, tree, key, value);
  for (const auto& [key, value] : contents) expect_value(*engine, tree, key, value);
}

template <Fixture F>
void empty_value_is_a_value(F& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  put(*engine, tree, "key", "");
  expect_value(*engine, tree, "key", "");
  expect_scan(*engine, tree, {{"key", ""}}, KeyRange::all());
}

template <Fixture F>
void impossible_keys_are_absent(F& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  put(*engine, tree, "a", "1");
  expect_absent(*engine, tree, "");
  const std::uint64_t longest = engine->limits().max_key_bytes;
  if (longest < 1'000'000) expect_absent(*engine, tree, std::string(longest + 1, 'a'));
}

template <Fixture F>
void pinned_value_stays(F& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const std::string large(30'000, 'l');
  engine->write(WriteBatch().put(tree, "a", "first").put(tree, "b", large).put(tree, "c", "third"));
  auto a = engine->get(tree, "a");
  auto b = engine->get(tree, "b");
  auto c = engine->get(tree, "c");
  expect(a && b && c, "get gave nothing where a value was put");
  engine->write(WriteBatch().put(tree, "a", "FIRST").erase(tree, "b"));
  for (int i = 0; i < 50; ++i) put(*engine, tree, "filler" + std::to_string(i), large);
  engine->drop_tree(tree);
  expect(a->view() == "first", "a pinned value changed when its key was overwritten");
  expect(b->view() == large, "a pinned value changed when its key was erased");
  auto moved = std::move(*a);
  a.reset();
  expect(moved.view() == "first", "a pinned value changed when it was moved");
  moved = std::move(*c);
  c.reset();
  expect(moved.view() == "third", "a pinned value changed when it was assigned");
  b.reset();
  expect(moved.view() == "third", "a pinned value changed when another one ended");
}

// Scans

template <Fixture F>
void scan_gives_its_range(F& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const Contents contents = nasty_contents();
  put_all(*engine, tree, contents);
  std::vector<std::string> bounds{"", std::string(5000, 'a'), std::string(5000, '\xff'), "nowhere"};
  for (const auto& [key, value] : contents) {
    bounds.push_back(key);
    bounds.push_back(key + std::string(1, '\0'));
  }
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const std::string& other = bounds[(i * 7 + 3) % bounds.size()];
    for (const Order order : {Order::ascending, Order::descending}) {
      for (const KeyRange range :
           {KeyRange::all(), KeyRange::from(bounds[i]), KeyRange::prefix(bounds[i]),
            KeyRange::between(bounds[i], other), KeyRange::between("", bounds[i])}) {
        expect_scan(*engine, tree, contents, range, order);
      }
    }
  }
}

template <Fixture F>
void scan_of_nothing_is_empty(F& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const Tree next = engine->open_tree("u");
  put(*engine, next, "a", "1");
  for (const Order order : {Order::ascending, Order::descending}) {
    expect_scan(*engine, tree, {}, KeyRange::all(), order);
    expect_scan(*engine, next, {{"a", "1"}}, KeyRange::between("b", "a"), order);
  }
}

template <Fixture F>
void scan_keeps_its_state(F& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  Contents contents;
  for (int i = 100; i < 400; ++i) contents["key" + std::to_string(i)] = std::to_string(i);
  put_all(*engine, tree, contents);
  auto up = engine->scan(tree, KeyRange::all());
  auto down = engine->scan(tree, KeyRange::prefix("key"), Order::descending);
  auto moved = std::move(up);
  put(*engine, tree, "key100", "overwritten");
  put(*engine, tree, "key2505", "put between");
  engine->write(WriteBatch().erase_range(tree, KeyRange::between("key120", "key300")));
  expect_rest(moved, contents, KeyRange::all(), Order::ascending);
  engine->drop_tree(tree);
  const Tree again = engine->open_tree("t");
  put(*engine, again, "key150", "of a later life");
  expect_rest(down, contents, KeyRange::all(), Order::descending);
  expect_contents(*engine, again, {{"key150", "of a later life"}});
}

// Writes

template <Fixture F>
void batch_is_applied_in_order(F& fixture) {
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

template <Fixture F>
void batch_is_all_or_nothing(F& fixture) {
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

template <Fixture F>
void empty_batch_changes_nothing(F& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  put(*engine, tree, "k", "v");
  engine->write(WriteBatch());
  engine->write(WriteBatch(), Durability::buffered);
  expect_contents(*engine, tree, {{"k", "v"}});
}

template <Fixture F>
void erase_range_erases_its_range(F& fixture) {
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

template <Fixture F>
void limits_are_kept(F& fixture) {
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

template <Fixture F>
void many_records_are_kept(F& fixture) {
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

// Trees

template <Fixture F>
void tree_is_found_by_name(F& fixture) {
  const auto engine = fixture.make();
  expect(engine->trees().empty(), "a fresh engine lists trees");
  expect(!engine->find_tree("t"), "find_tree finds a tree that was never opened");
  const Tree tree = engine->open_tree("t");
  const Tree other = engine->open_tree("T");
  expect(tree != other, "two trees have one id");
  expect(engine->open_tree("t") == tree, "open_tree gives another id the second time");
  expect(engine->find_tree("t") == tree && engine->find_tree("T") == other,
         "find_tree does not find what open_tree opened");
  std::vector<TreeInfo> listed = engine->trees();
  std::sort(listed.begin(), listed.end(),
            [](const TreeInfo& a, const TreeInfo& b) { return a.name < b.name; });
  expect(listed == std::vector<TreeInfo>{{other, "T"}, {tree, "t"}},
         "trees does not list just what was opened");
}

template <Fixture F>
void reserved_names_give_reserved_trees(F& fixture) {
  const auto engine = fixture.make();
  const Tree own = engine->open_tree("varve.laws");
  const Tree user = engine->open_tree("varve");
  expect(own.reserved(), "a tree whose name starts with 'varve.' is not reserved");
  expect(!user.reserved(), "a tree is reserved whose name does not start with 'varve.'");
  put(*engine, own, "k", "own");
  put(*engine, user, "k", "user");
  expect_contents(*engine, own, {{"k", "own"}});
  expect_contents(*engine, user, {{"k", "user"}});
  expect(engine->find_tree("varve.laws") == own, "find_tree does not find a reserved tree");
  std::vector<TreeInfo> listed = engine->trees();
  std::sort(listed.begin(), listed.end(),
            [](const TreeInfo& a, const TreeInfo& b) { return a.name < b.name; });
  expect(listed == std::vector<TreeInfo>{{user, "varve"}, {own, "varve.laws"}},
         "trees does not list a reserved tree beside the others");
}

template <Fixture F>
void dropped_tree_is_gone(F& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const Tree other = engine->open_tree("u");
  put_all(*engine, tree, nasty_contents());
  put(*engine, other, "k", "v");
  engine->drop_tree(tree);
  expect(!engine->find_tree("t"), "find_tree finds a dropped tree");
  expect(engine->trees() == std::vector<TreeInfo>{{other, "u"}}, "trees lists a dropped tree");
  const Tree again = engine->open_tree("t");
  expect(again != tree, "the id of a dropped tree was given again");
  expect_contents(*engine, again, {});
  expect_absent(*engine, again, "a");
  put(*engine, again, "k", "new");
  expect_contents(*engine, again, {{"k", "new"}});
  expect_contents(*engine, other, {{"k", "v"}});
  expect_invalid("get of a dropped tree", [&] { (void)engine->get(tree, "k"); });
}

template <Fixture F>
void unknown_tree_is_refused(F& fixture) {
  using E = typename F::Engine;
  const auto engine = fixture.make();
  const Tree gone = engine->open_tree("gone");
  engine->drop_tree(gone);
  for (const Tree unknown : {gone, Tree(123'456, "never"), Tree(Tree::max_number, "varve.never")}) {
    expect_invalid("get", [&] { (void)engine->get(unknown, "k"); });
    expect_invalid("contains", [&] { (void)engine->contains(unknown, "k"); });
    expect_invalid("scan", [&] { (void)engine->scan(unknown, KeyRange::all()); });
    expect_invalid("drop_tree", [&] { engine->drop_tree(unknown); });
    if constexpr (MultiGetEngine<E>) {
      const std::vector<BytesView> keys{"k"};
      std::vector<std::optional<pinned_t<E>>> values(1);
      expect_invalid("multi_get", [&] { engine->multi_get(unknown, keys, values); });
    }
    if constexpr (CountEngine<E>) {
      expect_invalid("approximate_count",
                     [&] { (void)engine->approximate_count(unknown, KeyRange::all()); });
    }
    if constexpr (CompactEngine<E>) {
      expect_invalid("compact", [&] { engine->compact(unknown, KeyRange::all()); });
    }
    if constexpr (BulkLoadEngine<E>) {
      expect_invalid("a bulk load", [&] {
        auto loader = engine->bulk_loader(unknown);
        loader.put("k", "v");
        loader.finish();
      });
    }
  }
}

template <Fixture F>
void bad_names_are_refused(F& fixture) {
  const auto engine = fixture.make();
  for (const std::string& name :
       {std::string(), std::string(256, 'n'), std::string("a\0b", 3), std::string("line\nbreak")}) {
    expect_invalid("open_tree(" + show_short(name) + ")", [&] { (void)engine->open_tree(name); });
    expect(!engine->find_tree(name), "find_tree finds a name that no tree can have");
  }
  const Tree longest = engine->open_tree(std::string(255, 'n'));
  expect(engine->find_tree(std::string(255, 'n')) == longest, "a name of 255 bytes is not found");
  expect(engine->trees().size() == 1, "a refused name is listed");
}

template <Fixture F>
void trees_are_independent(F& fixture) {
  const auto engine = fixture.make();
  std::vector<Tree> trees;
  WriteBatch batch;
  for (int i = 0; i < 20; ++i) {
    trees.push_back(engine->open_tree("tree " + std::to_string(i)));
    batch.put(trees.back(), "key", std::to_string(i)).put(trees.back(), std::to_string(i), "own");
  }
  engine->write(batch);
  engine->write(WriteBatch().erase_range(trees[7], KeyRange::all()));
  for (int i = 0; i < 20; ++i) {
    Contents contents{{"key", std::to_string(i)}, {std::to_string(i), "own"}};
    if (i == 7) contents.clear();
    expect_contents(*engine, trees[static_cast<std::size_t>(i)], contents);
  }
}

template <Fixture F>
void upkeep_changes_nothing(F& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const Contents contents = nasty_contents();
  put_all(*engine, tree, contents);
  engine->flush();
  static_cast<void>(engine->size_on_disk());
  engine->flush();
  expect_contents(*engine, tree, contents);
}

template <Fixture F>
void moved_engine_keeps_its_contents(F& fixture) {
  if constexpr (std::is_move_constructible_v<typename F::Engine>) {
    auto engine = fixture.make();
    const Tree tree = engine->open_tree("t");
    put(*engine, tree, "k", "v");
    auto moved = std::make_unique<typename F::Engine>(std::move(*engine));
    engine.reset();
    expect_value(*moved, tree, "k", "v");
    put(*moved, tree, "l", "w");
    expect_contents(*moved, tree, {{"k", "v"}, {"l", "w"}});
  } else {
    static_cast<void>(fixture);
  }
}

// Reopening

template <PersistentFixture F>
void reopening_keeps_everything(F& fixture) {
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

template <PersistentFixture F>
void reopening_keeps_drops(F& fixture) {
  auto engine = fixture.make();
  const Tree first = engine->open_tree("t");
  put(*engine, first, "k", "v");
  engine->drop_tree(first);
  engine = fixture.reopen(std::move(engine));
  expect(engine->trees().empty(), "a dropped tree is there after reopening");
  expect_invalid("get of a dropped tree", [&] { (void)engine->get(first, "k"); });
  const Tree second = engine->open_tree("t");
  const Tree other = engine->open_tree("u");
  expect(second != first && other != first,
         "the id of a dropped tree was given again after reopening");
  expect_contents(*engine, second, {});
}

}  // namespace varve::testing::detail
