// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/testing/any/fixture.hpp>
#include <varve/testing/laws/support.hpp>

#include <string>

/// The laws of `CheckpointEngine`: docs/concepts/refinements.md.
namespace varve::testing::detail {

inline void checkpoint_opens_as_a_store(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  const Tree own = engine->open_tree("varve.own");
  put_all(*engine, tree, nasty_contents());
  put(*engine, own, "k", "v");
  const std::string directory = fixture.fresh_directory();
  engine->checkpoint(directory);
  put(*engine, tree, "later", "1");
  engine->write(WriteBatch().erase(tree, "a"));
  const auto copy = fixture.open_at(directory);
  expect(copy->find_tree("t") == tree, "a tree has another id in a checkpoint");
  expect_contents(*copy, tree, nasty_contents());
  expect_contents(*copy, own, {{"k", "v"}});
  put(*copy, tree, "of the copy", "1");
  expect_absent(*engine, tree, "of the copy");
}

inline void checkpoint_overwrites_nothing(AnyFixture& fixture) {
  const auto engine = fixture.make();
  const Tree tree = engine->open_tree("t");
  put(*engine, tree, "k", "first");
  const std::string directory = fixture.fresh_directory();
  engine->checkpoint(directory);
  put(*engine, tree, "k", "second");
  bool refused = false;
  try {
    engine->checkpoint(directory);
  } catch (const Error&) {
    refused = true;
  }
  expect(refused, "a checkpoint into a directory that is there was not refused");
  expect_value(*fixture.open_at(directory), tree, "k", "first");
}

}  // namespace varve::testing::detail
