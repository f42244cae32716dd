// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/ordered.hpp>
#include <varve/codecs/versions.hpp>
#include <varve/testing/codec_laws.hpp>

#include "catch.hpp"
#include "codecs/hostile.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace accounts {

struct V1 {
  std::uint16_t id;
  std::string owner;
  auto operator<=>(const V1&) const = default;
};

struct V2 {
  std::uint32_t id;
  std::string owner;
  std::int64_t balance;
  auto operator<=>(const V2&) const = default;
};

struct V3 {
  std::uint32_t id;
  std::string owner;
  std::int64_t cents;
  bool closed;
  auto operator<=>(const V3&) const = default;
};

struct V4 {
  std::uint64_t id;
  auto operator<=>(const V4&) const = default;
};

int conversions = 0;

V2 upgrade(V1&& old) {
  ++conversions;
  return {.id = old.id, .owner = std::move(old.owner), .balance = 7};
}
V3 upgrade(V2&& old) {
  ++conversions;
  return {.id = old.id, .owner = std::move(old.owner), .cents = old.balance * 100, .closed = false};
}
V4 upgrade(const V3& old) {
  return {.id = old.id};
}

}  // namespace accounts

using namespace varve;
using namespace accounts;
using varve_test::ContainsSubstring;
using varve_test::kind_of;

namespace {

template <class C, class T>
std::string bytes_of(const T& value) {
  std::string bytes;
  C::encode(value, bytes);
  return bytes;
}

/// `Ordered`, with views and with a say about its first bytes.
struct Viewed {
  static constexpr BytesView name = "viewed";

  template <class T>
  static void encode(const T& value, ByteSink auto& sink) {
    sink.append("{");
    Ordered::encode(value, sink);
  }
  template <class T>
  static T decode(BytesView bytes) {
    if (bytes.empty() || bytes.front() != '{') {
      throw Error(ErrorKind::corruption, {.message = "no brace"});
    }
    return Ordered::decode<T>(bytes.substr(1));
  }
  template <class T>
  static BytesView view(BytesView bytes) {
    static_cast<void>(decode<T>(bytes));
    return bytes.substr(1);
  }
  template <class T>
  static constexpr BytesView identity() {
    return Ordered::identity<T>();
  }
  template <class T>
  static constexpr bool may_begin_with(unsigned char byte) noexcept {
    return byte == '{';
  }
};

using One = Versions<Ordered, V1>;
using Two = Versions<Ordered, V1, V2>;
using Three = Versions<Ordered, V1, V2, V3>;
using Later = Versions<Ordered, Retired<2>, V3, V4>;

static_assert(assert_codec_for<Three, V3>());
static_assert(EvolvingCodecFor<Three, V3>);
static_assert(!CodecFor<Three, V2>);
static_assert(!ViewCodecFor<Three, V3>);

const std::vector<V3> values{{1, "ada", -5, true}, {0, "", 0, false}, {~0U, "a\x00b", 1, true}};

}  // namespace

TEST_CASE("Versions: the laws of codecs") {
  const auto broken = testing::check_codec<Three>(values);
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
  CHECK_FALSE(testing::check_codec<Later, V4>({{1}, {~std::uint64_t{0}}}));
  CHECK_FALSE(testing::check_codec<Versions<Viewed, Untagged<V1>, V2, V3>>(values));
  CHECK_FALSE(testing::check_codec<Versions<Ordered, Retired<300>, V3>>(values));
}

TEST_CASE("Versions: any bytes are a value, corruption, or of another version") {
  varve_test::expect_bounded<Three, V3>(values, [](ErrorKind kind) {
    return kind == ErrorKind::corruption || kind == ErrorKind::schema_newer;
  });
}

TEST_CASE("Versions: each version is read into the newest, in one pass") {
  const std::string first = bytes_of<One>(V1{9, "ada"});
  const std::string second = bytes_of<Two>(V2{9, "ada", 3});
  CHECK(first == '\x01' + bytes_of<Ordered>(V1{9, "ada"}));
  CHECK(second == '\x02' + bytes_of<Ordered>(V2{9, "ada", 3}));
  conversions = 0;
  CHECK(Three::decode<V3>(first) == V3{9, "ada", 700, false});
  CHECK(conversions == 2);
  CHECK(Three::decode<V3>(second) == V3{9, "ada", 300, false});
  CHECK(conversions == 3);
  CHECK(Three::decode<V3>(bytes_of<Three>(values.front())) == values.front());
  CHECK(conversions == 3);
  CHECK(Later::decode<V4>(bytes_of<Three>(values.front())) == V4{1});
  CHECK(Three::is_current<V3>(bytes_of<Three>(values.front())));
  CHECK_FALSE(Three::is_current<V3>(second));
  CHECK_FALSE(Three::is_current<V3>(""));
}

TEST_CASE("Versions: the bytes are those of the page of the format") {
  CHECK(bytes_of<Versions<Ordered, Retired<1>, V1>>(V1{258, "a"}) == std::string("\x02\x01\x02"
                                                                                 "a\x00\x00",
                                                                                 6));
  CHECK(bytes_of<Versions<Ordered, Retired<127>, V1>>(V1{258, "a"}).substr(0, 2) ==
        std::string("\x80\x01"));
  CHECK(bytes_of<Versions<Ordered, Retired<16382>, V1>>(V1{258, "a"}).substr(0, 2) ==
        std::string("\xff\x7f"));
}

TEST_CASE("Versions: a record of a newer program is told as such, and of a retired version") {
  const std::string third = bytes_of<Three>(values.front());
  CHECK_THROWS_WITH(Two::decode<V2>(third), ContainsSubstring("schema_newer") &&
                                                ContainsSubstring("version 3") &&
                                                ContainsSubstring("up to 2"));
  CHECK_THROWS_WITH(Later::decode<V4>(bytes_of<One>(V1{9, "ada"})),
                    ContainsSubstring("schema_too_old") && ContainsSubstring("version 1"));
  for (const char* const bad : {"", "\x80", "\x80\x80\x01"}) {
    CHECK(kind_of([&] { return Three::decode<V3>(bad); }) == ErrorKind::corruption);
  }
  CHECK(kind_of([&] { return Three::decode<V3>(std::string(1, '\0') + third); }) ==
        ErrorKind::corruption);
  CHECK(kind_of([&] { return Three::decode<V3>(std::string("\x83\0", 2) + third); }) ==
        ErrorKind::corruption);
}

TEST_CASE("Versions: records without a tag are version 1") {
  using Mixed = Versions<Viewed, Untagged<V1>, V2, V3>;
  CHECK(Mixed::decode<V3>(bytes_of<Viewed>(V1{9, "ada"})) == V3{9, "ada", 700, false});
  CHECK(Mixed::decode<V3>(bytes_of<Versions<Viewed, V1>>(V1{9, "ada"})) ==
        V3{9, "ada", 700, false});
  CHECK(bytes_of<Mixed>(values.front()).front() == '\x03');
  CHECK_FALSE(Mixed::is_current<V3>(bytes_of<Viewed>(V1{9, "ada"})));
  CHECK(kind_of([] { return Mixed::decode<V3>(""); }) == ErrorKind::corruption);

  using Given = Versions<Ordered, Untagged<V1, FirstByte<0x40, 0xff>>, V2>;
  CHECK(Given::decode<V2>(bytes_of<Ordered>(V1{0x4001, "ada"})) == V2{0x4001, "ada", 7});
  CHECK(Given::decode<V2>(bytes_of<Given>(V2{1, "ada", 3})) == V2{1, "ada", 3});
}

namespace {

struct SevenBytes {
  static bool recognises(BytesView bytes) { return bytes.size() == 7; }
};

}  // namespace

TEST_CASE("Versions: what a probe of whole records would misread is not written") {
  using Sized = Versions<Ordered, Untagged<V1, SevenBytes>, V2>;
  const std::string old = bytes_of<Ordered>(V1{9, "ada"});
  REQUIRE(old.size() == 7);
  CHECK(Sized::decode<V2>(old) == V2{9, "ada", 7});
  CHECK(Sized::decode<V2>(bytes_of<Sized>(V2{1, "ada", 3})) == V2{1, "ada", 3});

  using Short = Versions<Ordered, Untagged<V1, SevenBytes>>;
  CHECK_THROWS_WITH(bytes_of<Short>(V1{9, "ab"}),
                    ContainsSubstring("invalid_argument") && ContainsSubstring("probe"));
  CHECK(Short::decode<V1>(bytes_of<Short>(V1{9, "a"})) == V1{9, "a"});
}

TEST_CASE("Versions: a view of a record of the newest version, none of an older one") {
  using Views = Versions<Viewed, Untagged<V1>, V2, V3>;
  static_assert(ViewCodecFor<Views, V3>);
  const std::string newest = bytes_of<Views>(values.front());
  CHECK(Views::view<V3>(newest) == BytesView(newest).substr(2));
  CHECK_FALSE(Views::view<V3>(bytes_of<Viewed>(V1{9, "ada"})));
  CHECK_FALSE(Views::view<V3>("\x02{"));
  CHECK(kind_of([] { return Views::view<V3>("\x03{"); }) == ErrorKind::corruption);
  CHECK(kind_of([] { return Views::view<V3>("\x04{"); }) == ErrorKind::schema_newer);
}

TEST_CASE("Versions: what a store says about its records is checked") {
  const BytesView one = One::identity<V1>();
  const BytesView two = Two::identity<V2>();
  const BytesView three = Three::identity<V3>();
  CHECK(one == "ordered 1=11:(u16,bytes)");
  CHECK(two == "ordered 1=11:(u16,bytes) 2=15:(u32,bytes,i64)");
  CHECK_NOTHROW(Three::check_stored<V3>("versions", one));
  CHECK_NOTHROW(Three::check_stored<V3>("versions", three));
  CHECK_NOTHROW(Later::check_stored<V4>("versions", three));
  CHECK_THROWS_WITH(One::check_stored<V1>("versions", two), ContainsSubstring("schema_newer"));
  CHECK_THROWS_WITH(Later::check_stored<V4>("versions", two), ContainsSubstring("schema_too_old"));
  const auto refused = [](BytesView codec, BytesView identity) {
    return kind_of([&] {
      Three::check_stored<V3>(codec, identity);
      return 0;
    });
  };
  CHECK(refused("packed", one) == ErrorKind::schema_diverged);
  CHECK(refused("versions", "packed 1=1:a") == ErrorKind::schema_diverged);
  CHECK(refused("versions", "ordered 1=5:(u16)") == ErrorKind::schema_diverged);
  CHECK(refused("ordered", Ordered::identity<V1>()) == ErrorKind::schema_diverged);
  for (const BytesView bad : {"ordered 1", "ordered 1=", "ordered 1=99:a", "ordered x=1:a",
                              "ordered1=1:a", "ordered 1=1:ab"}) {
    const auto kind = refused("versions", bad);
    CHECK((kind == ErrorKind::corruption || kind == ErrorKind::schema_diverged));
  }
  using Mixed = Versions<Viewed, Untagged<V1>, V2, V3>;
  CHECK_NOTHROW(Mixed::check_stored<V3>("viewed", Viewed::identity<V1>()));
}
