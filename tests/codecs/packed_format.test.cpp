// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/packed.hpp>

#include "catch.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

using namespace varve;
using namespace std::string_literals;
using varve_test::ContainsSubstring;

namespace {

template <class T>
std::string bytes_of(const T& value) {
  std::string bytes;
  Packed::encode(value, bytes);
  return bytes;
}

/// The reason for which `bytes` are refused, empty where they are not.
template <class T>
std::string refusal(BytesView bytes) {
  try {
    static_cast<void>(Packed::decode<T>(bytes));
    return "";
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::corruption);
    return error.details().message;
  }
}

enum class Colour : std::int8_t { red = -1, green = 0 };

struct Person {
  std::uint32_t id;
  std::string name;
  std::optional<std::uint16_t> age;
  std::vector<std::string> tags;
  bool active;
};

struct Point {
  double x;
  double y;
};

struct Path {
  std::string name;
  std::vector<Point> points;
  std::map<std::string, std::variant<std::monostate, std::int64_t, std::string>> notes;
  std::array<std::uint8_t, 16> id;
  std::chrono::milliseconds took;
  Colour colour;
  std::pair<char, Point> mark;
  std::set<std::uint64_t> heights;
  std::unordered_set<std::string> words;
};

static_assert(pinned_layout<Person, 0x588047869e9d01ae>);
static_assert(pinned_layout<Point, 0x80016039c33d06d0>);
static_assert(pinned_layout<Path, 0x65bd5306a3c0bc1b>);

// Names, order and types are part of a layout.
struct Renamed {
  double x;
  double z;
};
struct Turned {
  double y;
  double x;
};
struct Narrower {
  float x;
  float y;
};
struct Same {
  double x;
  double y;
};
static_assert(Packed::fingerprint<Point>() == Packed::fingerprint<Same>());
static_assert(Packed::fingerprint<Point>() != Packed::fingerprint<Renamed>());
static_assert(Packed::fingerprint<Point>() != Packed::fingerprint<Turned>());
static_assert(Packed::fingerprint<Point>() != Packed::fingerprint<Narrower>());
// Members of every shape are told apart and named.
struct OneOptional {
  std::optional<std::string> a;
};
struct OneVariant {
  std::variant<int, std::string> a;
};
struct OneArray {
  std::array<int, 3> a;
};
struct OneStruct {
  OneArray a;
};
struct WithDefaults {
  int number_2 = 3;
  std::string _text = "x";
  static constexpr int shared = 2;
  [[nodiscard]] int twice() const { return shared * number_2; }
};
template <class T>
struct Template {
  T value;
  std::vector<T> values;
};
struct OfTemplates {
  Template<std::int32_t> numbers;
  Template<std::string> texts;
};
static_assert(Packed::identity<OneOptional>() == "{a:?bytes}");
static_assert(Packed::identity<OneVariant>() == "{a:<i32|bytes>}");
static_assert(Packed::identity<OneStruct>() == "{a:{a:[3]i32}}");
static_assert(Packed::identity<WithDefaults>() == "{number_2:i32,_text:bytes}");
static_assert(Packed::identity<OfTemplates>() ==
              "{numbers:{value:i32,values:[]i32},texts:{value:bytes,values:[]bytes}}");
static_assert(Fingerprint::of("").value == 0xcbf29ce484222325);
static_assert(Fingerprint::of("foobar").value == 0x85944171f73967e8);

struct Named {
  std::string name;
};

// What has another form elsewhere, or none, is not packed.
struct Base {
  int a;
};
struct Derived : Base {
  int b;
};
struct WithText {
  char text[4];
};
struct WithConst {
  const int number;
};
static_assert(!PackedType<int*> && !PackedType<BytesView> && !PackedType<long double>);
static_assert(!PackedType<wchar_t> && !PackedType<Derived> && !PackedType<WithText>);
static_assert(!PackedType<WithConst> && !PackedType<std::vector<std::monostate>>);
static_assert(!PackedType<std::map<double, int>> && !PackedType<std::multiset<int>>);
static_assert(!PackedType<std::map<int, int, std::greater<>>> && !PackedType<void>);
static_assert(!CodecFor<Packed, int*> && !CodecFor<Packed, Derived>);
static_assert(ViewCodecFor<Packed, Path> && assert_codec_for<Packed, Path>());

}  // namespace

TEST_CASE("Packed: the example of docs/formats/packed.md") {
  const Person ada{258, "Ada", 36, {"x", "", "yz"}, true};
  CHECK(Packed::identity<Person>() == "{id:u32,name:bytes,age:?u16,tags:[]bytes,active:bool}");
  CHECK(bytes_of(ada) ==
        "\1"              // Ends are of one byte.
        "\2\1\0\0"        // id
        "\1"              // active
        "\3\5"            // the ends of name and age
        "Ada"             // name
        "\x24\0"          // age
        "\1\3\1\1xyz"s);  // tags: three, which end at 1, 1 and the end
}

TEST_CASE("Packed: the bytes of each kind") {
  CHECK(bytes_of(std::int16_t{-2}) == "\xfe\xff");
  CHECK(bytes_of(1.0) == "\0\0\0\0\0\0\xf0\x3f"s);
  CHECK(bytes_of(1.0F) == "\0\0\x80\x3f"s);
  CHECK(bytes_of(Colour::red) == "\xff");
  CHECK(bytes_of(std::byte{7}) == "\7");
  CHECK(bytes_of(std::chrono::seconds(1)) == "\1\0\0\0\0\0\0\0"s);
  CHECK(bytes_of("a\0"s) == "a\0"s);
  CHECK(bytes_of(std::vector<std::uint16_t>{1, 2}) == "\1\0\2\0"s);
  CHECK(bytes_of(std::vector<std::string>{}).empty());
  CHECK(bytes_of(std::vector<std::string>{""}) == "\1\1");
  CHECK(bytes_of(std::vector<std::string>{"a", "b"}) == "\1\2\1ab");
  CHECK(bytes_of(std::array<std::string, 1>{"a"}) == "a");
  CHECK(bytes_of(std::array<std::string, 2>{"a", "b"}) == "\1\1ab");
  CHECK(bytes_of(std::tuple<std::string, std::uint8_t, std::string>("a", 7, "b")) == "\1\7\1ab");
  CHECK(bytes_of(std::tuple<std::string, std::uint8_t>("a", 7)) == "\7a");
  CHECK(bytes_of(std::optional<bool>()).empty());
  CHECK(bytes_of(std::optional<bool>(false)) == "\0"s);
  CHECK(bytes_of(std::optional<std::string>("")) == "\1");
  CHECK(bytes_of(std::variant<bool, std::string>("a")) == "\1a");
  CHECK(bytes_of(std::map<std::uint8_t, bool>{{1, true}, {2, false}}) == "\1\1\2\0"s);
  CHECK(bytes_of(std::map<std::string, std::uint8_t>{{"b", 2}, {"a", 1}}) == "\1\2\2\1a\2b");
  CHECK(bytes_of(std::unordered_map<std::string, std::uint8_t>{{"b", 2}, {"a", 1}}) ==
        "\1\2\2\1a\2b");
}

TEST_CASE("Packed: offsets are as wide as the last that is written needs") {
  using Strings = std::vector<std::string>;
  CHECK(bytes_of(Strings{std::string(255, 'a'), "b"}).substr(0, 3) == "\1\2\xff");
  CHECK(bytes_of(Strings{std::string(256, 'a'), "b"}).substr(0, 5) == "\2\2\0\0\1"s);
  CHECK(bytes_of(Strings{"b", std::string(256, 'a')}).substr(0, 3) == "\1\2\1");
  CHECK(bytes_of(Strings(255)).substr(0, 2) == "\1\xff");
  CHECK(bytes_of(Strings(256)).substr(0, 3) == "\2\0\1"s);
  CHECK(bytes_of(Strings{std::string(65536, 'a'), "b"}).substr(0, 9) == "\4\2\0\0\0\0\0\1\0"s);
  CHECK(bytes_of(std::pair(std::string(65536, 'a'), "b"s)).substr(0, 5) == "\4\0\0\1\0"s);
  CHECK(bytes_of(std::pair("b"s, std::string(300, 'a'))).substr(0, 3) == "\1\1b");
  CHECK(bytes_of(std::array{"b"s, std::string(300, 'a')}).substr(0, 3) == "\1\1b");
  for (const std::size_t size : {255U, 256U, 65535U, 65536U}) {
    const Strings strings{"x", std::string(size - 1, 'a'), "", "b"};
    CHECK(Packed::decode<Strings>(bytes_of(strings)) == strings);
  }
}

TEST_CASE("Packed: the names of types") {
  CHECK(Packed::identity<Path>() ==
        "{name:bytes,points:[]{x:f64,y:f64},notes:map(bytes,<()|i64|bytes>),id:[16]u8,"
        "took:time 1/1000 i64,colour:i8,mark:(char,{x:f64,y:f64}),heights:set(u64),"
        "words:set(bytes)}");
  CHECK(Packed::identity<std::tuple<>>() == "()");
  CHECK(Packed::identity<std::vector<std::optional<bool>>>() == "[]?bool");
  CHECK(to_string(Fingerprint{0x0123456789abcdef}) == "0x0123456789abcdef");
}

TEST_CASE("Packed: another spelling of a value is refused, with the reason") {
  using Strings = std::vector<std::string>;
  using Pair = std::pair<std::string, std::string>;
  using Map = std::map<std::uint8_t, std::string>;
  CHECK_THAT(refusal<bool>("\2"), ContainsSubstring("a bool is neither 0 nor 1"));
  CHECK_THAT(refusal<int>("\1\2\3"), ContainsSubstring("too few or too many"));
  CHECK_THAT(refusal<int>("\1\2\3\4\5"), ContainsSubstring("too few or too many"));
  CHECK_THAT(refusal<Pair>(""), ContainsSubstring("they end too soon"));
  CHECK_THAT(refusal<Pair>("\1"), ContainsSubstring("they end too soon"));
  CHECK_THAT(refusal<Pair>("\3\0ab"s), ContainsSubstring("1, 2 or 4 bytes wide"));
  CHECK_THAT(refusal<Pair>("\2\1\0ab"s), ContainsSubstring("wider than need be"));
  CHECK_THAT(refusal<Pair>("\1\3ab"), ContainsSubstring("beyond the end"));
  CHECK_THAT(refusal<Strings>(BytesView("\1\0", 2)), ContainsSubstring("empty list"));
  CHECK_THAT(refusal<Strings>("\1\3\2\1ab"), ContainsSubstring("goes back"));
  CHECK_THAT(refusal<Strings>("\1\5\1"), ContainsSubstring("fewer elements than they say"));
  CHECK_THAT(refusal<Strings>("\2\2\0\1\0ab"s), ContainsSubstring("wider than need be"));
  CHECK_THAT(refusal<std::vector<std::uint16_t>>("\1"), ContainsSubstring("cut off"));
  CHECK_THAT(refusal<std::vector<bool>>("\1\2"), ContainsSubstring("neither 0 nor 1"));
  CHECK_THAT(refusal<std::optional<std::string>>("\2a"), ContainsSubstring("starts with 01"));
  CHECK_THAT((refusal<std::variant<int, bool>>("\2")), ContainsSubstring("fewer alternatives"));
  CHECK_THAT((refusal<std::variant<int, bool>>("")), ContainsSubstring("end too soon"));
  CHECK_THAT(refusal<std::set<std::uint8_t>>("\2\1"), ContainsSubstring("do not ascend"));
  CHECK_THAT(refusal<std::set<std::uint8_t>>("\1\1"), ContainsSubstring("do not ascend"));
  CHECK_THAT(refusal<Map>("\1\2\1\2\1"), ContainsSubstring("do not ascend"));
  CHECK(refusal<Map>("\1\2\1\1\2").empty());
}

TEST_CASE("Packed: a variant without a value is refused before anything is written") {
  struct Throws {
    operator Named() const { throw 1; }  // NOLINT(google-explicit-constructor)
  };
  std::variant<int, Named> value;
  try {
    value.emplace<Named>(Throws());
  } catch (int) {
  }
  REQUIRE(value.valueless_by_exception());
  std::string bytes = "before";
  try {
    Packed::encode(value, bytes);
    FAIL("it was encoded");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid_argument);
  }
  CHECK(bytes == "before");
}
