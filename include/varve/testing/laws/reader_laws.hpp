// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/any/fixture.hpp>
#include <varve/testing/laws/support.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// The laws of `KvReader`: docs/concepts/kv_reader.md.
namespace varve::testing::detail {

// Reads

inline void gets_what_was_put(AnyFixture& fixture) {
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

inline void takes_any_bytes(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const Contents contents = nasty_contents();
  for (const auto& [key, value] : contents) put(*engine, tree, key, value);
  for (const auto& [key, value] : contents) expect_value(*engine, tree, key, value);
}

inline void empty_value_is_a_value(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  put(*engine, tree, "key", "");
  expect_value(*engine, tree, "key", "");
  expect_scan(*engine, tree, {{"key", ""}}, KeyRange::all());
}

inline void impossible_keys_are_absent(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  put(*engine, tree, "a", "1");
  expect_absent(*engine, tree, "");
  const std::uint64_t longest = engine->limits().max_key_bytes;
  if (longest < 1'000'000) expect_absent(*engine, tree, std::string(longest + 1, 'a'));
}

inline void pinned_value_stays(AnyFixture& fixture) {
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

inline void scan_gives_its_range(AnyFixture& fixture) {
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

inline void scan_of_nothing_is_empty(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const Tree next = engine->open_tree("u");
  put(*engine, next, "a", "1");
  for (const Order order : {Order::ascending, Order::descending}) {
    expect_scan(*engine, tree, {}, KeyRange::all(), order);
    expect_scan(*engine, next, {{"a", "1"}}, KeyRange::between("b", "a"), order);
  }
}

inline void scan_keeps_its_state(AnyFixture& fixture) {
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

}  // namespace varve::testing::detail
