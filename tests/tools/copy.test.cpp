// SPDX-License-Identifier: Apache-2.0
#include <varve/testing/minimal_engine.hpp>
#include <varve/tools/copy.hpp>

#include "catch.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

using namespace varve;
using varve::testing::MinimalEngine;

namespace {

std::string numbered(int i) {
  std::string text = std::to_string(i);
  return std::string(8 - text.size(), '0') + text;
}

void fill(MinimalEngine& engine, Tree tree, int records) {
  WriteBatch batch;
  for (int i = 0; i < records; ++i)
    batch.put(tree, numbered(i), std::string(static_cast<std::size_t>(1 + i % 50), 'v'));
  engine.write(batch);
}

std::string dump(const MinimalEngine& engine, Tree tree) {
  std::string text;
  for (const Entry entry : engine.scan(tree, KeyRange::all())) {
    text.append(entry.key).append("=").append(entry.value).append("\n");
  }
  return text;
}

}  // namespace

TEST_CASE("copy_tree: the copy equals the source, whatever the size of its blocks") {
  MinimalEngine from;
  const Tree source = from.open_tree("a");
  fill(from, source, 3000);
  for (const std::size_t block_bytes : {std::size_t{1}, std::size_t{100}, std::size_t{1} << 20U}) {
    MinimalEngine to;
    const Tree target = to.open_tree("b");
    const CopyReport report =
        copy_tree(from, source, to, target, {.block_bytes = block_bytes, .blocks = 2});
    CHECK(dump(to, target) == dump(from, source));
    CHECK(report.records == 3000);
    CHECK(report.bytes == dump(from, source).size() - 2 * 3000);
  }
}

TEST_CASE("copy_tree: of nothing is nothing") {
  MinimalEngine from;
  MinimalEngine to;
  const Tree source = from.open_tree("a");
  CHECK(copy_tree(from, source, to, to.open_tree("a")) == CopyReport{});
}

TEST_CASE("copy_tree: what the writer refuses stops the reader, and is what is thrown") {
  MinimalEngine from;
  const Tree source = from.open_tree("a");
  fill(from, source, 3000);
  MinimalEngine to(testing::MinimalOptions{.max_value_bytes = 10});
  try {
    copy_tree(from, source, to, to.open_tree("a"), {.block_bytes = 64, .blocks = 1});
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid_argument);
  }
}

TEST_CASE("copy_tree: what the reader meets is what is thrown") {
  MinimalEngine from;
  MinimalEngine to;
  CHECK_THROWS_AS(copy_tree(from, Tree(9, "gone"), to, to.open_tree("a")), Error);
}

TEST_CASE("Pipe: hands over every piece in order, then what went wrong") {
  Pipe<int> pipe(3, [](const auto& push) {
    for (int i = 0; i < 1000; ++i) push(i);
    throw std::runtime_error("spring is dry");
  });
  for (int i = 0; i < 1000; ++i) REQUIRE(pipe.pop() == i);
  CHECK_THROWS_WITH((void)pipe.pop(), "spring is dry");
}

TEST_CASE("Pipe: the maker waits for room, and stops when nobody wants more") {
  int made = 0;
  {
    Pipe<int> pipe(2, [&](const auto& push) {
      while (push(made)) ++made;
    });
    CHECK(pipe.pop() == 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  CHECK(made <= 3);
}
