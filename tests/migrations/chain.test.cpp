// SPDX-License-Identifier: Apache-2.0
#include <varve/migrations/chain.hpp>
#include <varve/migrations/evolving.hpp>
#include <varve/migrations/facts.hpp>
#include <varve/testing/codec_laws.hpp>

#include "catch.hpp"
#include "migrations/blocks.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

using namespace varve;
using namespace varve_test::blocks;

static_assert(ToFour::oldest == 1 && ToFour::latest == 4);
static_assert(ToFour::leads_back_to(3) && !ToFour::leads_back_to(2) && ToTwo::leads_back_to(1));
static_assert(EvolvingCodecFor<Evolving<ToThree, BlockTree>, BlockV1>);
static_assert(std::is_same_v<Evolving<ToTwo, BlockTree>::Record, BlockV2>);
static_assert(std::is_same_v<Evolving<ToFour, HashTree>::Record, BlockV1>);
static_assert(std::is_same_v<Frozen<BlockV1, Packed::fingerprint<BlockV1>().value>, BlockV1>);

TEST_CASE("MigrationChain: a codec of the chain reads every layout and writes the newest") {
  using Codec = Evolving<ToThree, BlockTree>;
  const BlockV1 block{5, "five"};
  CHECK(Codec::decode<BlockV1>(record_of(block, "\x01")) == block);
  CHECK(Codec::decode<BlockV1>(record_of(BlockV2{5, "five", 85}, "\x02")) == block);
  CHECK(Codec::decode<BlockV1>(record_of(block, "\x03")) == block);
  CHECK_FALSE(Codec::is_current<BlockV1>(record_of(block, "\x01")));
  CHECK_FALSE(Codec::view<BlockV1>(record_of(BlockV2{5, "five", 85}, "\x02")));
  const std::string newest = record_of(block, "\x03");
  REQUIRE(Codec::view<BlockV1>(newest));
  CHECK(Codec::view<BlockV1>(newest)->get<&BlockV1::hash>() == "five");
  CHECK_THROWS_AS(Codec::decode<BlockV1>(record_of(block, "\x04")), Error);
  CHECK_THROWS_AS(Codec::decode<BlockV1>(""), Error);
  CHECK(Codec::identity<BlockV1>() ==
        "packed 1={height:u64,hash:bytes} 2={height:u64,hash:bytes,work:u64} "
        "3={height:u64,hash:bytes}");
}

TEST_CASE("MigrationChain: a conversion over several versions goes through each of them") {
  using Codec = Evolving<ToTwo, BlockTree>;
  CHECK(Codec::decode<BlockV2>(record_of(BlockV1{5, "five"}, "\x01")) ==
        BlockV2{5, "five", 5 * 17});
}

TEST_CASE("MigrationChain: a step is known by what it means, not by its words") {
  const auto steps = steps_of<ToFour>();
  REQUIRE(steps.size() == 3);
  CHECK(steps[0].from == 1);
  CHECK(steps[1].loss.lossy);
  CHECK(steps[0].identity == steps_of<ToTwo>()[0].identity);
  CHECK(steps[0].identity != steps[2].identity);
  // Stored in ledgers: a number that changes makes stores diverge.
  CHECK(steps[0].identity == 0xd5c103d9934554ceU);
}

namespace {

template <std::uint32_t n>
struct Counter {
  std::uint64_t value = 0;
  std::array<std::uint8_t, n> pad{};
};

using CounterTree = RecordTree<"counters", std::uint64_t>;

template <std::uint32_t n>
struct Grow : Step<n, n + 1> {
  static constexpr auto description = "one byte more";
  using Tree = CounterTree;
  using In = Counter<n>;
  using Out = Counter<n + 1>;
  static Out convert(const In& counter) { return {.value = counter.value + n}; }
  static In invert(const Out& counter) { return {.value = counter.value - n}; }
};

template <class List>
struct Long;
template <std::size_t... i>
struct Long<std::index_sequence<i...>> {
  using type = MigrationChain<Grow<static_cast<std::uint32_t>(i + 1)>...>;
};
using FiftySteps = Long<std::make_index_sequence<50>>::type;

}  // namespace

TEST_CASE("MigrationChain: fifty steps") {
  static_assert(FiftySteps::latest == 51);
  using Codec = Evolving<FiftySteps, CounterTree>;
  CHECK(Codec::decode<Counter<51>>(record_of(Counter<1>{.value = 7}, "\x01")).value ==
        7 + 50 * 51 / 2);
  CHECK(Codec::decode<Counter<51>>(record_of(Counter<50>{.value = 7}, "\x32")).value == 57);
}
