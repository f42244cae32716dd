// SPDX-License-Identifier: Apache-2.0
#include <varve/layers/counted.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>
#include <varve/stack_record.hpp>
#include <varve/testing/minimal_engine.hpp>

#include "catch.hpp"
#include "toy_layers.hpp"

#include <string>

using namespace varve;
using namespace varve::toys;
using varve::testing::MinimalEngine;
using varve_test::ContainsSubstring;

namespace {

template <class Stack>
void expect_refused(MinimalEngine& engine, const std::string& words) {
  try {
    check_stack<Stack>(engine);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::stack_mismatch);
    CHECK_THAT(error.what(), ContainsSubstring(words));
    return;
  }
  FAIL("the stack was let through");
}

void fill(MinimalEngine& engine) {
  put(engine, engine.open_tree("users"), "key", "value");
}

}  // namespace

TEST_CASE("check_stack: layers that leave no mark leave no record") {
  MinimalEngine engine;
  check_stack<Counted<Caches<MinimalEngine>>>(engine);
  CHECK(engine.trees().empty());
}

TEST_CASE("check_stack: what a fresh store was opened with is recorded, from the engine up") {
  MinimalEngine engine;
  check_stack<Versions<Caches<Logs<MinimalEngine>>>>(engine);
  CHECK(recorded_layers(engine) == std::vector<RecordedLayer>{{"logs", 1}, {"versions", 1}});
  const auto tree = engine.find_tree("varve.stack");
  REQUIRE(tree);
  CHECK(tree->reserved());
  CHECK(get_copy(engine, *tree, "stack") == "varve-stack 1\nlayer logs 1\nlayer versions 1\n");
  CHECK_NOTHROW(check_stack<Versions<Logs<MinimalEngine>>>(engine));
}

TEST_CASE("check_stack: a stack that lacks a layer is refused, and the layer named") {
  MinimalEngine engine;
  check_stack<Versions<Logs<MinimalEngine>>>(engine);
  fill(engine);
  expect_refused<MinimalEngine>(engine, "layer 'logs' is in the data and missing");
  expect_refused<Logs<MinimalEngine>>(engine, "layer 'versions' is in the data and missing");
  expect_refused<Versions<MinimalEngine>>(engine, "this program has versions 1");
}

TEST_CASE("check_stack: another order is refused") {
  MinimalEngine engine;
  check_stack<Versions<Logs<MinimalEngine>>>(engine);
  expect_refused<Logs<Versions<MinimalEngine>>>(engine, "logs 1, versions 1 (from the engine up)");
}

TEST_CASE("check_stack: another format of a layer is refused, with both numbers") {
  MinimalEngine engine;
  check_stack<Logs<MinimalEngine>>(engine);
  expect_refused<LogsNewer<MinimalEngine>>(
      engine, "layer 'logs' has format 1 in the data and 2 in this program");
}

TEST_CASE("check_stack: only a layer that says so may join data written without it") {
  MinimalEngine engine;
  fill(engine);
  expect_refused<Versions<MinimalEngine>>(
      engine, "layer 'versions' cannot join data that was written without it");
  CHECK(recorded_layers(engine).empty());
  CHECK_NOTHROW(check_stack<JoiningVersions<MinimalEngine>>(engine));
  CHECK(recorded_layers(engine).size() == 1);
  expect_refused<MinimalEngine>(engine, "missing");
}

namespace {

template <KvEngine Next>
struct ChecksFirst : Logs<Next> {
  using Logs<Next>::Logs;
  static constexpr LayerFormat format{.version = 1, .joins = true, .checks_first = true};
};

}  // namespace

TEST_CASE("check_stack: a layer that checks first leaves its mark when it has, and not before") {
  MinimalEngine engine;
  fill(engine);
  check_stack<ChecksFirst<MinimalEngine>>(engine);
  CHECK(recorded_layers(engine).empty());
  CHECK_NOTHROW(check_stack<MinimalEngine>(engine));
  check_stack<ChecksFirst<MinimalEngine>>(engine, true);
  CHECK(recorded_layers(engine) == std::vector<RecordedLayer>{{"logs", 1}});
  CHECK_NOTHROW(check_stack<ChecksFirst<MinimalEngine>>(engine));
  expect_refused<MinimalEngine>(engine, "layer 'logs' is in the data and missing");
}

TEST_CASE("check_stack: a record that cannot be read is corruption") {
  MinimalEngine engine;
  const Tree tree = engine.open_tree("varve.stack");
  for (const std::string text :
       {"", "varve-stack 2\n", "varve-stack 1", "varve-stack 1\nlayer logs\n",
        "varve-stack 1\nlayer logs one\n", "varve-stack 1\nlayer logs 1\nmore"}) {
    put(engine, tree, "stack", text);
    try {
      (void)recorded_layers(engine);
      FAIL("read: " << text);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::corruption);
    }
  }
}
