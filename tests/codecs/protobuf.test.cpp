// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/either.hpp>
#include <varve/codecs/protobuf.hpp>
#include <varve/testing/codec_laws.hpp>

#include "catch.hpp"
#include "codecs/hostile.hpp"

#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "person.pb.h"

using namespace varve;
using samples::Person;
using varve_test::kind_of;

static_assert(assert_codec_for<Protobuf, Person>());
static_assert(!CodecFor<Protobuf, std::string>);

namespace {

std::string bytes_of(const Person& person) {
  std::string bytes;
  Protobuf::encode(person, bytes);
  return bytes;
}

Person ada() {
  Person person;
  person.set_name("Ada");
  person.set_born(std::numeric_limits<std::int64_t>::min());
  person.set_score(-0.5);
  person.add_tags("x");
  person.add_tags("");
  for (const char* const key : {"z", "a", "m", "b", "y"}) (*person.mutable_counts())[key] = 7;
  return person;
}

std::vector<Person> persons() {
  Person with_friend = ada();
  *with_friend.add_friends() = ada();
  return {Person(), ada(), with_friend};
}

Person nested(std::size_t depth) {
  Person person;
  for (std::size_t i = 0; i != depth; ++i) {
    Person outer;
    *outer.add_friends() = std::move(person);
    person = std::move(outer);
  }
  return person;
}

}  // namespace

TEST_CASE("Protobuf: the laws of codecs") {
  const google::protobuf::LogSilencer silence;
  const auto broken = testing::check_codec<Protobuf>(persons());
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
  varve_test::expect_bounded<Protobuf>(persons(), varve_test::is_corruption);
}

TEST_CASE("Protobuf: what could not be read again is not written") {
  const google::protobuf::LogSilencer silence;
  CHECK(Protobuf::decode<Person>(bytes_of(nested(99))).friends_size() == 1);
  CHECK(kind_of([] { return bytes_of(nested(102)); }) == ErrorKind::invalid_argument);
  Person bad;
  bad.set_name("\xff");
  CHECK(kind_of([&] { return bytes_of(bad); }) == ErrorKind::invalid_argument);
}

TEST_CASE("Protobuf: maps are written in one order, fields that are not known are kept") {
  CHECK(bytes_of(ada()) == bytes_of(Protobuf::decode<Person>(bytes_of(ada()))));
  const std::string unknown = bytes_of(ada()) + "\x78\x01";
  CHECK(bytes_of(Protobuf::decode<Person>(unknown)) == unknown);
  CHECK(Protobuf::is_current<Person>(unknown));
  CHECK(Protobuf::identity<Person>() == "samples.Person");
}

TEST_CASE("Protobuf: a codec says which bytes its records begin with") {
  const google::protobuf::LogSilencer silence;
  for (unsigned first = 0; first != 256; ++first) {
    for (std::size_t zeros = 0; zeros != 12; ++zeros) {
      for (const char* const rest : {"", "\x01", "\x0b", "\x80\x01", "\x01\x0c"}) {
        const std::string bytes =
            std::string(1, static_cast<char>(first)) + rest + std::string(zeros, '\0');
        if (kind_of([&] { return Protobuf::decode<Person>(bytes).born(); })) continue;
        INFO(testing::show(bytes));
        CHECK(Protobuf::may_begin_with<Person>(static_cast<unsigned char>(first)));
      }
    }
  }
}
