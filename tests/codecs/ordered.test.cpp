// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/ordered.hpp>
#include <varve/concepts/key_range.hpp>
#include <varve/testing/codec_laws.hpp>
#include <varve/testing/seed.hpp>

#include "catch.hpp"

#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <compare>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace varve;
using varve_test::ContainsSubstring;

namespace {

template <class T>
std::string bytes_of(const T& value) {
  std::string bytes;
  Ordered::encode(value, bytes);
  return bytes;
}

template <class T>
void keeps_the_laws(const std::vector<T>& values) {
  const auto broken = testing::check_codec<Ordered>(values);
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
  for (const T& a : values) {
    for (const T& b : values) {
      const std::string first = bytes_of(a);
      const std::string second = bytes_of(b);
      if (first != second && second.starts_with(first)) FAIL("a key is a prefix of another");
    }
  }
}

template <class T>
std::vector<T> nasty_integers() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> values{Limits::min(),
                        static_cast<T>(Limits::min() + 1),
                        0,
                        1,
                        2,
                        127,
                        static_cast<T>(Limits::max() - 1),
                        Limits::max(),
                        static_cast<T>(-1)};
  for (unsigned bit = 0; bit + 1 < 8 * sizeof(T); ++bit) {
    values.push_back(static_cast<T>(T{1} << bit));
    values.push_back(static_cast<T>((T{1} << bit) - 1));
    values.push_back(static_cast<T>(~(T{1} << bit)));
  }
  return values;
}

std::vector<std::string> nasty_strings() {
  using namespace std::string_literals;
  std::vector<std::string> values{""s,         "\0"s, "\0\0"s, "\0\xff"s, "\xff"s,   "\xff\0"s,
                                  "\xff\xff"s, "a"s,  "a\0"s,  "a\0b"s,   "a\0\0b"s, "a\0\xff"s,
                                  "a\1"s,      "ab"s, "b"s,    "\1"s,     "\0\1"s};
  values.emplace_back(200, 'x');
  values.emplace_back(70, '\0');
  return values;
}

enum class Colour : std::int8_t { red = -1, green = 0, blue = 1 };

struct Inner {
  std::uint16_t number;
  std::string text;
  auto operator<=>(const Inner&) const = default;
};

struct Key {
  std::string owner;
  std::optional<std::int32_t> height;
  Inner inner;
  std::array<std::uint8_t, 4> id;
  Colour colour;
  auto operator<=>(const Key&) const = default;
};

struct Unordered {
  int a;
};

class Closed {
 public:
  auto operator<=>(const Closed&) const = default;

 private:
  int a_ = 0;
};

}  // namespace

TEMPLATE_TEST_CASE("Ordered: integers", "", std::int8_t, std::uint8_t, std::int16_t, std::uint16_t,
                   std::int32_t, std::uint32_t, std::int64_t, std::uint64_t, char8_t, char32_t) {
  keeps_the_laws(nasty_integers<TestType>());
  CHECK(bytes_of(TestType{1}).size() == sizeof(TestType));
}

TEST_CASE("Ordered: the bytes are those of docs/formats/ordered.md") {
  using namespace std::string_literals;
  CHECK(bytes_of(std::uint32_t{0x01020304}) == "\x01\x02\x03\x04");
  CHECK(bytes_of(std::int16_t{-1}) == "\x7f\xff");
  CHECK(bytes_of(std::int16_t{1}) == "\x80\x01");
  CHECK(bytes_of(true) == "\x01");
  CHECK(bytes_of(1.0) == "\xbf\xf0\0\0\0\0\0\0"s);
  CHECK(bytes_of(-1.0F) == "\x40\x7f\xff\xff");
  CHECK(bytes_of("a\0b"s) == "a\0\xff"s + "b\0\0"s);
  CHECK(bytes_of(std::optional<bool>()) == "\0"s);
  CHECK(bytes_of(std::optional<bool>(false)) == "\1\0"s);
  CHECK(bytes_of(Descending{std::uint8_t{1}}) == "\xfe");
  CHECK(bytes_of(Descending{"a"s}) == "\x9e\xff\xff");
  CHECK(bytes_of(std::pair("a"s, std::uint8_t{7})) == "a\0\0\x07"s);
  CHECK(bytes_of(std::array<std::uint8_t, 2>{1, 2}) == "\1\2");
  CHECK(bytes_of(Inner{258, "x"}) == "\1\2x\0\0"s);
}

TEST_CASE("Ordered: floats have the total order of IEEE 754") {
  using Limits = std::numeric_limits<double>;
  const std::vector<double> ascending{-Limits::infinity(),  Limits::lowest(),      -1.5, -1,
                                      -Limits::min(),       -Limits::denorm_min(), -0.0, 0.0,
                                      Limits::denorm_min(), Limits::min(),         1,    1.5,
                                      Limits::max(),        Limits::infinity()};
  for (std::size_t i = 1; i != ascending.size(); ++i) {
    CHECK(bytes_of(ascending[i - 1]) < bytes_of(ascending[i]));
    CHECK(bytes_of(static_cast<float>(i) - 7.5F) < bytes_of(static_cast<float>(i) - 6.5F));
  }
  CHECK(bytes_of(Limits::infinity()) < bytes_of(Limits::quiet_NaN()));
  CHECK(bytes_of(-Limits::quiet_NaN()) < bytes_of(-Limits::infinity()));
  for (const double value : ascending) {
    CHECK(std::bit_cast<std::uint64_t>(Ordered::decode<double>(bytes_of(value))) ==
          std::bit_cast<std::uint64_t>(value));
  }
  keeps_the_laws<double>({-Limits::infinity(), -2, 0.0, 1, 3, Limits::infinity()});
  keeps_the_laws<float>({-3, 0.0F, 1, 3});
}

TEST_CASE("Ordered: byte strings with zeros anywhere") {
  keeps_the_laws(nasty_strings());
  std::vector<std::vector<std::byte>> binary;
  for (const std::string& text : nasty_strings()) {
    binary.emplace_back();
    for (const char c : text) binary.back().push_back(static_cast<std::byte>(c));
  }
  keeps_the_laws(binary);
}

TEST_CASE("Ordered: parts do not run into each other") {
  std::vector<std::pair<std::string, std::string>> pairs;
  std::vector<std::tuple<Descending<std::string>, std::uint8_t, std::string>> mixed;
  for (const std::string& a : nasty_strings()) {
    if (a.size() > 20) continue;
    for (const std::string& b :
         {std::string(), std::string(1, '\0'), std::string("\xff"), std::string("a")}) {
      pairs.emplace_back(a, b);
      mixed.emplace_back(Descending{a}, std::uint8_t{0xff}, b);
      mixed.emplace_back(Descending{a}, std::uint8_t{0}, b);
    }
  }
  keeps_the_laws(pairs);
  keeps_the_laws(mixed);
}

TEST_CASE("Ordered: optionals, enums, bools, arrays, times, and the other way round") {
  using namespace std::chrono_literals;
  keeps_the_laws<std::optional<std::string>>({std::nullopt, "", "a", std::string(1, '\0')});
  keeps_the_laws<std::optional<std::optional<bool>>>(
      {std::nullopt, std::optional<bool>(), std::optional<bool>(false), std::optional<bool>(true)});
  keeps_the_laws<Colour>({Colour::red, Colour::green, Colour::blue});
  keeps_the_laws<bool>({false, true});
  keeps_the_laws<std::array<std::uint8_t, 3>>({{0, 0, 0}, {0, 0, 1}, {0, 1, 0}, {255, 255, 255}});
  keeps_the_laws<std::array<std::string, 2>>({{"", "a"}, {"a", ""}, {"a", "a"}});
  keeps_the_laws<std::chrono::milliseconds>({-1ms, 0ms, 1ms, 1h});
  keeps_the_laws<std::chrono::sys_seconds>(
      {std::chrono::sys_seconds(-5s), std::chrono::sys_seconds(0s)});
  keeps_the_laws<Descending<std::int32_t>>({{-1}, {0}, {1}, {std::numeric_limits<int>::min()}});
  keeps_the_laws<Descending<Descending<std::string>>>({{{"a"}}, {{"ab"}}, {{""}}});
}

TEST_CASE("Ordered: structs, by their members") {
  std::vector<Key> keys;
  for (const std::string owner : {"", "a", "ab"}) {
    for (const std::optional<std::int32_t> height : {std::optional<std::int32_t>(), {-1}, {2}}) {
      for (const std::string text : {"", "z"}) {
        keys.push_back({owner, height, {1, text}, {0, 1, 2, 3}, Colour::red});
        keys.push_back({owner, height, {256, text}, {0, 1, 2, 3}, Colour::blue});
      }
    }
  }
  keeps_the_laws(keys);
}

TEST_CASE("Ordered: random tuples are ordered as their bytes") {
  const std::uint64_t seed = testing::seed_of_environment();
  INFO("VARVE_SEED=" << seed);
  std::mt19937_64 random(seed);
  using Tuple =
      std::tuple<std::string, Descending<std::int64_t>, std::optional<std::uint16_t>, bool>;
  std::map<Tuple, std::string> by_value;
  const auto number = [&](std::uint64_t below) { return random() % below; };
  for (int i = 0; i != 3000; ++i) {
    std::string text;
    for (std::uint64_t left = number(4); left != 0; --left) {
      text += static_cast<char>(std::array{0, 1, 97, 255}[number(4)]);
    }
    const Tuple tuple(text, {static_cast<std::int64_t>(number(5)) - 2},
                      number(2) == 0 ? std::nullopt : std::optional(std::uint16_t(number(3))),
                      number(2) == 0);
    by_value[tuple] = bytes_of(tuple);
  }
  std::string before;
  for (const auto& [value, bytes] : by_value) {
    CHECK(before < bytes);
    CHECK(Ordered::decode<Tuple>(bytes) == value);
    before = bytes;
  }
}

TEST_CASE("Ordered: the keys with given first parts are the keys of a prefix") {
  using Tuple = std::tuple<std::string, std::uint32_t, std::string>;
  const std::string of_a = leading<Tuple>("a");
  const std::string of_a_7 = leading<Tuple>("a", 7U);
  CHECK(KeyRange::prefix(of_a).contains(bytes_of(Tuple("a", 7, "x"))));
  CHECK(KeyRange::prefix(of_a_7).contains(bytes_of(Tuple("a", 7, ""))));
  CHECK_FALSE(KeyRange::prefix(of_a_7).contains(bytes_of(Tuple("a", 8, ""))));
  CHECK_FALSE(KeyRange::prefix(of_a).contains(bytes_of(Tuple("ab", 7, "x"))));
  CHECK_FALSE(KeyRange::prefix(of_a).contains(bytes_of(Tuple("", 7, "x"))));
  CHECK(leading<Tuple>().empty());
  CHECK(KeyRange::prefix(leading<Key>("o", 5)).contains(bytes_of(Key{"o", 5, {}, {}, {}})));
}

TEST_CASE("Ordered: identities are the same words everywhere") {
  CHECK(Ordered::identity<Key>() == "(bytes,?i32,(u16,bytes),[4]u8,i8)");
  CHECK(Ordered::identity<std::tuple<>>() == "()");
  CHECK(Ordered::identity<std::tuple<Descending<double>, bool>>() == "(~f64,bool)");
  CHECK(Ordered::identity<std::chrono::milliseconds>() == "time 1/1000 i64");
}

TEST_CASE("Ordered: types without an order of bytes are refused when compiling") {
  STATIC_REQUIRE(KeyCodecFor<Ordered, Key>);
  STATIC_REQUIRE_FALSE(OrderedType<char>);
  STATIC_REQUIRE_FALSE(OrderedType<wchar_t>);
  STATIC_REQUIRE_FALSE(OrderedType<long double>);
  STATIC_REQUIRE_FALSE(OrderedType<int*>);
  STATIC_REQUIRE_FALSE(OrderedType<std::array<char, 3>>);
  STATIC_REQUIRE_FALSE(OrderedType<std::tuple<int, std::map<int, int>>>);
  STATIC_REQUIRE_FALSE(OrderedType<Unordered>);
  STATIC_REQUIRE_FALSE(OrderedType<Closed>);
}

TEST_CASE("Ordered: bytes of another type are corruption, in words") {
  CHECK_THROWS_WITH(Ordered::decode<std::uint32_t>("abc"), ContainsSubstring("end too soon"));
  CHECK_THROWS_WITH(Ordered::decode<std::string>("abc"), ContainsSubstring("has no end"));
  CHECK_THROWS_WITH(Ordered::decode<bool>("\x02"), ContainsSubstring("neither 0 nor 1"));
  CHECK_THROWS_WITH(Ordered::decode<std::uint8_t>("ab"), ContainsSubstring("follows the key"));
}
