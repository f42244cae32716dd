// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/testing/any/fixture.hpp>
#include <varve/testing/laws/support.hpp>

#include <string>

/// The laws of `BulkLoadEngine`: docs/concepts/refinements.md.
namespace varve::testing::detail {

inline void bulk_load_is_seen_at_its_end(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  Contents expected{{"a0", "kept"}, {"zz", "kept"}};
  put_all(*engine, tree, expected);
  put(*engine, tree, "b1", "to be overridden");
  auto loader = engine->bulk_loader(tree);
  for (int i = 0; i < 2000; ++i) {
    const std::string key = "b" + std::to_string(i + 10'000);
    loader.put(key, std::to_string(i));
    expected[key] = std::to_string(i);
  }
  expect_absent(*engine, tree, "b10000");
  loader.finish();
  expected["b1"] = "to be overridden";
  expect_contents(*engine, tree, expected);
  auto second = engine->bulk_loader(tree);
  second.put("b1", "overridden");
  second.put("b10500", "overridden");
  second.finish();
  expected["b1"] = "overridden";
  expected["b10500"] = "overridden";
  expect_contents(*engine, tree, expected);
  put(*engine, tree, "b10500", "and again");
  expect_value(*engine, tree, "b10500", "and again");
}

inline void bulk_load_unfinished_leaves_nothing(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  put(*engine, tree, "kept", "1");
  {
    auto loader = engine->bulk_loader(tree);
    loader.put("a", "1");
    loader.put("b", "2");
  }
  expect_contents(*engine, tree, {{"kept", "1"}});
  {
    auto loader = engine->bulk_loader(tree);
    loader.put("b", "1");
    expect_invalid("a key out of order", [&] { loader.put("a", "2"); });
  }
  {
    auto loader = engine->bulk_loader(tree);
    loader.put("b", "1");
    expect_invalid("a key that comes twice", [&] { loader.put("b", "2"); });
  }
  {
    auto loader = engine->bulk_loader(tree);
    loader.finish();
  }
  expect_contents(*engine, tree, {{"kept", "1"}});
  put(*engine, tree, "more", "2");
  expect_contents(*engine, tree, {{"kept", "1"}, {"more", "2"}});
}

inline void bulk_load_keeps_scans_and_limits(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  put(*engine, tree, "k", "v");
  auto scan = engine->scan(tree, KeyRange::all());
  {
    auto loader = engine->bulk_loader(tree);
    expect_invalid("an empty key", [&] { loader.put("", "v"); });
  }
  if (engine->limits().max_key_bytes < 1'000'000) {
    auto loader = engine->bulk_loader(tree);
    expect_invalid("a key beyond the limit",
                   [&] { loader.put(std::string(engine->limits().max_key_bytes + 1, 'k'), "v"); });
  }
  auto loader = engine->bulk_loader(tree);
  loader.put("a", "1");
  loader.put("k", "2");
  loader.finish();
  expect_rest(scan, {{"k", "v"}}, KeyRange::all(), Order::ascending);
  expect_contents(*engine, tree, {{"a", "1"}, {"k", "2"}});
}

inline void bulk_load_is_durable(AnyFixture& fixture) {
  auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  {
    auto loader = engine->bulk_loader(tree);
    for (const auto& [key, value] : nasty_contents()) loader.put(key, value);
    loader.finish();
  }
  engine = fixture.reopen(std::move(engine));
  expect_contents(*engine, tree, nasty_contents());
}

}  // namespace varve::testing::detail
