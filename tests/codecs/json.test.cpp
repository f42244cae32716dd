// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/cbor.hpp>
#include <varve/codecs/either.hpp>
#include <varve/codecs/json.hpp>
#include <varve/codecs/message_pack.hpp>
#include <varve/codecs/ordered.hpp>
#include <varve/codecs/versions.hpp>
#include <varve/testing/codec_laws.hpp>

#include "catch.hpp"
#include "codecs/hostile.hpp"

#include <cmath>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace varve;
using nlohmann::json;
using varve_test::ContainsSubstring;
using varve_test::kind_of;

namespace people {

struct Person {
  std::string name;
  std::int64_t born;
  double score;
  std::vector<std::string> tags;
  bool operator==(const Person&) const = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Person, name, born, score, tags)

struct PersonV2 {
  std::string name;
  bool operator==(const PersonV2&) const = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PersonV2, name)

PersonV2 upgrade(Person&& old) {
  return {std::move(old.name)};
}

struct Broken {};
void to_json(json& tree, const Broken&) {
  tree = json::value_t::discarded;
}
void from_json(const json&, Broken&) {}

}  // namespace people

using namespace people;

namespace {

const std::vector<Person> persons{{"Ada", -1815, 1.5, {"x", "", "\xc3\xa4\"\\\n"}},
                                  {"", std::numeric_limits<std::int64_t>::min(), -0.0, {}},
                                  {std::string("a\0b", 3), 255, 1e300, {"tag"}}};

const std::vector<json> trees{nullptr,
                              true,
                              0,
                              -1,
                              23,
                              24,
                              255,
                              256,
                              65535,
                              65536,
                              -129,
                              -32769,
                              4294967296,
                              1.25,
                              0.1,
                              "",
                              "text",
                              json::array(),
                              json::object(),
                              {1, {2, {3, nullptr}}},
                              {{"b", 1}, {"a", {{"x", false}}}},
                              std::numeric_limits<std::uint64_t>::max()};

template <class C, class T>
std::string bytes_of(const T& value) {
  std::string bytes;
  C::encode(value, bytes);
  return bytes;
}

json nested(std::size_t depth) {
  json tree = 1;
  for (std::size_t i = 0; i != depth; ++i) {
    json outer = json::array();
    outer.push_back(std::move(tree));
    tree = std::move(outer);
  }
  return tree;
}

template <class C, class T>
void refuses(const std::string& bytes, const char* why) {
  INFO(why);
  CHECK_THROWS_WITH(C::template decode<T>(bytes),
                    ContainsSubstring("corruption") && ContainsSubstring(why));
}

}  // namespace

static_assert(LenientCodecFor<Json, Person> && LenientCodecFor<Cbor, Person> &&
              LenientCodecFor<MessagePack, Person>);
static_assert(!CodecFor<Json, std::optional<Broken>*>);

TEMPLATE_TEST_CASE("Codecs of nlohmann-json: the laws of codecs", "", Json, Cbor, MessagePack) {
  for (const auto& broken :
       {testing::check_codec<TestType>(persons), testing::check_codec<TestType>(trees)}) {
    INFO((broken ? to_string(*broken) : ""));
    CHECK_FALSE(broken);
  }
  varve_test::expect_bounded<TestType>(persons, varve_test::is_corruption);
  varve_test::expect_bounded<TestType>(trees, varve_test::is_corruption);
}

TEMPLATE_TEST_CASE("Codecs of nlohmann-json: depth is bounded, both ways", "", Json, Cbor,
                   MessagePack) {
  const std::string deepest = bytes_of<TestType>(nested(100));
  CHECK(TestType::template decode<json>(deepest) == nested(100));
  CHECK(kind_of([] {
          bytes_of<TestType>(nested(101));
          return 0;
        }) == ErrorKind::invalid_argument);
}

TEST_CASE("Codecs of nlohmann-json: a million brackets do not overflow the stack") {
  constexpr std::size_t many = 1'000'000;
  refuses<Json, json>(std::string(many, '['), "deeper");
  refuses<Cbor, json>(std::string(many, '\x81'), "deeper");
  refuses<Cbor, json>(std::string(many, '\x9f'), "deeper");
  refuses<MessagePack, json>(std::string(many, '\x91'), "deeper");
  std::string objects;
  for (int i = 0; i != 1000; ++i) objects += "{\"\":";
  refuses<Json, json>(objects, "deeper");
}

TEST_CASE("Codecs of nlohmann-json: sizes that are not there reserve nothing") {
  refuses<Cbor, json>("\x9b\x0f\xff\xff\xff\xff\xff\xff\xff", "");
  refuses<Cbor, json>("\x5b\x0f\xff\xff\xff\xff\xff\xff\xff", "");
  refuses<Cbor, json>("\xbb\x0f\xff\xff\xff\xff\xff\xff\xff", "");
  refuses<MessagePack, json>("\xdd\xff\xff\xff\xff", "");
  refuses<MessagePack, json>("\xc6\xff\xff\xff\xff", "");
}

TEST_CASE("Codecs of nlohmann-json: what is no such value is corruption") {
  refuses<Json, json>("", "JSON");
  refuses<Json, json>("{\"a\":1,\"a\":2}", "twice");
  refuses<Json, json>("[1] x", "");
  refuses<Json, json>("1e999", "");
  refuses<Json, Person>("{\"name\":1}", "");
  refuses<Json, Person>("[]", "");
  refuses<Cbor, json>("\xc1\x01", "");
  refuses<MessagePack, json>("\xd4\x07x", "subtype");
}

TEST_CASE("Codecs of nlohmann-json: what the format cannot hold is not written") {
  const auto refused = [](auto write) {
    return kind_of([&] {
      write();
      return 0;
    });
  };
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(refused([&] { bytes_of<Json>(json(infinity)); }) == ErrorKind::invalid_argument);
  CHECK(refused([&] { bytes_of<Json>(json(std::nan(""))); }) == ErrorKind::invalid_argument);
  CHECK(refused([&] { bytes_of<Json>(json("\xff")); }) == ErrorKind::invalid_argument);
  CHECK(refused([&] { bytes_of<Json>(json::binary({1, 2})); }) == ErrorKind::invalid_argument);
  CHECK(refused([&] { bytes_of<Cbor>(json::binary({1}, 7)); }) == ErrorKind::invalid_argument);
  CHECK(refused([&] { bytes_of<Cbor>(Broken{}); }) == ErrorKind::invalid_argument);
  CHECK(Cbor::decode<json>(bytes_of<Cbor>(json(infinity))) == json(infinity));
  CHECK(std::isnan(Cbor::decode<double>(bytes_of<Cbor>(std::nan("")))));
  CHECK(Cbor::decode<json>(bytes_of<Cbor>(json::binary({1, 2}))) == json::binary({1, 2}));
}

TEST_CASE("Json: any spelling is read, one is written") {
  const std::string spelled =
      " { \"tags\" : [ ], \"name\":\"A\\u0064a\", \"score\":5e-1,"
      "\"born\":1815 } ";
  const Person ada = Json::decode<Person>(spelled);
  CHECK(ada == Person{"Ada", 1815, 0.5, {}});
  CHECK(bytes_of<Json>(ada) == R"({"born":1815,"name":"Ada","score":0.5,"tags":[]})");
  CHECK_FALSE(Json::is_current<Person>(spelled));
  CHECK(Json::is_current<Person>(bytes_of<Json>(ada)));
}

TEMPLATE_TEST_CASE("Codecs of nlohmann-json: a codec says which bytes its records begin with", "",
                   Json, Cbor, MessagePack) {
  std::size_t taken = 0;
  for (unsigned first = 0; first != 256; ++first) {
    for (const char* const rest : {"", "1", "]", "}", "rue", "alse", "ull", "\"",
                                   "\xbb\xbf"
                                   "1"}) {
      const std::string bytes = std::string(1, static_cast<char>(first)) + rest;
      for (const unsigned zeros : {0U, 1U, 2U, 4U, 8U, 32U, 300U}) {
        const std::string longer = bytes + std::string(zeros, '\0');
        if (kind_of([&] { return TestType::template decode<json>(longer); })) continue;
        INFO(testing::show(longer));
        CHECK(TestType::template may_begin_with<json>(static_cast<unsigned char>(first)));
        ++taken;
      }
    }
  }
  CHECK(taken > 10);
}

TEST_CASE("Versions and Either over JSON: records without a tag are recognised") {
  using Mixed = Versions<Json, Untagged<Person>, PersonV2>;
  const std::string old = bytes_of<Json>(persons[0]);
  CHECK(Mixed::decode<PersonV2>(old) == PersonV2{"Ada"});
  CHECK(bytes_of<Mixed>(PersonV2{"Ada"}) == "\x02{\"name\":\"Ada\"}");
  CHECK(Mixed::decode<PersonV2>(bytes_of<Mixed>(PersonV2{"Ada"})) == PersonV2{"Ada"});
  CHECK_FALSE(testing::check_codec<Mixed>(std::vector<PersonV2>{{""}, {"Ada"}}));

  using Moved = Either<Cbor, Json>;
  CHECK(Moved::decode<Person>(old) == persons[0]);
  CHECK(bytes_of<Moved>(persons[0]) == '\xff' + bytes_of<Cbor>(persons[0]));
  const auto broken = testing::check_codec<Moved>(persons);
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
  using Next = Either<Json, MessagePack, FirstByte<0x80, 0x8f>>;
  CHECK(Next::decode<Person>(bytes_of<MessagePack>(persons[1])) == persons[1]);
}
