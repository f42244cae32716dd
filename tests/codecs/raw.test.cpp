// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/raw.hpp>
#include <varve/testing/codec_laws.hpp>

#include "catch.hpp"
#include "codecs/hostile.hpp"

#include <array>
#include <cmath>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

using namespace varve;
using varve_test::kind_of;

namespace shapes {

enum class Kind : std::uint16_t { none, some };
enum Loose { a, b };

struct Point {
  double x;
  float y;
  std::int32_t z;
  bool operator==(const Point&) const = default;
};

struct Reading {
  std::uint64_t time;
  Point where;
  std::array<std::uint8_t, 4> sensor;
  Kind kind;
  bool good;
  bool final;
  bool operator==(const Reading&) const = default;
};

struct Padded {
  std::uint32_t first;
  std::uint64_t second;
};
struct PaddedWithin {
  Padded padded;
};
struct Pointing {
  const char* text;
};
struct WithLoose {
  Loose loose;
};
struct Unnamed {
  std::uint32_t number;
};

}  // namespace shapes

using namespace shapes;

template <>
inline constexpr BytesView varve::layout_name<Point> = "point x f64, y f32, z i32";
template <>
inline constexpr BytesView varve::layout_name<Reading> = "reading 1";
template <>
inline constexpr BytesView varve::layout_name<Padded> = "padded";
template <>
inline constexpr BytesView varve::layout_name<PaddedWithin> = "padded within";
template <>
inline constexpr BytesView varve::layout_name<Pointing> = "pointing";
template <>
inline constexpr BytesView varve::layout_name<WithLoose> = "loose";
template <>
inline constexpr BytesView varve::layout_name<std::string> = "string";

static_assert(assert_codec_for<Raw, Reading>() && assert_raw_type<Reading>());
static_assert(ViewCodecFor<Raw, Point>);
static_assert(!CodecFor<Raw, Padded> && !CodecFor<Raw, PaddedWithin>);
static_assert(!CodecFor<Raw, Pointing> && !CodecFor<Raw, WithLoose>);
static_assert(!CodecFor<Raw, std::string> && !CodecFor<Raw, Unnamed>);

namespace {

const std::vector<Point> points{{0.0, -0.0F, -1},
                                {std::numeric_limits<double>::infinity(), 1.5F, 1 << 30},
                                {-1e300, 1e-30F, std::numeric_limits<std::int32_t>::min()}};
const std::vector<Reading> readings{{1, points[0], {1, 2, 3, 4}, Kind::some, true, false},
                                    {~std::uint64_t{0}, points[1], {}, Kind::none, false, true}};

}  // namespace

TEST_CASE("Raw: the laws of codecs") {
  CHECK_FALSE(testing::check_codec<Raw>(points));
  CHECK_FALSE(testing::check_codec<Raw>(readings));
  CHECK_FALSE(testing::check_codec<Raw>(std::vector<Point>{{std::nan("7"), 0, 0}}));
}

TEST_CASE("Raw: any bytes are a value or corruption") {
  varve_test::expect_bounded<Raw>(readings, varve_test::is_corruption);
  std::string bytes;
  Raw::encode(readings[0], bytes);
  REQUIRE(bytes.size() == sizeof(Reading));
  bytes.back() = '\x02';
  CHECK(kind_of([&] { return Raw::decode<Reading>(bytes); }) == ErrorKind::corruption);
  CHECK(kind_of([&] { return Raw::decode<Reading>(BytesView(bytes).substr(1)); }) ==
        ErrorKind::corruption);
}

TEST_CASE("Raw: the bytes are those in memory, little-endian") {
  std::string bytes;
  Raw::encode(Point{0, 0, 258}, bytes);
  CHECK(bytes == std::string(12, '\0') + std::string("\x02\x01\0\0", 4));
  CHECK(Raw::identity<Point>() == "16 point x f64, y f32, z i32");
}

TEST_CASE("Raw: a view reads members in place, at any alignment") {
  std::string bytes = "?";
  Raw::encode(readings[0], bytes);
  const auto view = Raw::view<Reading>(BytesView(bytes).substr(1));
  CHECK(view.get<&Reading::time>() == 1);
  CHECK(view.get<&Reading::where>() == points[0]);
  CHECK(view.get<&Reading::good>());
  CHECK(view.decode() == readings[0]);
}
