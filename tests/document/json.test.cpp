// SPDX-License-Identifier: Apache-2.0
#include <varve/codecs/document.hpp>
#include <varve/codecs/either.hpp>
#include <varve/codecs/json.hpp>
#include <varve/document/json.hpp>
#include <varve/testing/codec_laws.hpp>

#include "catch.hpp"
#include "codecs/hostile.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

using namespace varve;
using nlohmann::json;
using varve_test::kind_of;

namespace {

const std::vector<json> trees{nullptr,
                              true,
                              0,
                              -7,
                              std::numeric_limits<std::uint64_t>::max(),
                              std::numeric_limits<std::int64_t>::min(),
                              0.5,
                              -0.0,
                              "",
                              "text",
                              json::array(),
                              json::object(),
                              json::binary({0, 255}),
                              {1, {2, {3, nullptr}}},
                              {{"b", 1}, {"a", {{"x", {false}}}}}};

std::string bytes_of(const Document& document) {
  std::string bytes;
  DocumentCodec::encode(document, bytes);
  return bytes;
}

}  // namespace

TEST_CASE("Document: from JSON and back, by the document and by its view") {
  for (const json& tree : trees) {
    INFO(tree.dump());
    const auto document = tree.get<Document>();
    const std::string bytes = bytes_of(document);
    CHECK(json(document) == tree);
    CHECK(json(DocumentView::of(bytes)) == tree);
    CHECK(json(document).type() == json(DocumentView::of(bytes)).type());
  }
}

TEST_CASE("Document: what has no place in a document is refused, and depth is bounded") {
  const auto refused = [](const json& tree) {
    return kind_of([&] { return tree.get<Document>(); });
  };
  CHECK(refused(json::binary({1}, 7)) == ErrorKind::invalid_argument);
  CHECK(refused(json(json::value_t::discarded)) == ErrorKind::invalid_argument);
  json deep = 1;
  Document document = 1;
  for (std::size_t i = 0; i != 100; ++i) {
    deep = json::array({deep});
    Document::Array outer;
    outer.push_back(std::move(document));
    document = std::move(outer);
  }
  CHECK(deep.get<Document>() == document);
  CHECK(json(document) == deep);
  CHECK(refused(json::array({deep})) == ErrorKind::invalid_argument);
  CHECK(kind_of([&] { return json(Document(Document::Array{document})); }) ==
        ErrorKind::invalid_argument);
}

TEST_CASE("Document: a store moves from JSON text to documents") {
  using Moved = Either<DocumentCodec, Json>;
  const Document document = Document::Object{{"a", 1}};
  CHECK(Moved::decode<Document>(R"({"a":1})") == document);
  CHECK(Moved::decode<Document>('\xff' + bytes_of(document)) == document);
  const auto broken = testing::check_codec<Moved>(std::vector<Document>{document, "x"});
  INFO((broken ? to_string(*broken) : ""));
  CHECK_FALSE(broken);
}
