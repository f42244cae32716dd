// SPDX-License-Identifier: Apache-2.0
#include <varve/testing/minimal_engine.hpp>
#include <varve/tools/sorting_loader.hpp>

#include "catch.hpp"
#include "temp_directory.hpp"

#include <filesystem>
#include <map>
#include <random>
#include <string>

using namespace varve;
using varve::testing::MinimalEngine;

namespace {

std::map<std::string, std::string> contents(const MinimalEngine& engine, Tree tree) {
  std::map<std::string, std::string> all;
  for (const Entry entry : engine.scan(tree, KeyRange::all())) {
    all.emplace(std::string(entry.key), std::string(entry.value));
  }
  return all;
}

/// Keys of 1 to 20 bytes that often come again and often share their first eight.
std::string random_key(std::mt19937& random) {
  std::string key = random() % 2 == 0 ? "shared__" : "";
  const std::size_t more = 1 + random() % 12;
  for (std::size_t i = 0; i < more; ++i) key.push_back("\0\1ab\xff"[random() % 5]);
  return key;
}

}  // namespace

TEST_CASE("SortingLoader: loads any order, the last value of a key wins, with and without files") {
  const varve_test::TempDirectory directory;
  std::mt19937 random(20260101);
  for (const std::size_t memory_bytes :
       {std::size_t{400}, std::size_t{20'000}, std::size_t{1} << 30U}) {
    for (const bool in_memory : {true, false}) {
      MinimalEngine engine;
      const Tree tree = engine.open_tree("t");
      SortingLoader loader(
          engine, tree,
          {.directory = in_memory ? "" : directory / "runs", .memory_bytes = memory_bytes});
      std::map<std::string, std::string> expected;
      for (int i = 0; i < 5000; ++i) {
        const std::string key = random_key(random);
        const std::string value = std::to_string(i);
        loader.put(key, value);
        expected[key] = value;
      }
      CHECK(contents(engine, tree).empty());
      loader.finish();
      CHECK(contents(engine, tree) == expected);
    }
  }
  CHECK(std::filesystem::is_empty(directory / "runs"));
}

TEST_CASE("SortingLoader: of nothing loads nothing") {
  MinimalEngine engine;
  const Tree tree = engine.open_tree("t");
  SortingLoader loader(engine, tree);
  loader.finish();
  CHECK(contents(engine, tree).empty());
}

TEST_CASE("SortingLoader: values of any size go through the files") {
  const varve_test::TempDirectory directory;
  MinimalEngine engine;
  const Tree tree = engine.open_tree("t");
  SortingLoader loader(engine, tree,
                       {.directory = directory.path(), .memory_bytes = std::size_t{1} << 20U});
  for (int i = 9; i >= 0; --i) {
    loader.put(std::string(1, static_cast<char>('a' + i)),
               std::string(static_cast<std::size_t>(i) * 300'000, 'v'));
  }
  loader.finish();
  const auto all = contents(engine, tree);
  REQUIRE(all.size() == 10);
  for (const auto& [key, value] : all) {
    CHECK(value.size() == static_cast<std::size_t>(key[0] - 'a') * 300'000);
  }
}

TEST_CASE("SortingLoader: a directory that cannot be made is an error, and nothing is loaded") {
  MinimalEngine engine;
  const Tree tree = engine.open_tree("t");
  SortingLoader loader(engine, tree, {.directory = "/dev/null/runs", .memory_bytes = 100});
  for (int i = 0; i < 10; ++i) {
    try {
      loader.put("key" + std::to_string(i), "value of some length");
    } catch (const Error&) {
      CHECK(contents(engine, tree).empty());
      return;
    }
  }
  CHECK_THROWS_AS(loader.finish(), Error);
  CHECK(contents(engine, tree).empty());
}
