// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/cereal.hpp>
#include <varve/testing/codec_laws.hpp>

#include "catch.hpp"
#include "codecs/hostile.hpp"

#include <cereal/archives/portable_binary.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace varve;
using varve_test::ContainsSubstring;
using varve_test::kind_of;

namespace people {

enum class Kind : std::uint8_t { some, other };

struct Person {
  std::string name;
  std::int64_t born = 0;
  double score = 0;
  bool alive = false;
  Kind kind = Kind::some;
  std::vector<std::string> tags;
  std::vector<std::uint32_t> numbers;
  std::map<std::string, std::uint16_t> counts;
  std::optional<std::string> note;
  std::variant<std::uint8_t, std::string> either;

  bool operator==(const Person&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(name), born, score, alive, kind, tags, numbers, counts, note, either);
  }
};

struct Node {
  std::uint8_t value = 0;
  std::unique_ptr<Node> next;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(value, next);
  }
};

struct Opaque {};

}  // namespace people

using namespace people;

static_assert(assert_codec_for<Cereal, Person>());
static_assert(!CodecFor<Cereal, Opaque>);

namespace {

const std::vector<Person> persons{
    {},
    {"Ada", -1815, 0.5, true, Kind::other, {"x", ""}, {1, ~0U}, {{"a", 1}, {"b", 2}}, "note", "v"}};

template <class T>
std::string bytes_of(const T& value) {
  std::string bytes;
  Cereal::encode(value, bytes);
  return bytes;
}

Node chain(std::size_t length) {
  Node node;
  for (std::size_t i = 1; i != length; ++i) {
    Node outer;
    outer.next = std::make_unique<Node>(std::move(node));
    node = std::move(outer);
  }
  return node;
}

}  // namespace

TEST_CASE("Cereal: the laws of codecs") {
  const auto broken = testing::check_codec<Cereal>(persons);
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
  varve_test::expect_bounded<Cereal>(persons, varve_test::is_corruption);
}

TEST_CASE("Cereal: the bytes are those of cereal's portable binary archive") {
  for (const Person& person : persons) {
    std::ostringstream stream;
    cereal::PortableBinaryOutputArchive archive(
        stream, cereal::PortableBinaryOutputArchive::Options::LittleEndian());
    archive(person);
    CHECK(bytes_of(person) == stream.str());
  }
}

TEST_CASE("Cereal: depth is bounded, both ways") {
  const Node back = Cereal::decode<Node>(bytes_of(chain(20)));
  CHECK(bytes_of(back) == bytes_of(chain(20)));
  CHECK_THROWS_WITH(bytes_of(chain(1000)), ContainsSubstring("invalid_argument"));
  std::string bytes = bytes_of(chain(1));
  bytes.pop_back();
  const std::string link = bytes_of(chain(2)).substr(bytes.size(), 2);
  for (int i = 0; i != 100'000; ++i) bytes += link;
  CHECK_THROWS_WITH(Cereal::decode<Node>(bytes), ContainsSubstring("too deep"));
}

TEST_CASE("Cereal: a size that is not there makes no room") {
  const std::string huge = std::string("\x01\xff\xff\xff\xff\xff\xff\xff\x0f", 9);
  for (const auto& kind :
       {kind_of([&] { return Cereal::decode<std::vector<std::uint64_t>>(huge); }),
        kind_of([&] { return Cereal::decode<std::vector<std::string>>(huge); }),
        kind_of([&] { return Cereal::decode<std::string>(huge); }),
        kind_of([&] { return Cereal::decode<std::map<int, int>>(huge); })}) {
    CHECK(kind == ErrorKind::corruption);
  }
  CHECK(kind_of([] { return Cereal::decode<bool>("\x01\x02"); }) == ErrorKind::corruption);
  CHECK(kind_of([] { return Cereal::decode<std::uint8_t>("\x01\x02\x03"); }) ==
        ErrorKind::corruption);
  CHECK(kind_of([] { return Cereal::decode<std::uint8_t>("\x02\x02"); }) == ErrorKind::corruption);
}
