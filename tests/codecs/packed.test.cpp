// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/packed.hpp>
#include <varve/testing/codec_laws.hpp>
#include <varve/testing/seed.hpp>

#include "catch.hpp"

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

using namespace varve;
using namespace std::string_literals;

namespace {

template <class T>
std::string bytes_of(const T& value) {
  std::string bytes;
  Packed::encode(value, bytes);
  return bytes;
}

template <class T>
void keeps_the_laws(const std::vector<T>& values) {
  const auto broken = testing::check_codec<Packed>(values);
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
}

enum class Colour : std::int8_t { red = -1, green = 0, blue = 1 };

// As many members as there may be, and one above each step of the way.
struct Wide33 {
  std::uint32_t m0, m1, m2, m3, m4, m5, m6;
  std::string m7;
  std::uint32_t m8, m9, m10, m11, m12, m13, m14;
  std::string m15;
  std::uint32_t m16, m17, m18, m19, m20, m21, m22;
  std::string m23;
  std::uint32_t m24, m25, m26, m27, m28, m29, m30;
  std::string m31;
  std::string m32;
  bool operator==(const Wide33&) const = default;
};
struct Wide49 {
  std::uint32_t m0, m1, m2, m3, m4, m5, m6;
  std::string m7;
  std::uint32_t m8, m9, m10, m11, m12, m13, m14;
  std::string m15;
  std::uint32_t m16, m17, m18, m19, m20, m21, m22;
  std::string m23;
  std::uint32_t m24, m25, m26, m27, m28, m29, m30;
  std::string m31;
  std::uint32_t m32, m33, m34, m35, m36, m37, m38;
  std::string m39;
  std::uint32_t m40, m41, m42, m43, m44, m45, m46;
  std::string m47;
  std::string m48;
  bool operator==(const Wide49&) const = default;
};
struct Wide64 {
  std::uint32_t m0, m1, m2, m3, m4, m5, m6;
  std::string m7;
  std::uint32_t m8, m9, m10, m11, m12, m13, m14;
  std::string m15;
  std::uint32_t m16, m17, m18, m19, m20, m21, m22;
  std::string m23;
  std::uint32_t m24, m25, m26, m27, m28, m29, m30;
  std::string m31;
  std::uint32_t m32, m33, m34, m35, m36, m37, m38;
  std::string m39;
  std::uint32_t m40, m41, m42, m43, m44, m45, m46;
  std::string m47;
  std::uint32_t m48, m49, m50, m51, m52, m53, m54;
  std::string m55;
  std::uint32_t m56, m57, m58, m59, m60, m61, m62;
  std::string m63;
  bool operator==(const Wide64&) const = default;
};

struct Point {
  double x;
  double y;
  bool operator==(const Point&) const = default;
};

struct Inner {
  std::uint16_t number;
  std::string text;
  auto operator<=>(const Inner&) const = default;
};

struct Nothing {
  std::monostate first;
  std::tuple<> second;
  bool operator==(const Nothing&) const = default;
};

using Hash = std::array<std::uint8_t, 32>;

struct Vertex {
  Hash id;
  std::uint64_t height;
  std::int64_t timestamp;
  std::vector<Hash> parents;
  std::string payload;
  bool finalized;
  bool operator==(const Vertex&) const = default;
};

struct Everything {
  Colour colour;
  std::optional<std::uint32_t> number;
  std::optional<std::string> text;
  std::variant<std::monostate, std::int32_t, std::string, Inner> choice;
  std::map<std::string, std::uint64_t> counts;
  std::set<std::int32_t> set;
  std::vector<Inner> inners;
  std::vector<std::string> texts;
  std::vector<Point> points;
  std::vector<bool> bits;
  std::array<std::string, 3> three;
  std::chrono::milliseconds pause;
  std::pair<std::int16_t, std::string> pair;
  std::tuple<bool, std::string, char> tuple;
  Point point;
  Inner inner;
  bool operator==(const Everything&) const = default;
};

Everything some_everything() {
  return {.colour = Colour::blue,
          .number = 7,
          .text = "",
          .choice = Inner{3, "c"},
          .counts = {{"", 0}, {"a", 1}, {"ab", 2}},
          .set = {-5, 0, 5},
          .inners = {{1, "one"}, {2, ""}},
          .texts = {"", "x", "yy"},
          .points = {{1, -0.0}, {0.5, 2}},
          .bits = {true, false},
          .three = {"1", "", "333"},
          .pause = std::chrono::milliseconds(-1),
          .pair = {-2, "p"},
          .tuple = {true, "t", 'c'},
          .point = {3, 4},
          .inner = {5, "five"}};
}

std::vector<std::string> nasty_strings() {
  std::vector<std::string> values{""s, "\0"s, "\0\0"s, "\xff"s, "a"s, "a\0b"s, "\1"s, "\2"s, "\4"s};
  values.emplace_back(70, '\0');
  return values;
}

template <class T>
std::vector<T> nasty_integers() {
  using Limits = std::numeric_limits<T>;
  return {Limits::min(),     static_cast<T>(Limits::min() + 1), 0, 1, 127, Limits::max(),
          static_cast<T>(-1)};
}

}  // namespace

TEMPLATE_TEST_CASE("Packed: integers", "", std::int8_t, std::uint8_t, std::int16_t, std::uint16_t,
                   std::int32_t, std::uint32_t, std::int64_t, std::uint64_t, char, char8_t,
                   char32_t) {
  keeps_the_laws(nasty_integers<TestType>());
  CHECK(bytes_of(TestType{1}) == "\1"s + std::string(sizeof(TestType) - 1, '\0'));
}

TEST_CASE("Packed: the laws over values of every kind") {
  using Double = std::numeric_limits<double>;
  keeps_the_laws<bool>({false, true});
  keeps_the_laws<float>({0, -0.0F, 1.5F, std::numeric_limits<float>::infinity()});
  keeps_the_laws<double>({0, -0.0, Double::quiet_NaN(), -Double::infinity(), Double::denorm_min()});
  keeps_the_laws<Colour>({Colour::red, Colour::blue});
  keeps_the_laws<std::byte>({std::byte{0}, std::byte{255}});
  keeps_the_laws<std::string>(nasty_strings());
  keeps_the_laws<Point>({{0, -0.0}, {1, 2}});
  keeps_the_laws<Nothing>({{}});
  keeps_the_laws<std::tuple<>>({{}});
  keeps_the_laws<Inner>({{0, ""}, {1, "a"}, {65535, "\0"s}});
  keeps_the_laws<std::pair<std::string, std::string>>(
      {{"", ""}, {"a", ""}, {"", "a"}, {std::string(300, 'x'), "y"}, {"y", std::string(300, 'x')}});
  keeps_the_laws<std::tuple<std::string, bool, std::string, std::string>>(
      {{"", false, "", ""}, {"a", true, "bb", ""}});
  keeps_the_laws<std::array<bool, 3>>({{true, false, true}});
  keeps_the_laws<std::array<int, 0>>({{}});
  keeps_the_laws<std::array<std::string, 1>>({{""}, {"a"}});
  keeps_the_laws<std::array<std::string, 2>>(
      {{"", ""}, {"a", ""}, {"", std::string(300, 'x')}, {std::string(300, 'x'), ""}});
  keeps_the_laws<std::chrono::nanoseconds>({std::chrono::nanoseconds(-1)});
  keeps_the_laws<std::chrono::sys_days>({std::chrono::sys_days(std::chrono::days(20000))});
}

TEST_CASE("Packed: the laws over lists") {
  keeps_the_laws<std::vector<std::uint32_t>>({{}, {1}, {1, 2, 0xffffffff}});
  keeps_the_laws<std::vector<bool>>({{}, {true}, {false, true}});
  keeps_the_laws<std::vector<Point>>({{}, {{1, 2}, {3, 4}}});
  keeps_the_laws<std::vector<std::string>>(
      {{}, {""}, {"", ""}, {"a", "", "bb"}, std::vector<std::string>(260), nasty_strings()});
  keeps_the_laws<std::vector<std::vector<std::string>>>({{}, {{}}, {{}, {""}}, {{"a", "b"}, {}}});
  keeps_the_laws<std::vector<Inner>>({{}, {{1, "a"}}, {{1, "a"}, {2, std::string(256, 'b')}}});
  keeps_the_laws<std::vector<std::optional<std::uint8_t>>>({{}, {{}}, {7, {}, 8}});
  keeps_the_laws<std::vector<std::pair<bool, std::uint16_t>>>({{}, {{true, 7}, {false, 8}}});
}

TEST_CASE("Packed: the laws over choices") {
  keeps_the_laws<std::optional<std::uint32_t>>({{}, 0, 7});
  keeps_the_laws<std::optional<bool>>({{}, false, true});
  keeps_the_laws<std::optional<std::string>>({{}, "", "\1", "a"});
  keeps_the_laws<std::optional<std::monostate>>({{}, std::monostate()});
  keeps_the_laws<std::optional<Nothing>>({{}, Nothing()});
  keeps_the_laws<std::optional<std::optional<bool>>>({{}, std::optional<bool>(), true});
  using Choice = std::variant<std::monostate, bool, std::string, bool>;
  keeps_the_laws<Choice>({Choice(), Choice(std::in_place_index<1>, true), Choice("a"s),
                          Choice(std::in_place_index<3>, false)});
}

TEST_CASE("Packed: the laws over sets and maps") {
  keeps_the_laws<std::set<std::int32_t>>({{}, {-1}, {-1, 0, 1, 256}});
  keeps_the_laws<std::set<std::string>>({{}, {""}, {"", "a", "b", "\xff"}});
  keeps_the_laws<std::set<std::vector<int>>>({{}, {{}}, {{}, {1}, {1, 2}, {2}}});
  keeps_the_laws<std::map<std::string, std::uint8_t>>({{}, {{"a", 1}}, {{"a", 1}, {"b", 2}}});
  keeps_the_laws<std::map<std::uint16_t, std::uint8_t>>({{}, {{1, 1}, {256, 2}}});
  keeps_the_laws<std::map<Inner, std::string>>({{}, {{{1, "a"}, "x"}, {{1, "b"}, ""}}});
  keeps_the_laws<std::map<std::string, std::map<int, std::string, std::less<>>>>(
      {{}, {{"a", {}}, {"b", {{1, "x"}, {2, ""}}}}});
  keeps_the_laws<std::unordered_set<std::string>>({{}, {"b", "a", "c"}});
  keeps_the_laws<std::unordered_map<std::int32_t, std::string>>({{}, {{2, "b"}, {-1, "a"}}});
  CHECK(bytes_of(std::unordered_set<std::uint8_t>{3, 1, 2}) == "\1\2\3");
}

TEST_CASE("Packed: the laws over structs") {
  Hash id{};
  for (std::size_t i = 0; i != id.size(); ++i) id[i] = static_cast<std::uint8_t>(i);
  keeps_the_laws<Vertex>(
      {{}, {id, 1, -1, {id, id}, "payload", true}, {id, 1, -1, std::vector<Hash>(9), "", false}});
  keeps_the_laws<Everything>({{}, some_everything()});
}

TEST_CASE("Packed: random records come back, and random damage is refused or canonical") {
  const std::uint64_t seed = testing::seed_of_environment();
  INFO("VARVE_SEED=" << seed);
  std::mt19937_64 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const auto text = [&] {
    // Of the lengths at which offsets grow.
    constexpr std::size_t lengths[] = {0, 0, 1, 2, 7, 30, 253, 254, 255, 256, 257};
    std::string bytes(lengths[below(std::size(lengths))], '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
  };
  std::size_t refused = 0;
  std::size_t taken = 0;
  for (int round = 0; round != 300; ++round) {
    Everything value = some_everything();
    if (below(2) != 0) value.number.reset();
    if (below(2) != 0) value.text = text();
    if (below(2) != 0) value.choice = text();
    for (std::size_t i = below(20); i != 0; --i) value.counts[text()] = random();
    for (std::size_t i = below(20); i != 0; --i) {
      value.set.insert(static_cast<std::int32_t>(random()));
    }
    for (std::size_t i = below(20); i != 0; --i) {
      value.inners.push_back({static_cast<std::uint16_t>(random()), text()});
    }
    value.texts.resize(below(300));
    for (std::size_t i = below(9); i != 0; --i) value.texts.push_back(text());
    value.bits.assign(below(9), below(2) != 0);
    value.inner.text = text();

    const std::string bytes = bytes_of(value);
    if (!(Packed::decode<Everything>(bytes) == value)) FAIL("another value comes back");
    for (int damage = 0; damage != 20; ++damage) {
      std::string bad = bytes;
      for (std::size_t i = 1 + below(3); i != 0; --i) {
        bad[below(below(2) != 0 ? bad.size() : 60)] = static_cast<char>(random());
      }
      if (below(4) == 0) bad.resize(below(bad.size()));
      try {
        if (bytes_of(Packed::decode<Everything>(bad)) != bad) FAIL("a second spelling is taken");
        ++taken;
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::corruption) FAIL(error.what());
        ++refused;
      }
    }
  }
  CHECK(refused > 1000);
  CHECK(taken > 100);
}

TEST_CASE("Packed: structs of as many members as there may be") {
  Wide64 widest{};
  widest.m0 = 1;
  widest.m32 = 2;
  widest.m47 = "before the last step";
  widest.m48 = 3;
  widest.m63 = "the last";
  keeps_the_laws<Wide64>({Wide64{}, widest});
  const std::string bytes = bytes_of(widest);
  const auto view = Packed::view<Wide64>(bytes);
  CHECK(view.get<&Wide64::m32>() == 2);
  CHECK(view.get<&Wide64::m48>() == 3);
  CHECK(view.get<&Wide64::m63>() == "the last");
  Wide33 wide{};
  wide.m32 = "the last";
  Wide49 wider{};
  wider.m48 = "the last";
  keeps_the_laws<Wide33>({Wide33{}, wide});
  keeps_the_laws<Wide49>({Wide49{}, wider});
}
