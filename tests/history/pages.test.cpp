// SPDX-License-Identifier: Apache-2.0
#include "history/model.hpp"

#include <varve/adapters/memory.hpp>
#include <varve/layers/versioned.hpp>
#include <varve/merkle/verify.hpp>
#include <varve/open.hpp>

#include "catch.hpp"

#include <cstdint>
#include <string>
#include <vector>

using namespace varve;
using namespace varve_test::past;
using merkle::ProofFault;

namespace {

using InMemory = Versioned<MemoryAdapter>;

std::string key_of(std::uint64_t number) {
  return "key " + std::to_string(number);
}

std::uint64_t pages_of(const InMemory& store) {
  return count(store.next(), *store.next().find_tree("varve.trie"));
}

void prune_all(InMemory& store) {
  while (store.prune_step(1)) {
  }
}

}  // namespace

TEST_CASE("Versioned: of the pages nothing is kept that no height needs") {
  // With and without memory for which height wrote a page.
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{64} << 20U}) {
    auto store = open<InMemory>(VersionedOptions{.retain_heights = 1, .trie_cache_bytes = bytes});
    const Tree tree = store.open_tree("tree 0");
    WriteBatch all;
    for (std::uint64_t i = 0; i != 600; ++i) all.put(tree, key_of(i), "v");
    for (std::uint64_t i = 0; i != 600; i += 2) {
      store.write(WriteBatch().put(tree, key_of(i), "v").put(tree, key_of(i + 1), "v"));
    }
    for (std::uint64_t i = 0; i != 600; ++i) store.write(WriteBatch().erase(tree, key_of(i)));
    for (std::uint64_t i = 0; i != 600; ++i) {
      store.write(WriteBatch().put(tree, key_of(599 - i), "v"));
    }
    prune_all(store);
    CHECK(disorder(store) == "");
    auto once = open<InMemory>();
    WriteBatch same;
    const Tree other = once.open_tree("tree 0");
    for (std::uint64_t i = 0; i != 600; ++i) same.put(other, key_of(i), "v");
    once.write(same);
    CHECK(store.root() == once.root());
    CHECK(pages_of(store) == pages_of(once));
    store.write(WriteBatch().erase_range(tree, KeyRange::all()));
    CHECK(pages_of(store) != 0);
    prune_all(store);
    CHECK(pages_of(store) == 0);
    CHECK(store.audit().good);
  }
}

TEST_CASE("Versioned: pages that go and come are those of their height in every proof") {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{64} << 20U}) {
    auto store = open<InMemory>(VersionedOptions{.retain_heights = 24, .trie_cache_bytes = bytes});
    const Tree tree = store.open_tree("tree 0");
    Random random(11);
    std::map<std::uint64_t, Records> heights;
    Records records;
    for (std::uint64_t height = 1; height != 120; ++height) {
      WriteBatch batch;
      const bool grows = height / 10 % 2 == 0;
      for (int i = 0; i != 20; ++i) {
        const std::string key = key_of(random.below(200));
        if (grows) {
          records[key] = std::to_string(height);
          batch.put(tree, key, records[key]);
        } else {
          records.erase(key);
          batch.erase(tree, key);
        }
      }
      store.commit(batch, Height{height});
      heights[height] = records;
      if (height % 40 == 0) {
        store.rollback(Height{height - 7});
        records = heights[height - 7];
        store.commit({}, Height{height});
        heights[height] = records;
        for (std::uint64_t back = 1; back != 7; ++back) heights[height - back] = records;
      }
      if (height % 8 != 0) continue;
      CHECK(disorder(store) == "");
      for (std::uint64_t then = store.oldest().value; then <= height; then += 3) {
        const StateRoot root = store.root(Height{then});
        for (std::uint64_t number = 0; number < 200; number += 13) {
          const auto at = heights[then].find(key_of(number));
          std::optional<BytesView> value;
          if (at != heights[then].end()) value = at->second;
          const std::string proof = store.prove(tree, key_of(number), Height{then});
          CHECK(merkle::verify(root, "tree 0", key_of(number), value, proof).fault ==
                ProofFault::none);
        }
      }
    }
    CHECK(store.audit().good);
  }
}

TEST_CASE("Versioned: a page that is missing is corruption, never another proof") {
  auto store = open<InMemory>();
  const Tree tree = store.open_tree("tree 0");
  WriteBatch all;
  for (std::uint64_t i = 0; i != 600; ++i) all.put(tree, key_of(i), "v");
  store.commit(all, Height{1});
  for (std::uint64_t height = 2; height != 5; ++height) {
    store.commit(WriteBatch().put(tree, key_of(7), std::to_string(height)), Height{height});
  }
  auto& below = store.next();
  const Tree pages = *below.find_tree("varve.trie");
  std::vector<std::pair<std::string, std::string>> stored;
  for (auto scan = below.scan(pages, KeyRange::all()); scan.valid(); scan.next()) {
    stored.emplace_back(scan.entry().key, scan.entry().value);
  }
  const std::string proof = store.prove(tree, key_of(7), Height{3});
  std::size_t refused = 0;
  for (const auto& [key, page] : stored) {
    below.write(WriteBatch().erase(pages, key));
    try {
      const auto verdict = merkle::verify(store.root(Height{3}), "tree 0", key_of(7), "3",
                                          store.prove(tree, key_of(7), Height{3}));
      CHECK(verdict.fault == ProofFault::none);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::corruption);
      ++refused;
    }
    below.write(WriteBatch().put(pages, key, page));
  }
  CHECK(refused >= 2);
  CHECK(store.prove(tree, key_of(7), Height{3}) == proof);
}

TEST_CASE("Versioned: a page that tells a wrong height of one below it is corruption") {
  auto store = open<InMemory>();
  const Tree tree = store.open_tree("tree 0");
  WriteBatch all;
  for (std::uint64_t i = 0; i != 600; ++i) all.put(tree, key_of(i), "v");
  store.commit(all, Height{1});
  for (std::uint64_t height = 2; height != 5; ++height) {
    store.commit(WriteBatch().put(tree, key_of(7), std::to_string(height)), Height{height});
  }
  auto& below = store.next();
  const Tree pages = *below.find_tree("varve.trie");
  std::vector<std::pair<std::string, std::string>> stored;
  for (auto scan = below.scan(pages, KeyRange::all()); scan.valid(); scan.next()) {
    stored.emplace_back(scan.entry().key, scan.entry().value);
  }
  std::size_t refused = 0;
  for (const auto& [key, page] : stored) {
    for (std::size_t at = 0; at <= static_cast<unsigned char>(page.front()); ++at) {
      std::string damaged = page;
      damaged[at] = static_cast<char>(damaged[at] ^ 1);
      below.write(WriteBatch().put(pages, key, damaged));
      try {
        const auto verdict = merkle::verify(store.root(Height{3}), "tree 0", key_of(7), "3",
                                            store.prove(tree, key_of(7), Height{3}));
        CHECK(verdict.fault == ProofFault::none);
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::corruption);
        ++refused;
      }
    }
    below.write(WriteBatch().put(pages, key, page));
  }
  CHECK(refused >= 4);
  CHECK(store.audit().good);
}

TEST_CASE("Versioned: pages of heights that lie far apart") {
  auto store = open<InMemory>(VersionedOptions{.trie_cache_bytes = 0});
  const Tree tree = store.open_tree("tree 0");
  const std::vector<std::uint64_t> heights{1,
                                           2,
                                           130,
                                           std::uint64_t{1} << 40U,
                                           std::uint64_t{1} << 63U,
                                           ~std::uint64_t{0} - 1,
                                           ~std::uint64_t{0}};
  std::vector<StateRoot> roots;
  WriteBatch all;
  for (std::uint64_t i = 0; i != 300; ++i) all.put(tree, key_of(i), "v");
  store.commit(all, Height{heights.front()});
  for (const std::uint64_t height : heights) {
    const std::string value = std::to_string(height);
    if (height != 1) store.commit(WriteBatch().put(tree, key_of(7), value), Height{height});
    roots.push_back(store.root());
  }
  CHECK(disorder(store) == "");
  CHECK(store.audit().good);
  for (std::size_t i = 0; i != heights.size(); ++i) {
    const std::string value = i == 0 ? "v" : std::to_string(heights[i]);
    const std::string proof = store.prove(tree, key_of(7), Height{heights[i]});
    CHECK(merkle::verify(roots[i], "tree 0", key_of(7), value, proof).fault == ProofFault::none);
  }
}
