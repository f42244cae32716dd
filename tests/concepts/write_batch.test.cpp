// SPDX-License-Identifier: Apache-2.0
#include <varve/concepts/write_batch.hpp>

#include "catch.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <vector>

using namespace varve;
using varve_test::ContainsSubstring;

static_assert(std::forward_iterator<WriteBatch::Iterator>);

namespace {

const Tree small(3, "small");
const Tree own(3, "varve.own");
const Tree large(Tree::max_number, "large");

std::optional<WriteBatch> read(BytesView bytes) {
  try {
    return WriteBatch::from_bytes(bytes);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::corruption);
    return std::nullopt;
  }
}

/// The batch as its operations spell it when added one by one.
WriteBatch rebuilt(const WriteBatch& batch) {
  WriteBatch again;
  for (const WriteOp op : batch) {
    switch (op.kind) {
      case WriteOpKind::put: again.put(op.tree, op.key, op.value); break;
      case WriteOpKind::erase: again.erase(op.tree, op.key); break;
      case WriteOpKind::erase_range:
        again.erase_range(op.tree, KeyRange::between(op.key, op.value));
        break;
      case WriteOpKind::erase_from: again.erase_range(op.tree, KeyRange::from(op.key)); break;
    }
  }
  return again;
}

WriteBatch sample() {
  WriteBatch batch;
  batch.put(small, "key", "value").erase(own, std::string(200, 'k'));
  batch.erase_range(large, KeyRange::between("a", "b")).erase_range(small, KeyRange::all());
  batch.put(large, "k", "").put(small, std::string("\0", 1), std::string(300, '\xff'));
  return batch;
}

}  // namespace

TEST_CASE("WriteBatch: gives its operations back, in order") {
  WriteBatch batch;
  CHECK(batch.empty());
  batch.put(small, "k", "v").erase(own, "e").erase_range(large, KeyRange::prefix("p"));
  batch.erase_range(small, KeyRange::from("f"));
  const std::vector<WriteOp> ops(batch.begin(), batch.end());
  CHECK(ops == std::vector<WriteOp>{{WriteOpKind::put, small, "k", "v"},
                                    {WriteOpKind::erase, own, "e", ""},
                                    {WriteOpKind::erase_range, large, "p", "q"},
                                    {WriteOpKind::erase_from, small, "f", ""}});
  CHECK(batch.count() == 4);
}

TEST_CASE("WriteBatch: is the bytes that docs/formats/batch.md gives") {
  WriteBatch batch;
  batch.put(Tree(1, "t"), "k", "vv").erase(Tree(2, "varve.x"), "e");
  batch.erase_range(Tree(200, "t"), KeyRange::between("a", "c"));
  batch.erase_range(Tree(1, "t"), KeyRange::all());
  CHECK(batch.bytes() == std::string("\x01\x02\x01k\x02vv"
                                     "\x02\x05\x01"
                                     "e"
                                     "\x03\x90\x03\x01"
                                     "a\x01"
                                     "c"
                                     "\x04\x02\x00",
                                     21));
}

TEST_CASE("WriteBatch: an empty range adds nothing, an empty key is refused, and nothing changes") {
  WriteBatch batch;
  batch.erase_range(small, KeyRange::between("b", "b"));
  batch.erase_range(small, KeyRange::between("b", "a"));
  CHECK(batch.empty());
  CHECK(batch.bytes().empty());
  CHECK_THROWS_WITH(batch.put(small, "", "v"), ContainsSubstring("a key has at least one byte"));
  CHECK_THROWS_WITH(batch.erase(small, ""), ContainsSubstring("a key has at least one byte"));
  CHECK(batch.bytes().empty());
}

TEST_CASE("WriteBatch: appending joins the operations, and clearing leaves none") {
  const WriteBatch other = WriteBatch().erase(Tree(9, "later"), "k");
  WriteBatch batch = sample();
  batch.append(other);
  CHECK(batch.count() == sample().count() + 1);
  CHECK(batch.bytes() == std::string(sample().bytes()).append(other.bytes()));
  batch.clear();
  CHECK(batch == WriteBatch());
  CHECK(batch.begin() == batch.end());
}

TEST_CASE("WriteBatch: reads what it wrote, at random") {
  std::mt19937 random(20260102);
  const auto bytes = [&](std::size_t least) {
    std::string text(least + random() % 40, '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
  };
  for (int round = 0; round < 2000; ++round) {
    WriteBatch batch;
    for (auto n = random() % 6; n > 0; --n) {
      const Tree tree = Tree::from_id(static_cast<std::uint32_t>(random() >> (random() % 32)));
      switch (random() % 4) {
        case 0: batch.put(tree, bytes(1), bytes(0)); break;
        case 1: batch.erase(tree, bytes(1)); break;
        case 2: batch.erase_range(tree, KeyRange::between(bytes(0), bytes(0))); break;
        default: batch.erase_range(tree, KeyRange::from(bytes(0))); break;
      }
    }
    const auto again = read(batch.bytes());
    REQUIRE(again);
    CHECK(*again == batch);
    CHECK(again->count() == batch.count());
    CHECK(rebuilt(*again) == batch);
  }
}

TEST_CASE("WriteBatch: of hostile bytes, all but the one spelling of a batch are refused") {
  const std::string good(sample().bytes());
  std::size_t refused = 0;
  const auto judge = [&](const std::string& bytes) {
    const auto batch = read(bytes);
    if (!batch) {
      ++refused;
      return;
    }
    CHECK(batch->bytes() == bytes);
    CHECK(rebuilt(*batch) == *batch);
    CHECK(static_cast<std::size_t>(std::distance(batch->begin(), batch->end())) == batch->count());
  };
  for (std::size_t size = 0; size < good.size(); ++size) judge(good.substr(0, size));
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string flipped = good;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    judge(flipped);
  }
  std::mt19937 random(20260103);
  for (int round = 0; round < 20'000; ++round) {
    std::string noise(random() % 24, '\0');
    for (char& c : noise) c = static_cast<char>(random() % 6);
    judge(noise);
  }
  CHECK(refused > 10'000);
}

TEST_CASE("WriteBatch: numbers that are longer than they need to be, or too large, are refused") {
  CHECK_FALSE(read(std::string("\x02\x82\x00\x01k", 5)));
  CHECK_FALSE(read(std::string("\x02\x02\x81\x00k", 5)));
  CHECK_FALSE(read("\x02\xff\xff\xff\xff\x10\x01k"));
  CHECK_FALSE(read("\x02\xff\xff\xff\xff\xff\x01\x01k"));
  CHECK(read("\x02\xff\xff\xff\xff\x0f\x01k"));
  CHECK_FALSE(read("\x02\x02\xff\xff\xff\xff\x0fk"));
}
