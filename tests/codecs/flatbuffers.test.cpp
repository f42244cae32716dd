// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/flatbuffers.hpp>
#include <varve/testing/codec_laws.hpp>

#include "catch.hpp"
#include "codecs/hostile.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "monster_generated.h"

using namespace varve;
using samples::MonsterT;
using varve_test::kind_of;

static_assert(assert_codec_for<FlatBuffers, MonsterT>());
static_assert(ViewCodecFor<FlatBuffers, MonsterT>);
static_assert(!CodecFor<FlatBuffers, std::string>);

namespace {

std::string bytes_of(const MonsterT& monster) {
  std::string bytes;
  FlatBuffers::encode(monster, bytes);
  return bytes;
}

MonsterT orc() {
  MonsterT monster;
  monster.name = "Orc";
  monster.hit_points = -7;
  monster.place = std::make_unique<samples::Place>(1.5, -2.5F);
  monster.hoard = {"gold", "", std::string("a\0b", 3)};
  monster.numbers = {1, ~0U};
  return monster;
}

std::vector<MonsterT> monsters() {
  MonsterT chief = orc();
  chief.friends.push_back(std::make_unique<MonsterT>(orc()));
  std::vector<MonsterT> all(1);
  all.push_back(orc());
  all.push_back(std::move(chief));
  return all;
}

MonsterT nested(std::size_t depth) {
  MonsterT monster;
  for (std::size_t i = 1; i != depth; ++i) {
    MonsterT outer;
    outer.friends.push_back(std::make_unique<MonsterT>(std::move(monster)));
    monster = std::move(outer);
  }
  return monster;
}

void read_all(const samples::Monster& monster) {
  std::size_t sum = monster.name()->size() + static_cast<std::size_t>(monster.hit_points());
  if (monster.hoard() != nullptr) {
    for (const auto* const text : *monster.hoard()) sum += text->str().size();
  }
  if (monster.numbers() != nullptr) {
    for (const auto number : *monster.numbers()) sum += number;
  }
  if (monster.place() != nullptr) sum += monster.place()->y() > 0;
  if (monster.friends() != nullptr) {
    for (const auto* const other : *monster.friends()) read_all(*other);
  }
  static_cast<void>(sum);
}

}  // namespace

TEST_CASE("FlatBuffers: the laws of codecs") {
  const auto broken = testing::check_codec<FlatBuffers>(monsters());
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
}

TEST_CASE("FlatBuffers: any bytes are a value or corruption, and a view of them stays within") {
  varve_test::expect_bounded<FlatBuffers>(monsters(), varve_test::is_corruption);
  std::vector<std::string> good;
  for (const MonsterT& monster : monsters()) good.push_back(bytes_of(monster));
  varve_test::throw_bytes_at([](BytesView bytes) { read_all(*FlatBuffers::view<MonsterT>(bytes)); },
                             good, varve_test::is_corruption);
}

TEST_CASE("FlatBuffers: a view reads in place where the bytes are aligned, and else a copy") {
  const std::string bytes = bytes_of(orc());
  std::vector<std::uint64_t> aligned(bytes.size() / 8 + 2);
  auto* const data = reinterpret_cast<char*>(aligned.data());
  for (const unsigned shift : {0U, 1U, 4U}) {
    std::memcpy(data + shift, bytes.data(), bytes.size());
    const auto view = FlatBuffers::view<MonsterT>(BytesView(data + shift, bytes.size()));
    CHECK(view.is_copy() == (shift != 0));
    CHECK(view->name()->str() == "Orc");
    CHECK(view->place()->x() == 1.5);
    CHECK(view->numbers()->Get(1) == ~0U);
  }
}

TEST_CASE("FlatBuffers: depth is bounded, both ways") {
  const std::string deepest = bytes_of(nested(60));
  CHECK(bytes_of(FlatBuffers::decode<MonsterT>(deepest)) == deepest);
  CHECK(kind_of([] { return bytes_of(nested(70)); }) == ErrorKind::invalid_argument);
  flatbuffers::FlatBufferBuilder builder;
  const MonsterT deep = nested(70);
  builder.Finish(samples::Monster::Pack(builder, &deep));
  const BytesView bytes(reinterpret_cast<const char*>(builder.GetBufferPointer()),
                        builder.GetSize());
  CHECK(kind_of([&] { return FlatBuffers::decode<MonsterT>(bytes); }) == ErrorKind::corruption);
}

TEST_CASE("FlatBuffers: a table that is shared is visited no more often than bytes allow") {
  flatbuffers::FlatBufferBuilder builder;
  auto friends = samples::CreateMonsterDirect(builder, "x");
  for (int level = 0; level != 20; ++level) {
    const std::vector<flatbuffers::Offset<samples::Monster>> twice(4, friends);
    friends = samples::CreateMonsterDirect(builder, "x", 1, nullptr, nullptr, nullptr, &twice);
  }
  builder.Finish(friends);
  const BytesView bytes(reinterpret_cast<const char*>(builder.GetBufferPointer()),
                        builder.GetSize());
  CHECK(bytes.size() < 3000);
  CHECK(kind_of([&] { return FlatBuffers::decode<MonsterT>(bytes); }) == ErrorKind::corruption);
}
