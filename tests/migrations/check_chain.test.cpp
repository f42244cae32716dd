// SPDX-License-Identifier: Apache-2.0
#include <varve/testing/check_chain.hpp>

#include "catch.hpp"
#include "migrations/blocks.hpp"
#include "migrations/customers.hpp"
#include "temp_directory.hpp"

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

using namespace varve;
using varve::testing::ChainCheck;
using varve::testing::ChainReport;
using varve::testing::check_chain;
using varve_test::ContainsSubstring;
using varve_test::TempDirectory;
namespace blocks = varve_test::blocks;
namespace customers = varve_test::customers;

/// Conversions take what programs make: no more euros than fit as cents.
template <>
struct varve::testing::Generator<customers::CustomerV2> {
  static customers::CustomerV2 make(GeneratorRandom& random) {
    return {random(), generate<std::string>(random), generate<std::string>(random),
            random() % 1'000'000};
  }
};

/// A block lies under its height.
template <>
struct varve::testing::EntryGenerator<blocks::BlockTree, blocks::BlockV1> {
  static std::pair<std::uint64_t, blocks::BlockV1> make(GeneratorRandom& random) {
    const auto block = generate<blocks::BlockV1>(random);
    return {block.height, block};
  }
};

namespace {

struct Forgets : Step<1, 2> {
  static constexpr auto description = "claims to be lossless";
  using Tree = blocks::BlockTree;
  using In = blocks::BlockV2;
  using Out = blocks::BlockV1;
  static Out convert(const In& block) { return {block.height, block.hash}; }
  static In invert(const Out& block) { return {block.height, block.hash, block.height * 17}; }
};

struct LeavesOut : Step<1, 2> {
  static constexpr auto description = "does not set what it adds";
  using Tree = blocks::BlockTree;
  using In = blocks::BlockV1;
  using Out = blocks::BlockV2;
  static Out convert(const In& block) { return {block.height, block.hash, {}}; }
  static In invert(const Out& block) { return {block.height, block.hash}; }
};

struct RefusesAll : LeavesOut {
  static Out convert(const In&) { throw Error(ErrorKind::corruption, {.message = "never"}); }
};

}  // namespace

TEST_CASE("check_chain: chains that hold what they promise") {
  const ChainReport report = check_chain<blocks::ToFour>();
  INFO(to_string(report));
  CHECK(report.good());
  CHECK(report.conversions == 3);
  CHECK(report.records == 900);
  CHECK(report.unset.empty());
  CHECK(check_chain<customers::ToThree>({.seed = 7}).good());
}

TEST_CASE("check_chain: an inverse that does not lead back is found") {
  const ChainReport report = check_chain<MigrationChain<Forgets>>();
  REQUIRE(report.problems.size() == 1);
  CHECK_THAT(report.problems[0], ContainsSubstring("step 1 to 2, tree blocks"));
  CHECK_THAT(report.problems[0], ContainsSubstring("is not the record that was converted"));
}

TEST_CASE("check_chain: a field that is never set is named") {
  const ChainReport report = check_chain<MigrationChain<LeavesOut>>();
  CHECK(report.good());
  REQUIRE(report.unset.size() == 1);
  CHECK_THAT(report.unset[0], ContainsSubstring("work"));
}

TEST_CASE("check_chain: a conversion that takes nothing is a problem") {
  const ChainReport report = check_chain<MigrationChain<RefusesAll>>();
  CHECK(report.refused == 300);
  REQUIRE_FALSE(report.good());
  CHECK_THAT(report.problems.back(), ContainsSubstring("refuses every record"));
}

TEST_CASE("check_chain: bytes that were kept are read for ever") {
  const TempDirectory home;
  const ChainCheck check{.golden_file = home.path() + "/golden.txt"};
  const ChainReport first = check_chain<blocks::ToFour>(check);
  CHECK(first.good());
  CHECK(first.new_goldens == 4);
  const ChainReport second = check_chain<blocks::ToFour>(check);
  CHECK(second.good());
  CHECK(second.new_goldens == 0);
  CHECK(second.goldens == second.layouts);

  std::string text;
  {
    std::ifstream file(check.golden_file);
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  const auto with = [&](const std::string& old, const std::string& fresh) {
    std::string edited = text;
    edited.replace(edited.find(old), old.size(), fresh);
    std::ofstream(check.golden_file) << edited;
    return check_chain<blocks::ToFour>(check);
  };
  const ChainReport renamed = with("hash:bytes,work", "name:bytes,work");
  REQUIRE_FALSE(renamed.good());
  CHECK_THAT(renamed.problems[0], ContainsSubstring("a layout that was released stays as it is"));
  const std::size_t bytes = text.find("blocks 2 ") + 9;
  const std::string kept = text.substr(bytes, text.find(' ', bytes) - bytes);
  const ChainReport unreadable = with(kept, "ff");
  REQUIRE_FALSE(unreadable.good());
  CHECK_THROWS_AS(with("blocks 2 ", "blocks 2 xy"), Error);
}

TEST_CASE("carry: fields of the same name and type, and what is said of the others") {
  const auto block =
      carry<blocks::BlockV2>(blocks::BlockV1{3, "three"}, with<&blocks::BlockV2::work>(51));
  CHECK(block == blocks::BlockV2{3, "three", 51});
  CHECK(carry<blocks::BlockV1>(block, without<&blocks::BlockV2::work>) ==
        blocks::BlockV1{3, "three"});
}
