// SPDX-License-Identifier: Apache-2.0
#include <varve/concepts/error.hpp>
#include <varve/merkle/suites.hpp>
#include <varve/merkle/trie.hpp>

#include "catch.hpp"
#include "merkle/trie_store.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace varve_test;
using varve::Error;
using varve::ErrorKind;
using varve::merkle::Blake3;
using varve::merkle::RawKeys;

namespace {

/// What a build puts aside. Each block is to be asked for once.
struct Blocks {
  std::vector<std::string> held;
  std::size_t got = 0;

  void put(std::uint64_t number, BytesView block) {
    CHECK(number == held.size());
    CHECK(block.size() <= std::size_t{64} << 10U);
    held.emplace_back(block);
  }
  std::optional<std::string> get(std::uint64_t number) {
    ++got;
    return held.at(number);
  }
  [[nodiscard]] std::size_t bytes() const {
    std::size_t all = 0;
    for (const std::string& block : held) all += block.size();
    return all;
  }
};

template <class S>
TrieSummary build_of(const std::vector<DigestPair>& leaves, PageStore& store, Blocks& blocks,
                     std::size_t memory_bytes) {
  return Trie<S>::build(
      [&](const auto& add) {
        for (const DigestPair& leaf : leaves) add(leaf.first, leaf.second);
      },
      [&](BytesView key, BytesView page) {
        CHECK(store.pages.emplace(key, page).second);
        CHECK(page.size() <= varve::merkle::Page::max_bytes);
      },
      blocks, memory_bytes);
}

}  // namespace

TEST_CASE("Trie::build: memory makes no difference but to what is put aside, each leaf once") {
  Random random(1);
  const auto leaves = random_leaves(3000, random);
  const Digest root = ReferenceTrie<Blake3>(leaves).root();
  PageStore first;
  for (const std::size_t memory :
       {std::size_t{1} << 20U, leaves.size() * 96, leaves.size() * 96 - 1, std::size_t{100} << 10U,
        std::size_t{9} << 10U, std::size_t{1}}) {
    INFO(memory << " bytes");
    PageStore store;
    Blocks blocks;
    const TrieSummary summary = build_of<Blake3>(leaves, store, blocks, memory);
    CHECK(summary.root == root);
    CHECK(summary.count == leaves.size());
    CHECK(summary.pages == store.pages.size());
    CHECK(blocks.bytes() == (memory < leaves.size() * 96 ? leaves.size() * 64 : 0));
    CHECK(blocks.got == blocks.held.size());
    if (first.pages.empty()) first = store;
    CHECK(store.pages == first.pages);
  }
}

TEST_CASE("Trie::build: what was put aside and is not there as it was is refused") {
  Random random(5);
  const auto leaves = random_leaves(500, random);
  struct Damaged : Blocks {
    std::string last;
    bool gone = false;
    std::optional<std::string> get(std::uint64_t number) {
      if (number + 1 != held.size()) return held[number];
      return gone ? std::nullopt : std::optional(last);
    }
  };
  for (const bool gone : {false, true}) {
    Damaged blocks;
    blocks.gone = gone;
    try {
      (void)Trie<Blake3>::build(
          [&](const auto& add) {
            for (const DigestPair& leaf : leaves) add(leaf.first, leaf.second);
          },
          [](BytesView, BytesView) {}, blocks, 9000);
      FAIL("it was taken");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::corruption);
      CHECK(std::string(error.what()).find("build it again") != std::string::npos);
    }
  }
}

TEST_CASE("Trie::build: nothing gives the empty root and no page, one key gives its leaf") {
  const auto none = [](BytesView, BytesView) { FAIL("there is no page"); };
  CHECK(Trie<Blake3>::build([](const auto&) {}, none) == TrieSummary{Blake3::empty, 0, 0});
  Random random(2);
  const auto leaves = random_leaves(1, random);
  std::size_t pages = 0;
  const TrieSummary one =
      Trie<Blake3>::build([&](const auto& add) { add(leaves[0].first, leaves[0].second); },
                          [&](BytesView key, BytesView page) {
                            ++pages;
                            CHECK(key == BytesView("\0", 1));
                            CHECK(page.size() == 4 + 64);
                          });
  CHECK(pages == 1);
  CHECK(one == TrieSummary{Blake3::leaf(leaves[0].first, leaves[0].second), 1, 1});
}

TEST_CASE("Trie::build: a key that comes twice is refused, however little memory there is") {
  Random random(3);
  auto leaves = random_leaves(500, random);
  leaves.push_back(leaves[77]);
  for (std::size_t memory : {std::size_t{1} << 20U, std::size_t{3000}}) {
    PageStore store;
    Blocks blocks;
    try {
      (void)build_of<Blake3>(leaves, store, blocks, memory);
      FAIL("it was taken");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::invalid_argument);
      CHECK(std::string(error.what()).find("twice") != std::string::npos);
    }
  }
}

TEST_CASE("TrieBuilder: takes leaves in the order of their keys alone") {
  const auto write = [](BytesView, BytesView) {};
  varve::merkle::TrieBuilder<Blake3, decltype(write)> builder(write);
  builder.add(Digest{std::byte{2}}, {});
  try {
    builder.add(Digest{std::byte{1}}, {});
    FAIL("it was taken");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid_argument);
    CHECK(std::string(error.what()).find("sort the keys") != std::string::npos);
  }
}

TEST_CASE("TrieBuilder: pages come after those below them, the root page last") {
  Random random(4);
  auto leaves = random_leaves(20000, random);
  for (std::size_t i = 0; i != 50; ++i) {
    leaves.push_back({key_that_shares(leaves[0].first, 4 + 5 * i, random), {}});
  }
  std::ranges::sort(leaves, {}, &DigestPair::first);
  std::map<std::string, std::size_t> order;
  const auto write = [&](BytesView key, BytesView) { order.emplace(key, order.size()); };
  varve::merkle::TrieBuilder<RawKeys, decltype(write)> builder(write);
  for (const DigestPair& leaf : leaves) builder.add(leaf.first, leaf.second);
  const TrieSummary summary = builder.finish();
  CHECK(summary.root == ReferenceTrie<RawKeys>(leaves).root());
  CHECK(summary.pages == order.size());
  CHECK(order.at(std::string(1, '\0')) == order.size() - 1);
  for (const DigestPair& leaf : leaves) {
    std::size_t above = order.size();
    for (std::size_t depth = 0; depth != 64; ++depth) {
      const varve::merkle::PageKey key(leaf.first, depth);
      const auto it = order.find(std::string(key.view()));
      if (it == order.end()) break;
      if (it->second >= above) FAIL("a page comes before one below it");
      above = it->second;
    }
  }
}
