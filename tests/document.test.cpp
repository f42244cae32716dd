// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/document.hpp>
#include <varve/testing/codec_laws.hpp>

#include "catch.hpp"
#include "codecs/hostile.hpp"

#include <ranges>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using namespace varve;
using varve_test::ContainsSubstring;
using varve_test::kind_of;

using Array = Document::Array;
using Object = Document::Object;

static_assert(assert_codec_for<DocumentCodec, Document>());
static_assert(ViewCodecFor<DocumentCodec, Document>);
static_assert(!CodecFor<DocumentCodec, std::string>);
static_assert(std::ranges::random_access_range<decltype(DocumentView().elements())>);
static_assert(std::ranges::random_access_range<decltype(DocumentView().members())>);
static_assert(sizeof(DocumentView) == 2 * sizeof(void*));

namespace {

Document sample() {
  return Object{{"name", "Ada"},
                {"born", 1815},
                {"score", -0.5},
                {"alive", false},
                {"nothing", nullptr},
                {"hash", Document::Bytes{std::byte{0}, std::byte{255}}},
                {"tags", Array{"x", Array{}, Object{}, Object{{"", 1}}}}};
}

std::vector<Document> nasty() {
  std::vector<Document> values{nullptr,
                               true,
                               false,
                               "",
                               "text",
                               std::string("a\0b", 3),
                               0.0,
                               -0.0,
                               1e300,
                               std::nan("1"),
                               Document::Bytes{},
                               Array{},
                               Object{},
                               sample(),
                               Array{nullptr},
                               Array(300),
                               Object{{std::string(300, 'k'), 1}}};
  for (unsigned bit = 0; bit != 64; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    values.emplace_back(power);
    values.emplace_back(power - 1);
    values.emplace_back(-static_cast<std::int64_t>(power - 1) - 1);
  }
  return values;
}

std::string bytes_of(const Document& document) {
  std::string bytes;
  DocumentCodec::encode(document, bytes);
  return bytes;
}

Document nested(std::size_t depth) {
  Document document = 1;
  for (std::size_t i = 0; i != depth; ++i) {
    Array outer;
    outer.push_back(std::move(document));
    document = std::move(outer);
  }
  return document;
}

/// Reads all that a view shows, by each way there is.
std::size_t walk(DocumentView view) {
  switch (view.kind()) {
    case DocumentKind::string:
    case DocumentKind::bytes: {
      std::size_t sum = 0;
      for (const char c : view.as<BytesView>()) sum += static_cast<unsigned char>(c);
      return sum;
    }
    case DocumentKind::integer: return view.as<double>() < 0;
    case DocumentKind::array: {
      std::size_t sum = 0;
      for (std::size_t i = 0; i != view.size(); ++i) sum += walk(view[i]);
      return sum;
    }
    case DocumentKind::object: {
      std::size_t sum = 0;
      for (const auto [key, value] : view.members()) {
        REQUIRE(view.find(key));
        REQUIRE(*view.find(key) == value);
        sum += walk(value);
      }
      return sum;
    }
    default: return 1;
  }
}

}  // namespace

TEST_CASE("Document: the laws of codecs") {
  const auto broken = testing::check_codec<DocumentCodec>(nasty());
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
}

TEST_CASE("Document: any bytes are a document or corruption, and a view of them stays within") {
  std::vector<std::string> good;
  for (const Document& document : nasty()) good.push_back(bytes_of(document));
  const auto read = [](BytesView bytes) { static_cast<void>(walk(DocumentView::of(bytes))); };
  varve_test::throw_bytes_at(read, good, varve_test::is_corruption, 20'000);
  varve_test::expect_bounded<DocumentCodec>(nasty(), varve_test::is_corruption, 20'000);
}

TEST_CASE("Document: the bytes are those of the page of the format") {
  const Document document = Object{{"b", Array{1, -2}}, {"a", "x"}};
  CHECK(bytes_of(document) == std::string("\x70\x02\x01\x02\x02\x0a"
                                          "ab"
                                          "\x40x"
                                          "\x60\x02\x02\x04\x11\x01\x21\x01",
                                          18));
  CHECK(bytes_of(nullptr) == std::string("\0", 1));
  CHECK(bytes_of(0) == "\x10");
  CHECK(bytes_of(-1) == "\x20");
  CHECK(bytes_of(258) == "\x12\x02\x01");
  CHECK(bytes_of(1.0) == std::string("\x38\0\0\0\0\0\0\xf0\x3f", 9));
  CHECK(bytes_of(Array(300)).substr(0, 5) == std::string("\x61\x2c\x01\x01\x00", 5));
  CHECK(bytes_of(std::string(70'000, 'x')).size() == 70'001);
  CHECK(bytes_of(Array{std::string(70'000, 'x')}).substr(0, 9) ==
        std::string("\x62\x01\0\0\0\x71\x11\x01\0", 9));
}

TEST_CASE("Document: a view finds, iterates and converts in place") {
  const std::string bytes = bytes_of(sample());
  const DocumentView view = DocumentView::of(bytes);
  CHECK(view.kind() == DocumentKind::object);
  CHECK(view.size() == 7);
  CHECK(view.find("name")->as<BytesView>() == "Ada");
  CHECK(view.find("name")->as<BytesView>().data() > bytes.data());
  CHECK(view.find("born")->as<std::uint16_t>() == 1815);
  CHECK(view.find("born")->as<float>() == 1815.0F);
  CHECK(view.find("score")->as<double>() == -0.5);
  CHECK_FALSE(view.find("alive")->as<bool>());
  CHECK(view.find("nothing")->is_null());
  CHECK(view.find("hash")->as<std::string>() == std::string("\0\xff", 2));
  CHECK_FALSE(view.find("nam"));
  CHECK_FALSE(view.find("names"));
  CHECK_FALSE(view.find(""));
  CHECK(view.find("tags")->size() == 4);
  CHECK((*view.find("tags"))[3].find("")->as<int>() == 1);
  CHECK(Document(view) == sample());
  CHECK(DocumentView().is_null());
  CHECK(DocumentView::of(bytes_of(1)) == DocumentView::of(bytes_of(1U)));

  std::vector<std::string> keys;
  for (const auto [key, value] : view.members()) keys.emplace_back(key);
  CHECK(keys ==
        std::vector<std::string>{"alive", "born", "hash", "name", "nothing", "score", "tags"});
  const auto elements = view.find("tags")->elements();
  CHECK((elements.end() - elements.begin()) == 4);
  CHECK(elements.begin()[0].as<BytesView>() == "x");
  CHECK(std::ranges::count_if(elements | std::views::drop(1),
                              [](DocumentView v) { return v.size() == 0; }) == 2);
}

TEST_CASE("Document: every key is found in an object of thousands") {
  Object many;
  for (int i = 0; i != 5000; ++i) many.emplace("key " + std::to_string(i * 7), i);
  const std::string bytes = bytes_of(many);
  const DocumentView view = DocumentView::of(bytes);
  for (int i = 0; i != 5000; ++i) {
    const auto found = view.find("key " + std::to_string(i * 7));
    REQUIRE(found);
    REQUIRE(found->as<int>() == i);
    REQUIRE_FALSE(view.find("key " + std::to_string(i * 7 + 1)));
  }
}

TEST_CASE("Document: is built and changed") {
  Document document;
  document["a"]["b"] = 1;
  document["c"] = Array{};
  document["c"].array().push_back("x");
  CHECK(document == Document(Object{{"a", Object{{"b", 1}}}, {"c", Array{"x"}}}));
  CHECK(document.find("a")->find("b")->as<int>() == 1);
  CHECK(document.find("z") == nullptr);
  CHECK(Document(7U) == Document(7));
  CHECK(Document(~std::uint64_t{0}).as<std::uint64_t>() == ~std::uint64_t{0});
  CHECK(Document(std::numeric_limits<std::int64_t>::min()).as<std::int64_t>() ==
        std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("Document: a value is not taken for another") {
  const std::string bytes = bytes_of(Array{300, "x", ~std::uint64_t{0}, -1, 0.5});
  const DocumentView view = DocumentView::of(bytes);
  CHECK_THROWS_WITH(view[0].as<std::uint8_t>(), ContainsSubstring("300 does not fit"));
  CHECK_THROWS_WITH(view[1].as<int>(), ContainsSubstring("is a string, not an integer"));
  CHECK_THROWS_WITH(view[2].as<std::int64_t>(), ContainsSubstring("does not fit"));
  CHECK_THROWS_WITH(view[3].as<unsigned>(), ContainsSubstring("-1 does not fit"));
  CHECK_THROWS_WITH(view[4].as<int>(), ContainsSubstring("floating-point"));
  CHECK_THROWS_WITH(view[5], ContainsSubstring("5 elements"));
  CHECK_THROWS_WITH(view.find("x"), ContainsSubstring("is an array, not an object"));
  CHECK_THROWS_WITH(view[0].size(), ContainsSubstring("not an array"));
  CHECK_THROWS_WITH(Document(1).array(), ContainsSubstring("is an integer, not an array"));
  CHECK_THROWS_WITH(Document("x").as<double>(), ContainsSubstring("is a string"));
  CHECK(kind_of([&] { return view[1].as<bool>(); }) == ErrorKind::invalid_argument);
}

TEST_CASE("Document: depth is bounded, both ways") {
  const std::string deepest = bytes_of(nested(100));
  CHECK(DocumentCodec::decode<Document>(deepest) == nested(100));
  CHECK(kind_of([] { return bytes_of(nested(101)); }) == ErrorKind::invalid_argument);
  std::string bytes = deepest;
  for (int i = 0; i != 50; ++i) {
    const std::size_t size = bytes.size();
    std::string outer(1, size < 256 ? '\x60' : '\x61');
    for (const std::size_t field : {std::size_t{1}, size}) {
      outer += static_cast<char>(field);
      if (size >= 256) outer += static_cast<char>(field >> 8U);
    }
    bytes = outer + bytes;
    CHECK(kind_of([&] { return DocumentView::of(bytes).size(); }) == ErrorKind::corruption);
  }
}

TEST_CASE("Document: a second spelling of a value is refused") {
  for (const BytesView bad : {
           BytesView("", 0),
           BytesView("\x03", 1),                                  // no such word
           BytesView("\x00\x00", 2),                              // more than null
           BytesView("\x11\x00", 2),                              // 0 in a byte
           BytesView("\x12\x01\x00", 3),                          // 1 in two bytes
           BytesView("\x28\xff\xff\xff\xff\xff\xff\xff\xff", 9),  // below -2^63
           BytesView("\x37\0\0\0\0\0\0\0", 8),                    // a short floating-point number
           BytesView("\x41", 1),                                  // a string with a low half
           BytesView("\x61\x00\x00", 3),                          // an empty array of width 2
           BytesView("\x60\x01\x00", 3),                          // an element of no bytes
           BytesView("\x60\x01\x02\x00", 4),                      // an end beyond the array
           BytesView("\x60\x02\x02\x01\x00\x00", 6),              // ends that go back
           BytesView("\x60\x00\x00", 3),                          // something after the array
           BytesView("\x60\xff\x00", 3),                          // a count beyond the bytes
           BytesView("\x70\x02\x01\x02\x01\x02"
                     "ba"
                     "\x00\x00",
                     10),  // keys out of order
           BytesView("\x70\x02\x01\x02\x01\x02"
                     "aa"
                     "\x00\x00",
                     10),  // a key twice
           BytesView("\x70\x02\x02\x01\x01\x02"
                     "ab"
                     "\x00\x00",
                     10),  // keys that go back
           BytesView("\x80", 1),
       }) {
    INFO(testing::show(bad));
    CHECK(kind_of([&] { return DocumentView::of(bad).kind(); }) == ErrorKind::corruption);
  }
}
