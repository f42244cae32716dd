// SPDX-License-Identifier: Apache-2.0
#include <varve/testing/full_engine.hpp>
#include <varve/testing/linearizability.hpp>
#include <varve/testing/minimal_engine.hpp>
#include <varve/testing/record_history.hpp>

#include "catch.hpp"
#include "testing/torn_engines.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace varve;
using namespace varve_test;
using varve::testing::CallKind;
using varve::testing::check_linearizable;
using varve::testing::History;
using varve::testing::HistoryCall;

namespace {

constexpr std::uint64_t never = HistoryCall::never;
using Text = std::optional<std::string>;

HistoryCall put(std::uint64_t start, std::uint64_t end, const char* value, const char* key = "x") {
  return {0, CallKind::put, key, value, {}, start, end};
}
HistoryCall erase(std::uint64_t start, std::uint64_t end) {
  return {0, CallKind::erase, "x", {}, {}, start, end};
}
HistoryCall get(std::uint64_t start, std::uint64_t end, Text seen, const char* key = "x") {
  return {1, CallKind::get, key, {}, std::move(seen), start, end};
}
HistoryCall contains(std::uint64_t start, std::uint64_t end, bool seen) {
  return {1, CallKind::contains, "x", {}, seen ? Text("") : Text(), start, end};
}
HistoryCall compare_and_set(std::uint64_t start, std::uint64_t end, Text seen, const char* value) {
  return {2, CallKind::compare_and_set, "x", value, std::move(seen), start, end};
}

bool linearizable(const History& history) {
  return !check_linearizable(history);
}

/// The definition itself, for short histories: some order of some of the calls that keeps the order
/// of those that do not overlap, has all that ended, and is what a map does.
bool linearizable_by_definition(const History& history) {
  std::vector<std::size_t> order(history.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  do {
    for (std::size_t left_out = 0; left_out < std::size_t{1} << history.size(); ++left_out) {
      Text value;
      bool good = true;
      for (std::size_t i = 0; i < order.size() && good; ++i) {
        const HistoryCall& call = history[order[i]];
        if (((left_out >> order[i]) & 1U) != 0) {
          good = call.indeterminate();
          continue;
        }
        for (std::size_t j = i + 1; j < order.size(); ++j) {
          const bool out = ((left_out >> order[j]) & 1U) != 0;
          if (!out && history[order[j]].end < call.start) good = false;
        }
        const bool reads = call.kind == CallKind::get || call.kind == CallKind::compare_and_set;
        if (reads && call.seen != value) good = false;
        if (call.kind != CallKind::get) value = call.written;
      }
      if (good) return true;
    }
  } while (std::next_permutation(order.begin(), order.end()));
  return false;
}

}  // namespace

TEST_CASE("linearizability: histories that textbooks call linearizable are") {
  CHECK(linearizable({}));
  CHECK(linearizable({put(1, 2, "1"), get(3, 4, "1")}));
  CHECK(linearizable({get(1, 2, std::nullopt), put(3, 4, "1")}));
  // A read that overlaps a write may see either (Lamport's atomic register).
  CHECK(linearizable({put(1, 4, "1"), get(2, 3, "1")}));
  CHECK(linearizable({put(1, 4, "1"), get(2, 3, std::nullopt)}));
  // Two overlapping writes, in the order that the reads after them show.
  CHECK(linearizable({put(1, 4, "1"), put(2, 3, "2"), get(5, 6, "1"), get(7, 8, "1")}));
  CHECK(linearizable({put(1, 4, "1"), put(2, 3, "2"), get(5, 6, "2")}));
  // Herlihy and Wing 1990, a register: the writes overlap, each is read once, in one order.
  CHECK(linearizable({put(1, 8, "0"), put(2, 3, "1"), get(4, 5, "1"), get(6, 9, "0")}));
  CHECK(linearizable({put(1, 2, "1"), erase(3, 6), get(4, 5, "1"), contains(7, 8, false)}));
  CHECK(linearizable({put(1, 2, "1"), compare_and_set(3, 6, "1", "2"),
                      compare_and_set(4, 5, "2", "3"), get(7, 8, "3")}));
}

TEST_CASE("linearizability: histories that textbooks call not linearizable are not") {
  CHECK_FALSE(linearizable({get(1, 2, "1")}));
  CHECK_FALSE(linearizable({put(1, 2, "1"), get(3, 4, std::nullopt)}));
  // Stale: the newer value was written before the read began.
  CHECK_FALSE(linearizable({put(1, 2, "1"), put(3, 4, "2"), get(5, 6, "1")}));
  // New, then old, while one write goes on: a regular register, and not an atomic one.
  CHECK_FALSE(linearizable({put(1, 2, "1"), put(3, 8, "2"), get(4, 5, "2"), get(6, 7, "1")}));
  // Two readers who see overlapping writes in different orders.
  CHECK_FALSE(linearizable({put(1, 4, "1"), put(2, 3, "2"), get(5, 6, "1"), get(7, 8, "2")}));
  CHECK_FALSE(linearizable({put(1, 2, "1"), erase(3, 4), contains(5, 6, true)}));
  CHECK_FALSE(linearizable({contains(1, 2, true), put(3, 4, "1")}));
  // Both found the same value and replaced it: an update is lost.
  CHECK_FALSE(linearizable(
      {put(1, 2, "1"), compare_and_set(3, 6, "1", "2"), compare_and_set(4, 5, "1", "3")}));
}

TEST_CASE("linearizability: a call of unknown outcome takes effect late, or never, but once") {
  CHECK(linearizable({put(1, never, "1"), get(2, 3, std::nullopt), get(4, 5, "1")}));
  CHECK(linearizable({put(1, never, "1"), get(2, 3, std::nullopt)}));
  CHECK(linearizable({put(1, 2, "1"), erase(3, never), get(4, 5, "1"), get(6, 7, std::nullopt)}));
  CHECK_FALSE(linearizable({put(1, never, "1"), get(2, 3, "1"), get(4, 5, std::nullopt)}));
  CHECK_FALSE(linearizable({get(1, 2, "1"), put(3, never, "1")}));
  CHECK_FALSE(linearizable({put(1, never, "1"), get(2, 3, "1"), put(4, 5, "2"), get(6, 7, "1")}));
}

TEST_CASE("linearizability: keys do not hide each other, and the verdict names key and call") {
  const History history{put(1, 2, "1", "a"), put(3, 4, "1", "b"), get(5, 6, "1", "a"),
                        get(7, 8, std::nullopt, "b")};
  const auto verdict = check_linearizable(history);
  REQUIRE(verdict);
  CHECK(verdict->key == "b");
  CHECK_THAT(to_string(*verdict), ContainsSubstring("thread 1 [7, 8] get(\"b\") = absent\n"));
  CHECK_THAT(to_string(*verdict), ContainsSubstring("where the key holds \"1\""));
}

TEST_CASE("linearizability: the search says what the definition says, of all kinds of histories") {
  testing::Random random(testing::seed_of_environment());
  std::size_t good = 0;
  constexpr std::size_t histories = 3000;
  for (std::size_t n = 0; n < histories; ++n) {
    History history;
    std::vector<std::uint64_t> moments(12);
    for (std::size_t i = 0; i < moments.size(); ++i) moments[i] = i + 1;
    for (std::size_t i = moments.size(); i > 1; --i) {
      std::swap(moments[i - 1], moments[random.below(static_cast<std::uint32_t>(i))]);
    }
    for (std::size_t i = 0; i < 5; ++i) {
      const auto [start, end] = std::minmax(moments[2 * i], moments[2 * i + 1]);
      const char* const value = random.one_in(2) ? "1" : "2";
      const Text seen = random.one_in(3) ? Text() : Text(random.one_in(2) ? "1" : "2");
      switch (random.below(5)) {
        case 0: history.push_back(put(start, end, value)); break;
        case 1: history.push_back(compare_and_set(start, end, seen, value)); break;
        case 2: history.push_back(erase(start, end)); break;
        default: history.push_back(get(start, end, seen)); break;
      }
      if (history.back().kind != CallKind::get && random.one_in(4)) history.back().end = never;
    }
    const bool expected = linearizable_by_definition(history);
    good += expected ? 1U : 0U;
    std::string text;
    for (const HistoryCall& call : history) text += to_string(call) + "\n";
    INFO(text);
    REQUIRE(linearizable(history) == expected);
  }
  CHECK(good > histories / 20);
  CHECK(good < histories - histories / 20);
}

TEMPLATE_TEST_CASE("linearizability: the engines of the kit are", "", testing::MinimalEngine,
                   testing::FullEngine) {
  TestType engine;
  const auto history = testing::record_history(engine, engine.open_tree("t"), {.calls = 2000});
  CHECK(history.size() > 6000);
  const auto verdict = check_linearizable(history);
  INFO((verdict ? to_string(*verdict) : ""));
  CHECK_FALSE(verdict);
}

TEST_CASE("linearizability: as the guide shows it") {
  testing::FullEngine store;
  // [linearizability]
  const varve::testing::History history =
      varve::testing::record_history(store, store.open_tree("t"), {.threads = 4, .calls = 400});
  const auto verdict = varve::testing::check_linearizable(history);
  INFO((verdict ? to_string(*verdict) : ""));
  CHECK_FALSE(verdict);
  // [/linearizability]
}

TEMPLATE_TEST_CASE("linearizability: a stale cache is not, nor what loses writes", "",
                   CachesOldReads, LosesWritesUnderLoad) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    TestType engine;
    const auto history = testing::record_history(engine, engine.open_tree("t"));
    if (check_linearizable(history)) return;
  }
  FAIL("it was not found in 100 histories");
}
