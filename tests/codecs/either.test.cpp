// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/either.hpp>
#include <varve/codecs/ordered.hpp>
#include <varve/codecs/raw.hpp>
#include <varve/codecs/versions.hpp>
#include <varve/testing/codec_laws.hpp>

#include "catch.hpp"
#include "codecs/hostile.hpp"

#include <charconv>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace varve;
using varve_test::ContainsSubstring;
using varve_test::kind_of;

namespace {

struct Counter {
  std::uint32_t count;
  auto operator<=>(const Counter&) const = default;
};

/// Decimal digits, without a sign or zeros in front.
struct Decimal {
  static constexpr BytesView name = "decimal";

  static void encode(const Counter& value, ByteSink auto& sink) {
    sink.append(std::to_string(value.count));
  }
  template <class T>
  static T decode(BytesView bytes) {
    T value{};
    const auto [end, failed] =
        std::from_chars(bytes.data(), bytes.data() + bytes.size(), value.count);
    if (failed != std::errc() || end != bytes.data() + bytes.size() ||
        std::to_string(value.count) != bytes) {
      throw Error(ErrorKind::corruption, {.message = "no decimal number"});
    }
    return value;
  }
  template <class T>
  static constexpr BytesView identity() {
    return "digits";
  }
  template <class T>
  static constexpr bool may_begin_with(unsigned char byte) noexcept {
    return '0' <= byte && byte <= '9';
  }
};

struct FourBytes {
  static bool recognises(BytesView bytes) { return bytes.size() == 4; }
};

template <class C, class T>
std::string bytes_of(const T& value) {
  std::string bytes;
  C::encode(value, bytes);
  return bytes;
}

using Moved = Either<Ordered, Decimal>;
using Sized = Either<Decimal, Ordered, FourBytes>;

const std::vector<Counter> counters{{0}, {7}, {123456}, {~0U}};

}  // namespace

template <>
inline constexpr BytesView varve::layout_name<Counter> = "counter u32";

static_assert(EvolvingCodecFor<Moved, Counter>);
static_assert(!CodecFor<Moved, std::string>);
static_assert(ViewCodecFor<Either<Raw, Decimal>, Counter>);

TEST_CASE("Either: the laws of codecs") {
  CHECK_FALSE(testing::check_codec<Moved>(counters));
  CHECK_FALSE(testing::check_codec<Either<Decimal, Moved, detail::OwnProbe, 1>>(counters));
  CHECK_FALSE(testing::check_codec<Either<Versions<Ordered, Counter>, Decimal>>(counters));
  varve_test::expect_bounded<Moved>(counters, varve_test::is_corruption);
}

TEST_CASE("Either: reads the records of both codecs and writes the new one") {
  CHECK(bytes_of<Moved>(counters[1]) == '\xff' + bytes_of<Ordered>(counters[1]));
  CHECK(Moved::decode<Counter>(bytes_of<Moved>(counters[1])) == counters[1]);
  CHECK(Moved::decode<Counter>("7") == counters[1]);
  CHECK(Moved::is_current<Counter>(bytes_of<Moved>(counters[1])));
  CHECK_FALSE(Moved::is_current<Counter>("7"));
  CHECK_FALSE(Moved::is_current<Counter>(""));
  for (const char* const bad : {"", "x", "\xff", "\xff\x01"}) {
    CHECK(kind_of([&] { return Moved::decode<Counter>(bad); }) == ErrorKind::corruption);
  }
}

TEST_CASE("Either: what a probe of whole records would misread is not written") {
  CHECK(Sized::decode<Counter>(bytes_of<Ordered>(counters[2])) == counters[2]);
  CHECK(Sized::decode<Counter>(bytes_of<Sized>(counters[2])) == counters[2]);
  CHECK_THROWS_WITH(bytes_of<Sized>(Counter{123}), ContainsSubstring("invalid_argument"));
}

TEST_CASE("Either: a view of a new record, none of an old one") {
  using Viewed = Either<Raw, Decimal>;
  const std::string bytes = bytes_of<Viewed>(counters[2]);
  const auto view = Viewed::view<Counter>(bytes);
  REQUIRE(view);
  CHECK(view->get<&Counter::count>() == 123456);
  CHECK_FALSE(Viewed::view<Counter>("7"));
}

TEST_CASE("Either: what a store says about its records is checked") {
  CHECK(Moved::identity<Counter>() == "ordered (u32), once decimal digits");
  CHECK_NOTHROW(Moved::check_stored<Counter>("decimal", "digits"));
  CHECK_NOTHROW(Moved::check_stored<Counter>("either", Moved::identity<Counter>()));
  const auto refused = [](BytesView codec, BytesView identity) {
    return kind_of([&] {
      Moved::check_stored<Counter>(codec, identity);
      return 0;
    });
  };
  CHECK(refused("decimal", "hex") == ErrorKind::schema_diverged);
  CHECK(refused("ordered", "(u32)") == ErrorKind::schema_diverged);
  using Again = Either<Raw, Versions<Ordered, Counter>>;
  CHECK_NOTHROW(Again::check_stored<Counter>("versions", "ordered 1=5:(u32)"));
}
