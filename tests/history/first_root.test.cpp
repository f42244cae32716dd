// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/layers/versioned.hpp>
#include <varve/open.hpp>
#include <varve/testing/faulty.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>

#include "catch.hpp"
#include "temp_directory.hpp"

using namespace varve;
using testing::Call;
using varve_test::TempDirectory;

namespace {

using Below = testing::Faulty<LmdbAdapter>;
using Store = Versioned<Below>;

constexpr std::size_t records = 25'000;

/// A store that was filled without the layer.
void fill(const std::string& directory) {
  auto store = open<LmdbAdapter>(directory);
  const Tree names = store.open_tree("names");
  const Tree accounts = store.open_tree("accounts");
  WriteBatch batch;
  for (std::size_t i = 0; i != records; ++i) {
    const std::string number = std::to_string(i);
    batch.put(i % 3 == 0 ? names : accounts, "key " + number, std::string(i % 70, 'v') + number);
  }
  store.write(batch);
}

using Pages = std::map<std::string, std::string>;

/// All that the layer keeps of the trie.
template <class S>
Pages pages_of(const S& store) {
  Pages pages;
  const auto tree = store.next().find_tree("varve.trie");
  for (auto scan = store.next().scan(*tree, KeyRange::all()); scan.valid(); scan.next()) {
    pages.emplace(scan.entry().key, scan.entry().value);
  }
  return pages;
}

/// The adapter of a store in `directory` is LMDB with something that goes wrong in front of it. Its
/// pages bear the height whose keys come closest to those of what is put aside.
Store open_store(const std::string& directory, const testing::FaultyOptions& faulty,
                 std::size_t memory_bytes) {
  return open<Store>(directory,
                     VersionedOptions{.base_height = std::numeric_limits<std::uint64_t>::max(),
                                      .trie_cache_bytes = memory_bytes},
                     faulty);
}

}  // namespace

TEST_CASE("Versioned: the first root is built in one pass over the records, however many fit") {
  const TempDirectory home;
  fill(home / "roomy");
  fill(home / "narrow");
  const testing::FaultyOptions roomy;
  const auto with_memory = open_store(home / "roomy", roomy, std::size_t{64} << 20U);
  const std::uint64_t steps = roomy.plan->calls(Call::next);
  const std::uint64_t writes = roomy.plan->calls(Call::write);
  CHECK(steps >= records);
  CHECK(steps < records + 100);

  const testing::FaultyOptions narrow;
  const auto without = open_store(home / "narrow", narrow, 0);
  CHECK(narrow.plan->calls(Call::next) == steps);
  CHECK(narrow.plan->calls(Call::write) > writes + 100);
  CHECK(without.root() == with_memory.root());
  CHECK(without.audit().good);
  CHECK(without.audit().keys == records);
  CHECK(pages_of(without) == pages_of(with_memory));
  CHECK(static_cast<unsigned char>(pages_of(without).rbegin()->first[8]) < 64);
}

TEST_CASE("Versioned: a first root that is interrupted is built anew, and nothing is left behind") {
  const TempDirectory home;
  fill(home / "whole");
  const testing::FaultyOptions whole;
  const auto expected = open_store(home / "whole", whole, 0);
  const std::uint64_t writes = whole.plan->calls(Call::write);
  REQUIRE(writes > 100);
  for (const std::uint64_t at : {std::uint64_t{20}, writes / 2, writes - 1, writes}) {
    INFO("write " << at << " of " << writes);
    const std::string directory = home / ("cut " + std::to_string(at));
    fill(directory);
    const testing::FaultyOptions faulty;
    faulty.plan->add({.call = Call::write, .at = at});
    CHECK_THROWS_AS((void)open_store(directory, faulty, 0), Error);
    REQUIRE(faulty.plan->met() == 1);
    const auto store = open_store(directory, testing::FaultyOptions(), 0);
    CHECK(store.root() == expected.root());
    CHECK(pages_of(store) == pages_of(expected));
  }
}
