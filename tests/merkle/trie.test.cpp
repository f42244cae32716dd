// SPDX-License-Identifier: Apache-2.0
#include <varve/merkle/suites.hpp>
#include <varve/merkle/trie.hpp>
#include <varve/testing/seed.hpp>

#include "catch.hpp"
#include "merkle/trie_store.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <vector>

using namespace varve_test;
using varve::merkle::Blake3;
using varve::merkle::Ics23Sha256;
using varve::merkle::JmtSha256;
using varve::merkle::RawKeys;

namespace {

std::vector<Change> make_changes(const std::vector<Digest>& keys, std::size_t count,
                                 Random& random) {
  std::vector<Change> changes;
  while (changes.size() != count) {
    Change change{keys[random() % keys.size()], std::nullopt};
    if (random() % 3 != 0) change.value = Digest{static_cast<std::byte>(random() % 4)};
    changes.push_back(change);
  }
  return changes;
}

template <class S>
void check_state(PageStore& store, const Leaves& leaves) {
  CHECK(Trie<S>::root(store) == reference_of<S>(leaves).root());
  CHECK(Trie<S>::count(store) == leaves.size());
  const FreshTrie<S> fresh(leaves);
  CHECK(fresh.store.pages == store.pages);
  CHECK(fresh.summary.root == Trie<S>::root(store));
  CHECK(fresh.summary.count == leaves.size());
  CHECK(fresh.summary.pages == store.pages.size());
}

template <class S>
void random_history(const TrieOptions& options, std::uint64_t seed) {
  Random random(seed);
  const std::vector<Digest> keys = random_keys(1 + random() % 200, random);
  Trie<S> trie(options);
  PageStore store;
  Leaves leaves;
  for (int step = 0; step != 30; ++step) {
    const auto changes = make_changes(keys, random() % 40, random);
    const TrieUpdate update = trie.update(store, changes);
    if (random() % 4 == 0) continue;  // never written, never accepted
    store.write(update);
    change_leaves(changes, leaves);
    if (random() % 8 == 0) {
      trie.forget();
    } else {
      trie.accept(update);
    }
    CHECK(update.root() == reference_of<S>(leaves).root());
    CHECK(update.count() == leaves.size());
  }
  check_state<S>(store, leaves);
}

}  // namespace

TEST_CASE("Trie: roots and pages after any history are those of a fresh build") {
  const std::uint64_t seed = varve::testing::seed_of_environment();
  INFO("VARVE_SEED=" << seed);
  for (std::uint64_t i = 0; i != 16; ++i) {
    const std::size_t sizes[] = {0, 3000, std::size_t{1} << 20U};
    const TrieOptions options{.cache_bytes = sizes[i % 3],
                              .threads = static_cast<unsigned>(i % 4),
                              .check_pages = i % 5 != 0};
    random_history<Blake3>(options, seed + i);
    random_history<RawKeys>(options, seed + i);
    if (i % 4 == 0) random_history<Ics23Sha256>(options, seed + i);
    if (i % 4 == 1) random_history<JmtSha256>(options, seed + i);
  }
}

TEST_CASE("Trie: the order of changes and how they are dealt out make no difference") {
  Random random(1);
  const auto keys = random_keys(300, random);
  std::vector<Change> changes;
  Leaves leaves;
  for (std::size_t i = 0; i != keys.size(); ++i) {
    changes.push_back({keys[i], Digest{static_cast<std::byte>(i)}});
  }
  change_leaves(changes, leaves);
  for (std::size_t batch : {1U, 2U, 7U, 64U, 300U}) {
    std::shuffle(changes.begin(), changes.end(), random);
    Trie<Blake3> trie;
    PageStore store;
    for (std::size_t at = 0; at < changes.size(); at += batch) {
      const auto some = std::span(changes).subspan(at, std::min(batch, changes.size() - at));
      const TrieUpdate update = trie.update(store, some);
      store.write(update);
      trie.accept(update);
    }
    check_state<Blake3>(store, leaves);
  }
}

TEST_CASE("Trie: lanes, threads, batches and memory make no difference, in all their pairings") {
  Random random(11);
  const auto keys = random_keys(2600, random);
  const auto first = make_changes(keys, 2600, random);
  const auto second = make_changes(keys, 300, random);
  Leaves leaves;
  change_leaves(first, leaves);
  change_leaves(second, leaves);
  const FreshTrie<Blake3> fresh(leaves);
  REQUIRE(fresh.summary.root == reference_of<Blake3>(leaves).root());
  for (const std::size_t lanes : {1U, 4U, 8U, 16U}) {
    varve::merkle::limit_lanes(lanes);
    for (const unsigned threads : {1U, 3U}) {
      for (const std::size_t cache_bytes :
           {std::size_t{0}, std::size_t{40000}, std::size_t{1} << 24U}) {
        for (const std::size_t batch : {std::size_t{900}, std::size_t{2600}}) {
          INFO(lanes << " lanes, " << threads << " threads, " << cache_bytes << ", " << batch);
          Trie<Blake3> trie({.cache_bytes = cache_bytes, .threads = threads});
          PageStore store;
          for (const auto* const changes : {&first, &second}) {
            for (std::size_t at = 0; at < changes->size(); at += batch) {
              const std::size_t size = std::min(batch, changes->size() - at);
              const TrieUpdate update = trie.update(store, std::span(*changes).subspan(at, size));
              store.write(update);
              trie.accept(update);
            }
          }
          CHECK(Trie<Blake3>::root(store) == fresh.summary.root);
          CHECK(store.pages == fresh.store.pages);
        }
      }
    }
  }
  varve::merkle::limit_lanes(16);
}

TEST_CASE("Trie: keys that share 60 to 255 bits") {
  Random random(2);
  const Digest first = random_digest(random);
  Trie<RawKeys> trie;
  PageStore store;
  Leaves leaves;
  std::vector<Change> all{{first, Digest{}}};
  for (std::size_t bits = 60; bits != 256; ++bits) {
    all.push_back({key_that_shares(first, bits, random), Digest{static_cast<std::byte>(bits)}});
  }
  for (const Change& change : all) {
    const TrieUpdate update = trie.update(store, {&change, 1});
    store.write(update);
    trie.accept(update);
    change_leaves({&change, 1}, leaves);
    REQUIRE(update.root() == reference_of<RawKeys>(leaves).root());
  }
  check_state<RawKeys>(store, leaves);
  CHECK(store.pages.size() == 64);
  CHECK(store.pages.rbegin()->first.size() == 33);
  // Back again, in another order.
  std::shuffle(all.begin(), all.end(), random);
  for (Change& change : all) {
    change.value.reset();
    const TrieUpdate update = trie.update(store, {&change, 1});
    store.write(update);
    trie.accept(update);
    change_leaves({&change, 1}, leaves);
    REQUIRE(update.root() == reference_of<RawKeys>(leaves).root());
    REQUIRE(FreshTrie<RawKeys>(leaves).store.pages == store.pages);
  }
  CHECK(store.pages.empty());
}

TEST_CASE("Trie: what is erased leaves nothing behind") {
  Random random(3);
  const auto keys = random_keys(400, random);
  Trie<Blake3> trie;
  PageStore store;
  std::vector<Change> put;
  for (const Digest& key : keys) put.push_back({key, Digest{}});
  const TrieUpdate filled = trie.update(store, put);
  store.write(filled);
  trie.accept(filled);
  for (Change& change : put) change.value.reset();
  const TrieUpdate emptied = trie.update(store, put);
  CHECK(emptied.root() == Blake3::empty);
  CHECK(emptied.root() == Digest{});
  CHECK(emptied.count() == 0);
  store.write(emptied);
  trie.accept(emptied);
  CHECK(store.pages.empty());
  CHECK(Trie<Blake3>::root(store) == Digest{});
  CHECK(Trie<Blake3>::count(store) == 0);
  CHECK(trie.cached_bytes() == 0);
}

TEST_CASE("Trie: changes that change nothing change no page") {
  Random random(4);
  const auto keys = random_keys(100, random);
  Trie<Blake3> trie;
  PageStore store;
  std::vector<Change> put;
  for (const Digest& key : keys) put.push_back({key, key});
  store.write(trie.update(store, put));
  const Digest root = Trie<Blake3>::root(store);

  CHECK(trie.update(store, {}).pages().empty());
  CHECK(trie.update(store, {}).root() == root);
  const TrieUpdate again = trie.update(store, put);
  CHECK(again.pages().empty());
  CHECK(again.root() == root);
  CHECK(again.count() == keys.size());
  std::vector<Change> absent;
  for (int i = 0; i != 50; ++i) absent.push_back({random_digest(random), std::nullopt});
  CHECK(trie.update(store, absent).pages().empty());
  PageStore empty;
  Trie<Blake3> other;
  CHECK(other.update(empty, absent).pages().empty());
  CHECK(other.update(empty, absent).root() == Digest{});
}

TEST_CASE("Trie: of several changes of one key the last counts") {
  Random random(5);
  const Digest key = random_digest(random);
  const Digest one{std::byte{1}};
  const Digest two{std::byte{2}};
  Trie<Blake3> trie;
  PageStore store;
  const Change put_erased[] = {{key, one}, {key, std::nullopt}};
  CHECK(trie.update(store, put_erased).pages().empty());
  const Change put_twice[] = {{key, one}, {key, std::nullopt}, {key, two}};
  const TrieUpdate update = trie.update(store, put_twice);
  CHECK(update.root() == Blake3::leaf(key, two));
  CHECK(update.count() == 1);
  // Enough of them to be dealt out before they are sorted.
  std::vector<Change> many;
  for (unsigned i = 0; i != 9000; ++i) many.push_back({key, Digest{static_cast<std::byte>(i % 7)}});
  CHECK(trie.update(store, many).root() == Blake3::leaf(key, *many.back().value));
}

TEST_CASE("Trie: an update that is not accepted leaves no trace") {
  Random random(6);
  const auto keys = random_keys(200, random);
  Trie<Blake3> trie;
  PageStore store;
  Leaves leaves;
  const auto first = make_changes(keys, 150, random);
  const TrieUpdate written = trie.update(store, first);
  store.write(written);
  trie.accept(written);
  change_leaves(first, leaves);
  const auto dropped = make_changes(keys, 150, random);
  (void)trie.update(store, dropped);
  const auto second = make_changes(keys, 150, random);
  const TrieUpdate next = trie.update(store, second);
  change_leaves(second, leaves);
  CHECK(next.root() == reference_of<Blake3>(leaves).root());
  store.write(next);
  check_state<Blake3>(store, leaves);
}

TEST_CASE("Trie: the pages before an update take it back") {
  Random random(7);
  const auto keys = random_keys(300, random);
  Trie<RawKeys> trie;
  PageStore store;
  std::vector<std::vector<KeptChange>> updates;
  std::vector<PageStore> states{store};
  for (int i = 0; i != 20; ++i) {
    const TrieUpdate update = trie.update(store, make_changes(keys, 60, random));
    updates.push_back(kept(update));
    store.write(update);
    trie.accept(update);
    states.push_back(store);
  }
  while (!updates.empty()) {
    store.undo(updates.back());
    updates.pop_back();
    states.pop_back();
    REQUIRE(store.pages == states.back().pages);
  }
  CHECK(store.pages.empty());
  // The cache is told, and the other branch is as if there had been none before.
  trie.forget();
  const auto branch = make_changes(keys, 60, random);
  store.write(trie.update(store, branch));
  Leaves leaves;
  change_leaves(branch, leaves);
  check_state<RawKeys>(store, leaves);
}

TEST_CASE("Trie: what the cache holds is not read again, and it is bounded") {
  Random random(8);
  std::vector<Change> changes;
  for (int i = 0; i != 5000; ++i) changes.push_back({random_digest(random), Digest{}});
  Trie<Blake3> trie;
  PageStore store;
  const TrieUpdate update = trie.update(store, changes);
  store.write(update);
  trie.accept(update);
  store.reads = 0;
  for (Change& change : changes) change.value = Digest{std::byte{1}};
  const TrieUpdate again = trie.update(store, changes);
  CHECK(store.reads == 0);
  CHECK(again.pages().size() == store.pages.size());

  // Nor what was read and stayed as it is.
  Trie<Blake3> reading;
  for (Change& change : changes) change.value = Digest{};
  const TrieUpdate nothing = reading.update(store, changes);
  CHECK(nothing.pages().empty());
  CHECK(nothing.read().size() == store.pages.size());
  reading.accept(nothing);
  store.reads = 0;
  CHECK(reading.update(store, changes).pages().empty());
  CHECK(store.reads == 0);

  constexpr std::size_t budget = 100'000;
  Trie<Blake3> small({.cache_bytes = budget});
  for (int i = 0; i != 20; ++i) {
    for (Change& change : changes) change.value = Digest{static_cast<std::byte>(2 + i)};
    const TrieUpdate next = small.update(store, changes);
    CHECK(small.cached_bytes() <= budget);
    store.write(next);
    small.accept(next);
    CHECK(small.cached_bytes() <= budget);
    CHECK(small.cached_bytes() > 0);
  }
  Trie<Blake3> none({.cache_bytes = 0});
  none.accept(none.update(store, changes));
  CHECK(none.cached_bytes() == 0);
}

TEST_CASE("Trie: finds the value of each key and of no other") {
  Random random(9);
  const auto keys = random_keys(200, random);
  Leaves leaves;
  change_leaves(make_changes(keys, 150, random), leaves);
  FreshTrie<RawKeys> fresh(leaves);
  for (const Digest& key : keys) {
    const auto it = leaves.find(key);
    const auto found = Trie<RawKeys>::find(fresh.store, key);
    CHECK(found == (it == leaves.end() ? std::nullopt : std::optional(it->second)));
  }
  PageStore empty;
  CHECK_FALSE(Trie<RawKeys>::find(empty, keys[0]));
}

TEST_CASE("Trie: a walk meets every leaf once, in order, and comes to the root") {
  Random random(10);
  for (std::size_t count : {0U, 1U, 2U, 3U, 40U, 1000U}) {
    const auto keys = random_keys(count, random);
    Leaves leaves;
    for (const Digest& key : keys) leaves[key] = random_digest(random);
    FreshTrie<RawKeys> fresh(leaves);
    std::vector<DigestPair> met;
    const TrieSummary summary =
        Trie<RawKeys>::walk(fresh.store, [&](const Digest& key, const Digest& value) {
          met.push_back({key, value});
        });
    CHECK(summary == fresh.summary);
    CHECK(summary.root == reference_of<RawKeys>(leaves).root());
    REQUIRE(met.size() == leaves.size());
    CHECK(
        std::equal(met.begin(), met.end(), leaves.begin(), [](const auto& pair, const auto& leaf) {
          return pair.first == leaf.first && pair.second == leaf.second;
        }));
  }
}
