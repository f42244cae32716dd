// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/testing/any/fixture.hpp>
#include <varve/testing/laws/support.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

/// The laws of the trees of a `KvEngine`: docs/concepts/kv_engine.md.
namespace varve::testing::detail {

// Trees

inline void tree_is_found_by_name(AnyFixture& fixture) {
  const auto engine = fixture.make();
  expect(listed_trees(*engine).empty(), "a fresh engine lists trees");
  expect(!engine->find_tree("t"), "find_tree finds a tree that was never opened");
  const Tree tree = engine->open_tree("t");
  const Tree other = engine->open_tree("T");
  expect(tree != other, "two trees have one id");
  expect(engine->open_tree("t") == tree, "open_tree gives another id the second time");
  expect(engine->find_tree("t") == tree && engine->find_tree("T") == other,
         "find_tree does not find what open_tree opened");
  std::vector<TreeInfo> listed = listed_trees(*engine);
  std::sort(listed.begin(), listed.end(),
            [](const TreeInfo& a, const TreeInfo& b) { return a.name < b.name; });
  expect(listed == std::vector<TreeInfo>{{other, "T"}, {tree, "t"}},
         "trees does not list just what was opened");
}

inline void reserved_names_give_reserved_trees(AnyFixture& fixture) {
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
  std::vector<TreeInfo> listed = listed_trees(*engine);
  std::sort(listed.begin(), listed.end(),
            [](const TreeInfo& a, const TreeInfo& b) { return a.name < b.name; });
  expect(listed == std::vector<TreeInfo>{{user, "varve"}, {own, "varve.laws"}},
         "trees does not list a reserved tree beside the others");
}

inline void dropped_tree_is_gone(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const Tree other = engine->open_tree("u");
  put_all(*engine, tree, nasty_contents());
  put(*engine, other, "k", "v");
  engine->drop_tree(tree);
  expect(!engine->find_tree("t"), "find_tree finds a dropped tree");
  expect(listed_trees(*engine) == std::vector<TreeInfo>{{other, "u"}},
         "trees lists a dropped tree");
  const Tree again = engine->open_tree("t");
  expect(again != tree, "the id of a dropped tree was given again");
  expect_contents(*engine, again, {});
  expect_absent(*engine, again, "a");
  put(*engine, again, "k", "new");
  expect_contents(*engine, again, {{"k", "new"}});
  expect_contents(*engine, other, {{"k", "v"}});
  expect_invalid("get of a dropped tree", [&] { (void)engine->get(tree, "k"); });
}

inline void unknown_tree_is_refused(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree gone = engine->open_tree("gone");
  engine->drop_tree(gone);
  for (const Tree unknown : {gone, Tree(123'456, "never"), Tree(Tree::max_number, "varve.never")}) {
    expect_invalid("get", [&] { (void)engine->get(unknown, "k"); });
    expect_invalid("contains", [&] { (void)engine->contains(unknown, "k"); });
    expect_invalid("scan", [&] { (void)engine->scan(unknown, KeyRange::all()); });
    expect_invalid("drop_tree", [&] { engine->drop_tree(unknown); });
    if (fixture.can().multi_gets) {
      const std::vector<BytesView> keys{"k"};
      std::vector<std::optional<AnyValue>> values(1);
      expect_invalid("multi_get", [&] { engine->multi_get(unknown, keys, values); });
    }
    if (fixture.can().counts) {
      expect_invalid("approximate_count",
                     [&] { (void)engine->approximate_count(unknown, KeyRange::all()); });
    }
    if (fixture.can().compacts) {
      expect_invalid("compact", [&] { engine->compact(unknown, KeyRange::all()); });
    }
    if (fixture.can().bulk_loads) {
      expect_invalid("a bulk load", [&] {
        auto loader = engine->bulk_loader(unknown);
        loader.put("k", "v");
        loader.finish();
      });
    }
  }
}

inline void volatile_ids_come_again(AnyFixture& fixture) {
  const auto fill = [](AnyEngine& engine) {
    std::vector<Tree> given{engine.open_tree("a"), engine.open_tree("varve.own")};
    engine.drop_tree(given.front());
    given.push_back(engine.open_tree("b"));
    given.push_back(engine.open_tree("a"));
    static_cast<void>(engine.open_tree("b"));
    given.push_back(engine.open_tree("c"));
    return given;
  };
  const auto first = fixture.make();
  const std::vector<Tree> given = fill(*first);
  for (std::size_t i = 0; i < given.size(); ++i) {
    expect(given[i].number() == given[0].number() + i, "ids are not given in order");
  }
  const auto second = fixture.make();
  expect(fill(*second) == given, "the same calls gave other ids");
}

inline void bad_names_are_refused(AnyFixture& fixture) {
  const auto engine = fixture.make();
  for (const std::string& name :
       {std::string(), std::string(256, 'n'), std::string("a\0b", 3), std::string("line\nbreak")}) {
    expect_invalid("open_tree(" + show_short(name) + ")", [&] { (void)engine->open_tree(name); });
    expect(!engine->find_tree(name), "find_tree finds a name that no tree can have");
  }
  const Tree longest = engine->open_tree(std::string(255, 'n'));
  expect(engine->find_tree(std::string(255, 'n')) == longest, "a name of 255 bytes is not found");
  expect(listed_trees(*engine).size() == 1, "a refused name is listed");
}

inline void trees_are_independent(AnyFixture& fixture) {
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

}  // namespace varve::testing::detail
