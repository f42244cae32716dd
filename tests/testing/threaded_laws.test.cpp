// SPDX-License-Identifier: Apache-2.0
#include <varve/layers/counted.hpp>
#include <varve/layers/metered.hpp>
#include <varve/testing/full_engine.hpp>
#include <varve/testing/minimal_engine.hpp>
#include <varve/testing/threaded_laws.hpp>

#include "catch.hpp"
#include "testing/in_memory.hpp"
#include "testing/torn_engines.hpp"

#include <chrono>

using namespace varve;
using namespace varve_test;
using namespace std::chrono_literals;
using varve::testing::FullEngine;
using varve::testing::MinimalEngine;

namespace {

using Law = void (*)(testing::detail::AnyFixture&, std::chrono::milliseconds);

/// What breaks the law, which is tried for as long as it takes, up to a limit.
template <class E>
std::string evidence_against(Law law) {
  InMemory<E> typed;
  testing::detail::FixtureBehind fixture(typed);
  for (int attempt = 0; attempt < 200; ++attempt) {
    try {
      law(fixture, 100ms);
    } catch (const testing::detail::Broken& broken) {
      return broken.evidence;
    }
  }
  return "";
}

}  // namespace

TEMPLATE_TEST_CASE("a correct engine keeps the laws of threads", "",
                   VARVE_STACKS_OF_LANE(Metered<Counted<FullEngine>>, MinimalEngine, FullEngine,
                                        Counted<MinimalEngine>)) {
  InMemory<TestType> fixture;
  const auto broken = testing::check_threaded_laws(fixture, 200ms);
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
}

TEST_CASE("T1 is broken by a batch, a multi_get or a snapshot that is torn") {
  CHECK_THAT(evidence_against<TearsBatches>(testing::detail::batches_are_seen_whole),
             ContainsSubstring("sees"));
  CHECK_THAT(evidence_against<MultiGetsOneByOne>(testing::detail::batches_are_seen_whole),
             ContainsSubstring("multi_get sees a batch in part"));
  CHECK_THAT(evidence_against<SnapshotsTreesOneByOne>(testing::detail::batches_are_seen_whole),
             ContainsSubstring("a snapshot sees a batch in part"));
  CHECK_THAT(evidence_against<ScansSeeLaterWrites>(testing::detail::batches_are_seen_whole),
             ContainsSubstring("a scan sees"));
}

TEST_CASE("T2 is broken by a cache that takes in old reads") {
  CHECK_THAT(evidence_against<CachesOldReads>(testing::detail::what_was_seen_stays_seen),
             ContainsSubstring("a thread "));
}

TEST_CASE("T3 is broken by a scan that reads page by page") {
  CHECK_THAT(evidence_against<ScansInPages>(testing::detail::scans_keep_their_state),
             ContainsSubstring("a scan sees"));
}

TEST_CASE("T4 is broken by an engine that forgets under load") {
  CHECK_THAT(evidence_against<LosesWritesUnderLoad>(testing::detail::disjoint_writers_lose_nothing),
             ContainsSubstring("gave") || ContainsSubstring("records"));
}

TEST_CASE("T5 is broken by a drop that touches other trees") {
  CHECK_THAT(evidence_against<DropsUndoWrites>(testing::detail::trees_come_and_go_beside_others),
             ContainsSubstring("gave") || ContainsSubstring("contains("));
}

TEST_CASE("the broken law is named") {
  InMemory<TearsBatches> fixture;
  const auto broken = testing::check_threaded_laws(fixture, 20s);
  REQUIRE(broken);
  CHECK(broken->number == "T1");
  CHECK_FALSE(broken->sentence.empty());
  CHECK_FALSE(broken->evidence.empty());
}
