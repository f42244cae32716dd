// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/codecs/either.hpp>
#include <varve/codecs/packed.hpp>
#include <varve/codecs/versions.hpp>
#include <varve/table.hpp>
#include <varve/testing/codec_laws.hpp>

#include "catch.hpp"
#include "codecs/hostile.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using namespace varve;
using varve_test::ContainsSubstring;

namespace accounts {

struct V1 {
  std::uint32_t id;
  std::string owner;
  bool operator==(const V1&) const = default;
};
struct V2 {
  std::uint32_t id;
  std::string owner;
  std::vector<std::int64_t> bookings;
  bool operator==(const V2&) const = default;
};
struct V3 {
  std::uint32_t id;
  std::string owner;
  std::vector<std::int64_t> bookings;
  std::int64_t balance;
  bool operator==(const V3&) const = default;
};
/// As V1, but for one number: what a released version must not become.
struct ChangedV1 {
  std::uint32_t id;
  std::vector<std::int32_t> owner;
};

V2 upgrade(V1&& old) {
  return {old.id, std::move(old.owner), {}};
}
V3 upgrade(V2&& old) {
  std::int64_t balance = 0;
  for (const std::int64_t booking : old.bookings) balance += booking;
  return {old.id, std::move(old.owner), std::move(old.bookings), balance};
}

}  // namespace accounts

using namespace accounts;

namespace {

using First = Versions<Packed, V1>;
using Second = Versions<Packed, V1, V2>;
using Third = Versions<Packed, V1, V2, V3>;

template <class Record, class Codec>
using Accounts = Table<"accounts", Key<&Record::id>, Record, Codec>;

template <class C, class T>
std::string bytes_of(const T& value) {
  std::string bytes;
  C::encode(value, bytes);
  return bytes;
}

const std::vector<V3> values{{1, "ada", {5, -7}, -2}, {~0U, "", {}, 0}};

}  // namespace

static_assert(ViewCodecFor<Third, V3> && EvolvingCodecFor<Third, V3>);
static_assert(!CodecFor<Third, V1> && !CodecFor<Third, V2>);
static_assert(CodecFor<Third, std::pair<std::uint32_t, std::string>>);

TEST_CASE("Versions of Packed: the laws of codecs, and any bytes") {
  const auto broken = testing::check_codec<Third>(values);
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
  varve_test::expect_bounded<Third>(values, [](ErrorKind kind) {
    return kind == ErrorKind::corruption || kind == ErrorKind::schema_newer;
  });
}

TEST_CASE("Versions of Packed: a view of the newest version, in place") {
  const std::string bytes = bytes_of<Third>(values[0]);
  const auto view = Third::view<V3>(bytes);
  REQUIRE(view);
  CHECK(view->get<&V3::owner>() == "ada");
  CHECK(view->get<&V3::balance>() == -2);
  CHECK_FALSE(Third::view<V3>(bytes_of<First>(V1{1, "ada"})));
}

TEST_CASE("Table of Versions: a program with more versions reads what one with fewer wrote") {
  MemoryAdapter store;
  {
    const Accounts<V1, First>::On accounts{store};
    accounts.put(V1{1, "ada"});
    accounts.put(V1{2, "bob"});
  }
  {
    const Accounts<V2, Second>::On accounts{store};
    CHECK(accounts.get(1U) == V2{1, "ada", {}});
    accounts.put(V2{2, "bob", {5, 6}});
  }
  const Accounts<V3, Third>::On accounts{store};
  CHECK(accounts.get(1U) == V3{1, "ada", {}, 0});
  CHECK(accounts.get(2U) == V3{2, "bob", {5, 6}, 11});
  CHECK_FALSE(*accounts.view(1U));
  accounts.put(V3{1, "ada", {7}, 7});
  CHECK((*accounts.view(1U))->get<&V3::balance>() == 7);

  // Whoever wrote less is told, before a record is met that cannot be read.
  CHECK_THROWS_WITH((Accounts<V2, Second>::On<MemoryAdapter>(store)),
                    ContainsSubstring("schema_newer"));
  CHECK_THROWS_WITH((Accounts<V1, First>::On<MemoryAdapter>(store)),
                    ContainsSubstring("schema_newer"));
}

TEST_CASE("Table of Versions: a released version that was changed is refused") {
  MemoryAdapter store;
  { const Accounts<V1, First>::On accounts{store}; }
  using Changed = Accounts<ChangedV1, Versions<Packed, ChangedV1>>;
  CHECK_THROWS_WITH((Changed::On<MemoryAdapter>(store)), ContainsSubstring("schema_diverged"));
  using Inner = Accounts<V1, Packed>;
  CHECK_THROWS_WITH((Inner::On<MemoryAdapter>(store)), ContainsSubstring("schema_diverged"));
}

TEST_CASE("Table of Either: a store moves from one codec to another while it is read") {
  MemoryAdapter store;
  using Old = Table<"notes", Key<&V1::id>, V1, Versions<Packed, V1>>;
  {
    const Old::On notes{store};
    notes.put(V1{1, "first"});
  }
  using Moved = Either<Versions<Packed, Retired<1>, V1>, Versions<Packed, V1>>;
  const Table<"notes", Key<&V1::id>, V1, Moved>::On notes{store};
  CHECK(notes.get(1U) == V1{1, "first"});
  notes.put(V1{2, "second"});
  CHECK(notes.get(2U) == V1{2, "second"});
  CHECK_THROWS_WITH((Old::On<MemoryAdapter>(store)), ContainsSubstring("schema_diverged"));
}
