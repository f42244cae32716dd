// SPDX-License-Identifier: Apache-2.0
#include "history/stacks.hpp"

#include <varve/adapters/memory.hpp>
#include <varve/merkle/multiproof.hpp>
#include <varve/merkle/verify.hpp>
#include <varve/testing/faulty.hpp>

#include "catch.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

using namespace varve;
using namespace varve_test::past;
using merkle::ProofFault;
using varve_test::ContainsSubstring;

namespace {

using InMemory = Versioned<MemoryAdapter>;

/// Commits heights 10 to 29 over some records, of which the last eight are kept. Each holds its own
/// number.
Tree make_heights(InMemory& store) {
  const Tree tree = store.open_tree("tree 0");
  static_cast<void>(fill(store, made_records(200), 50));
  for (std::uint64_t h = 10; h != 30; ++h) {
    store.commit(WriteBatch().put(tree, "k", std::to_string(h)), Height{h});
  }
  CHECK(store.oldest() == Height{22});
  return tree;
}

ProofFault fault_of(const StateRoot& root, BytesView key, std::optional<BytesView> value,
                    const std::string& proof) {
  return merkle::verify(root, "tree 0", key, value, proof).fault;
}

}  // namespace

TEST_CASE("Versioned: another branch after a rollback has the root of a fresh build") {
  const auto records = made_records(300);
  auto store = open<InMemory>();
  static_cast<void>(fill(store, records, 10));
  const StateRoot forked = store.root();
  const Height fork = store.latest();
  const Tree tree = *store.find_tree("tree 0");
  for (std::uint64_t i = 1; i != 6; ++i) {
    const StateRoot root = store.commit(
        WriteBatch().put(tree, "branch", std::to_string(i)).erase(tree, records[i].first),
        Height{fork.value + i});
    CHECK(store.root(Height{fork.value + i}) == root);
  }
  store.rollback(fork);
  CHECK(store.root() == forked);
  auto block = store.begin(Height{fork.value + 1});
  block.put(tree, "other", "branch");
  const StateRoot other = block.finalize();

  auto fresh = open<InMemory>();
  auto all = records;
  all.emplace_back("other", "branch");
  CHECK(fill(fresh, all, 1000) == other);
}

TEST_CASE("Versioned: proofs hold at every height that is kept, and say nothing else") {
  auto store = open<InMemory>(VersionedOptions{.retain_heights = 8});
  const Tree tree = make_heights(store);
  for (std::uint64_t h = 22; h != 30; ++h) {
    const StateRoot root = store.root(Height{h});
    const std::string proof = store.prove(tree, "k", Height{h});
    CHECK(fault_of(root, "k", std::to_string(h), proof) == ProofFault::none);
    CHECK(fault_of(root, "k", std::to_string(h + 1), proof) != ProofFault::none);
    CHECK(fault_of(root, "k", std::nullopt, proof) != ProofFault::none);
    CHECK(fault_of(store.root(), "k", std::to_string(h), proof) ==
          (h == 29 ? ProofFault::none : ProofFault::other_root));
    const std::string absent = store.prove(tree, "absent", Height{h});
    CHECK(fault_of(root, "absent", std::nullopt, absent) == ProofFault::none);
    CHECK(fault_of(root, "absent", "", absent) != ProofFault::none);
  }
  CHECK_THROWS_AS((void)store.prove(tree, "k", Height{9}), HeightError);
  CHECK_THROWS_AS((void)store.root(Height{30}), HeightError);
}

TEST_CASE("Versioned: one proof of many keys holds at every height that is kept") {
  auto store = open<InMemory>(VersionedOptions{.retain_heights = 8});
  const Tree tree = make_heights(store);
  std::vector<std::string> names{"absent"};
  for (const Entry entry : store.scan(tree, KeyRange::all())) names.emplace_back(entry.key);
  const std::vector<BytesView> keys(names.begin(), names.end());
  REQUIRE(keys.size() == 202);
  for (std::uint64_t h = 22; h != 30; ++h) {
    const auto past = store.at(Height{h});
    const std::string proof = store.prove_all(tree, keys, Height{h});
    std::vector<std::optional<std::string>> values;
    for (const BytesView key : keys) values.push_back(get_copy(past, tree, key));
    CHECK(get_copy(past, tree, "k") == std::to_string(h));
    std::vector<merkle::Statement> said;
    for (std::size_t i = 0; i != keys.size(); ++i) said.push_back({"tree 0", keys[i], values[i]});
    CHECK(merkle::verify_all(store.root(Height{h}), said, proof));
    CHECK(static_cast<bool>(merkle::verify_all(store.root(), said, proof)) == (h == 29));
    said[1].value = "another";
    CHECK_FALSE(merkle::verify_all(store.root(Height{h}), said, proof));
  }
  CHECK(store.prove_all(tree, {}, store.latest()).empty());
  CHECK_THROWS_AS((void)store.prove_all(tree, keys, Height{9}), HeightError);
}

TEST_CASE("Versioned: indexes, and trees that are named so, are no part of the root") {
  auto store = open<InMemory>(VersionedOptions{.outside_root = {"scratch"}});
  Accounts::On accounts{store};
  accounts.put({1, "ann", 5});
  const Tree scratch = store.open_tree("scratch");
  const Tree dotted = store.open_tree("no.index");
  const StateRoot before = store.root();
  store.write(
      WriteBatch().put(scratch, "k", "v").put(*store.find_tree("accounts.by_owner"), "x", ""));
  CHECK(store.root() == before);
  CHECK(store.get_versioned(scratch, "k", store.latest())->view() == "v");
  CHECK_THROWS_WITH((void)store.prove(scratch, "k", store.latest()),
                    ContainsSubstring("no part of the root"));
  CHECK_THROWS_AS((void)store.prove(*store.find_tree("accounts.by_owner"), "x", store.latest()),
                  Error);
  store.write(WriteBatch().put(dotted, "k", "v"));
  CHECK(store.root() != before);
  CHECK(store.audit().good);
  store.drop_tree(dotted);
  CHECK(store.root() == before);
  CHECK(store.audit().good);
}

TEST_CASE("Versioned: an audit names the first record that differs") {
  auto store = open<InMemory>();
  static_cast<void>(fill(store, made_records(100), 10));
  const Tree tree = *store.find_tree("tree 0");
  const auto first = std::string(store.scan(tree, KeyRange::all()).entry().key);
  const std::string value = *get_copy(store, tree, first);
  store.next().write(WriteBatch().put(tree, first, "tampered"));
  auto report = store.audit();
  CHECK_FALSE(report.good);
  CHECK(report.tree == "tree 0");
  CHECK(report.key == first);
  CHECK_THAT(report.difference, ContainsSubstring("another value"));
  store.next().write(WriteBatch().erase(tree, first));
  report = store.audit();
  CHECK_THAT(report.difference, ContainsSubstring("1 records that the root knows are missing"));
  store.next().write(WriteBatch().put(tree, first, value).put(tree, "new", "x"));
  report = store.audit();
  CHECK(report.key == "new");
  store.next().write(WriteBatch().erase(tree, "new"));
  CHECK(store.audit().good);
}

TEST_CASE("Versioned: the latest state is read by the calls that it is read by without the layer") {
  using testing::Call;
  const testing::FaultyOptions faulty;
  auto store = open<Versioned<testing::Faulty<MemoryAdapter>>>(faulty);
  const Tree tree = store.open_tree("t");
  for (int i = 0; i != 20; ++i) store.write(WriteBatch().put(tree, "k", std::to_string(i)));
  constexpr Call reads[] = {Call::get, Call::contains, Call::multi_get, Call::scan, Call::snapshot};
  const auto calls = [&] {
    std::vector<std::uint64_t> counts;
    for (const Call call : reads) counts.push_back(faulty.plan->calls(call));
    return counts;
  };
  auto expected = calls();
  for (std::uint64_t& count : expected) ++count;
  CHECK(store.get(tree, "k")->view() == "19");
  CHECK(store.contains(tree, "k"));
  const BytesView key = "k";
  std::optional<pinned_t<decltype(store)>> value;
  store.multi_get(tree, {&key, 1}, {&value, 1});
  CHECK(store.scan(tree, KeyRange::all()).valid());
  static_cast<void>(store.snapshot());
  CHECK(calls() == expected);
}

TEST_CASE("Versioned: a commit that fails leaves nothing behind of what joins the root") {
  using testing::Call;
  std::uint64_t failed = 0;
  for (const Call call : {Call::get, Call::contains, Call::scan, Call::next, Call::trees}) {
    bool met = true;
    for (std::uint64_t at = 1; met; ++at) {
      const testing::FaultyOptions faulty;
      auto store = open<Versioned<testing::Faulty<MemoryAdapter>>>(
          VersionedOptions{.retain_heights = 1, .outside_root = {"outside"}}, faulty);
      const Tree inside = store.open_tree("inside");
      const Tree outside = store.open_tree("outside");
      const Tree older = store.open_tree("older");
      store.write(WriteBatch().put(older, "key", "value"));
      const WriteBatch batch =
          WriteBatch().put(inside, "key", "value").put(outside, "key", "value");
      INFO("call " << static_cast<int>(call) << ", the one of number " << at);
      faulty.plan->add({.call = call, .at = at});
      bool threw = false;
      try {
        store.write(batch);
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::io);
        threw = true;
        ++failed;
      }
      met = faulty.plan->met() != 0;
      CHECK(threw == met);
      faulty.plan->clear();
      store.write(WriteBatch().put(older, "key", "another"));
      store.write(batch);
      CHECK(store.audit().difference.empty());
      store.drop_tree(inside);
      CHECK(store.audit().difference.empty());
    }
  }
  CHECK(failed > 5);
}
