// SPDX-License-Identifier: Apache-2.0
#include <varve/concepts/error.hpp>
#include <varve/merkle/suites.hpp>
#include <varve/merkle/trie.hpp>

#include "catch.hpp"
#include "merkle/trie_store.hpp"

#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

using namespace varve_test;
using varve::Error;
using varve::ErrorKind;
using varve::merkle::PageKey;
using varve::merkle::RawKeys;

namespace {

/// A small trie with pages at many depths.
Leaves make_leaves(Random& random) {
  Leaves leaves;
  const Digest first = random_digest(random);
  leaves[first] = first;
  for (std::size_t bits : {3U, 9U, 14U, 30U, 31U, 103U}) {
    leaves[key_that_shares(first, bits, random)] = first;
  }
  while (leaves.size() != 30) leaves[random_digest(random)] = first;
  return leaves;
}

void walk(PageStore& store, const Digest& root) {
  const TrieSummary summary =
      Trie<RawKeys>::walk(store, [](const Digest&, const Digest&) { /* the pages are at issue */ });
  // Nothing in the trie says what the root page is: whoever holds the root does.
  if (summary.root != root) {
    throw varve::merkle::damaged_page(PageKey(), "does not have the hash of the root");
  }
}

/// Reads every page and changes nothing: what is erased was never there.
void update_all(PageStore& store, const Leaves& leaves, const Digest& root) {
  Random random(99);
  std::vector<Change> changes;
  for (const auto& [key, value] : leaves) {
    Digest absent = key;
    for (std::size_t bits = 255; leaves.contains(absent); --bits) {
      absent = key_that_shares(key, bits, random);
    }
    changes.push_back({absent, std::nullopt});
  }
  const TrieUpdate update = Trie<RawKeys>().update(store, changes);
  if (update.root() != root) {
    throw varve::merkle::damaged_page(PageKey(), "does not have the hash of the root");
  }
}

/// The error must be of corruption, and name a page.
void refuses(const std::function<void()>& action) {
  try {
    action();
    FAIL("damage was not found");
  } catch (const Error& error) {
    INFO(error.what());
    CHECK(error.kind() == ErrorKind::corruption);
    CHECK(std::string(error.what()).find("page") != std::string::npos);
  }
}

}  // namespace

TEST_CASE("Trie: every flipped bit of every page is found by a walk and by an update") {
  Random random(1);
  const Leaves leaves = make_leaves(random);
  const FreshTrie<RawKeys> fresh(leaves);
  PageStore store = fresh.store;
  std::size_t flips = 0;
  for (auto& [key, page] : store.pages) {
    const bool deep = static_cast<unsigned char>(key[0]) > 8;
    for (std::size_t bit = 0; bit < page.size() * 8; bit += (deep ? 53 : 5)) {
      page[bit / 8] = static_cast<char>(page[bit / 8] ^ (1 << (bit % 8)));
      refuses([&] { walk(store, fresh.summary.root); });
      refuses([&] { update_all(store, leaves, fresh.summary.root); });
      page[bit / 8] = static_cast<char>(page[bit / 8] ^ (1 << (bit % 8)));
      ++flips;
    }
  }
  CHECK(flips > 1000);
  walk(store, fresh.summary.root);
  update_all(store, leaves, fresh.summary.root);
}

TEST_CASE("Trie: pages that are cut, extended, missing or swapped are found") {
  Random random(2);
  const Leaves leaves = make_leaves(random);
  const FreshTrie<RawKeys> fresh(leaves);
  for (const auto& [key, page] : fresh.store.pages) {
    PageStore store = fresh.store;
    std::string& damaged = store.pages[key];
    const auto both = [&] {
      refuses([&] { walk(store, fresh.summary.root); });
      refuses([&] { update_all(store, leaves, fresh.summary.root); });
    };
    for (std::size_t size = 0; size < page.size(); size += 7) {
      damaged = page.substr(0, size);
      both();
    }
    damaged = page + '\0';
    both();
    for (const auto& [other_key, other] : fresh.store.pages) {
      if (other_key == key) continue;
      damaged = other;
      both();
    }
    store.pages.erase(key);
    both();
  }
}

TEST_CASE("Trie: the error names the page") {
  Random random(3);
  const Leaves leaves = make_leaves(random);
  const FreshTrie<RawKeys> fresh(leaves);
  for (const auto& [key, page] : fresh.store.pages) {
    PageStore store = fresh.store;
    store.pages[key].pop_back();
    std::string name = "root page";
    if (key != std::string(1, '\0')) {
      name = "page ";
      const auto depth = static_cast<unsigned char>(key[0]);
      for (std::size_t i = 0; i != depth; ++i) {
        const auto byte = static_cast<unsigned char>(key[1 + i / 2]);
        name += "0123456789abcdef"[i % 2 == 0 ? byte >> 4U : byte & 15U];
      }
    }
    try {
      walk(store, fresh.summary.root);
      FAIL("damage was not found");
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find(name + " of the trie") != std::string::npos);
    }
  }
}

TEST_CASE("Trie: no bytes at all are taken for a page without a look") {
  Random random(4);
  std::size_t taken = 0;
  const auto attempt = [&](const PageKey& key, const std::string& bytes) {
    varve::merkle::Page page{.key = key};
    try {
      page.decode(bytes);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corruption) FAIL(error.what());
      return;
    }
    char again[varve::merkle::Page::max_bytes];
    CHECK(BytesView(again, page.encode(again)) == bytes);
    ++taken;
  };
  for (int i = 0; i != 20000; ++i) {
    std::string bytes(random() % 160, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % 3 == 0 ? random() : random() % 4);
    attempt(PageKey(random_digest(random), random() % 64), bytes);
  }
  // Pages, with a bit that is not theirs.
  const FreshTrie<RawKeys> fresh(make_leaves(random));
  for (const auto& [stored, page] : fresh.store.pages) {
    Digest path{};
    std::memcpy(path.data(), stored.data() + 1, stored.size() - 1);
    const PageKey key(path, static_cast<unsigned char>(stored[0]));
    REQUIRE(key.view() == stored);
    for (int i = 0; i != 100; ++i) {
      std::string damaged = page;
      char& byte = damaged[random() % page.size()];
      byte = static_cast<char>(byte ^ (1 << random() % 8));
      attempt(key, damaged);
    }
  }
  CHECK(taken > 1000);
}

TEST_CASE("Trie: an update refuses a page that is sound in itself but of another state") {
  Random random(5);
  Leaves leaves;
  for (int i = 0; i != 2000; ++i) leaves[random_digest(random)] = {};
  const FreshTrie<RawKeys> fresh(leaves);
  const Digest key = leaves.begin()->first;
  Leaves later = leaves;
  later[key] = Digest{std::byte{1}};
  const FreshTrie<RawKeys> newer(later);
  PageStore mixed = fresh.store;
  const std::string deep(PageKey(key, 2).view());
  REQUIRE(newer.store.pages.contains(deep));
  mixed.pages[deep] = newer.store.pages.at(deep);
  const Change change{key, Digest{std::byte{2}}};
  refuses([&] { (void)Trie<RawKeys>().update(mixed, {&change, 1}); });
  refuses([&] { (void)Trie<RawKeys>::prove(mixed, key); });
  // Whoever trusts the store may leave the check out; the form is looked at all the same.
  Trie<RawKeys> trusting({.check_pages = false});
  CHECK_FALSE(trusting.update(mixed, {&change, 1}).pages().empty());
  trusting.forget();
  mixed.pages[deep].pop_back();
  refuses([&] { (void)trusting.update(mixed, {&change, 1}); });
}

TEST_CASE("Trie: what a reader throws comes out, and the trie is as before") {
  struct Failing {
    PageStore& store;
    std::size_t left;
    std::optional<BytesView> page(BytesView key) {
      if (left-- == 0) throw Error(ErrorKind::io, {.message = "the disk is gone"});
      return store.page(key);
    }
  };
  Random random(6);
  Leaves leaves = make_leaves(random);
  FreshTrie<RawKeys> fresh(leaves);
  std::vector<Change> changes;
  for (auto& [key, value] : leaves) {
    value = Digest{std::byte{9}};
    changes.push_back({key, value});
  }
  Trie<RawKeys> trie;
  for (std::size_t reads = 0; reads < 12; ++reads) {
    Failing failing{fresh.store, reads % 4};
    CHECK_THROWS_AS((void)trie.update(failing, changes), Error);
  }
  CHECK(trie.update(fresh.store, changes).root() == reference_of<RawKeys>(leaves).root());
}
