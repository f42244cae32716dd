// SPDX-License-Identifier: Apache-2.0
#include <varve/layers/counted.hpp>
#include <varve/layers/metered.hpp>
#include <varve/testing/full_engine.hpp>
#include <varve/testing/minimal_engine.hpp>
#include <varve/testing/model_test.hpp>

#include "catch.hpp"
#include "testing/broken_engines.hpp"
#include "testing/in_memory.hpp"

#include <cstdlib>

using namespace varve;
using varve::testing::FullEngine;
using varve::testing::MinimalEngine;
using varve_test::InMemory;

TEMPLATE_TEST_CASE("a correct engine passes the model test", "", MinimalEngine, FullEngine,
                   Counted<MinimalEngine>, Metered<Counted<FullEngine>>) {
  InMemory<TestType> fixture;
  const auto failure = testing::run_model_test(fixture);
  INFO((failure ? to_string(*failure) : ""));
  CHECK_FALSE(failure);
}

TEMPLATE_TEST_CASE("the model test finds a defect and cuts it down to what shows it", "",
                   varve_test::LosesErases, varve_test::ErasesOneMore,
                   varve_test::AppliesHalfABatch, varve_test::AppliesBackwards,
                   varve_test::CutsTheLongestKeys, varve_test::ScansSeeLaterWrites,
                   varve_test::OrdersSigned, varve_test::MissesPrefixesOf0xff,
                   varve_test::SkipsTheLastEntryDescending, varve_test::SnapshotsSeeLaterWrites,
                   varve_test::ReusesTheMemoryOfValues, varve_test::GivesIdsAgain,
                   varve_test::KeepsDroppedTrees<false>, varve_test::AnswersForDroppedTrees,
                   varve_test::AnswersKeysOnce, varve_test::LoadsOnlyNewKeys,
                   varve_test::DropsWithoutWriting, varve_test::CompactsTooMuch) {
  InMemory<TestType> fixture;
  const auto failure = testing::run_model_test(fixture, {.operations = 5000});
  REQUIRE(failure);
  INFO(to_string(*failure));
  CHECK(failure->operations <= 8);
  CHECK(testing::replay(failure->script, fixture) == failure->sentence);
  CHECK(testing::replay(to_string(*failure).substr(failure->sentence.size()), fixture) ==
        failure->sentence);
  InMemory<FullEngine> correct;
  CHECK_FALSE(testing::replay(failure->script, correct));
  if (std::getenv("VARVE_SHOW_FAILURES") != nullptr) WARN(to_string(*failure));
}

namespace {

/// Opening again is to go on with the same engine; here something is done to it on the way.
template <class Damage>
struct Reopened : InMemory<FullEngine> {
  [[nodiscard]] std::unique_ptr<FullEngine> reopen(std::unique_ptr<FullEngine> engine) {
    Damage()(*engine);
    return engine;
  }
};

struct NoDamage {
  void operator()(FullEngine&) const {}
};

struct LosesAKey {
  void operator()(FullEngine& engine) const {
    for (const TreeInfo& info : engine.trees()) {
      auto scan = engine.scan(info.tree, KeyRange::all());
      if (scan.valid()) engine.write(WriteBatch().erase(info.tree, scan.entry().key));
    }
  }
};

struct RenumbersTrees {
  void operator()(FullEngine& engine) const {
    for (const TreeInfo& info : engine.trees()) {
      engine.drop_tree(info.tree);
      static_cast<void>(engine.open_tree(info.name));
    }
  }
};

}  // namespace

TEMPLATE_TEST_CASE("the model test finds what is lost over a reopening", "", LosesAKey,
                   RenumbersTrees) {
  Reopened<NoDamage> correct;
  CHECK_FALSE(testing::run_model_test(correct));
  Reopened<TestType> damaged;
  const auto failure = testing::run_model_test(damaged, {.operations = 5000});
  REQUIRE(failure);
  INFO(to_string(*failure));
  CHECK(failure->operations <= 8);
  CHECK(testing::replay(failure->script, damaged) == failure->sentence);
}
