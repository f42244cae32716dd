// SPDX-License-Identifier: Apache-2.0
//
// The examples of docs/guide/history.md, compiled and run.

#include <varve/adapters/memory.hpp>
#include <varve/codecs/packed.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/versioned.hpp>
#include <varve/layers/wal.hpp>
#include <varve/merkle/multiproof.hpp>
#include <varve/merkle/verify.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>
#include <varve/table.hpp>
#include <varve/tools/copy.hpp>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Before = varve::Wal<varve::MemoryAdapter>;
using Store = varve::Versioned<varve::Cached<Before>>;

struct Account {
  std::uint64_t id;
  std::string owner;
  std::uint64_t cents;
};

using Accounts = varve::Table<"accounts", varve::Key<&Account::id>, Account, varve::Packed,
                              varve::Index<"by_owner", &Account::owner>>;

void expect(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("this does not hold: " + what);
}

void write_as_it_was(const std::string& directory) {
  auto store = varve::open<Before>(directory);
  varve::put(store, store.open_tree("balances"), "ann", "100");
}

Store join(const std::string& directory) {
  // [join]
  auto store = varve::open<Store>(
      directory, varve::VersionedOptions{.retain_heights = 10'000, .base_height = 99});
  std::cout << "height " << store.latest().value << ", "
            << (store.audit().good ? "and the root is that of the data\n" : "damaged\n");
  // [/join]
  return store;
}

void commit(Store& store, varve::Tree balances) {
  // [commit]
  varve::WriteBatch batch;
  batch.put(balances, "ann", "70").put(balances, "bob", "30");
  const varve::StateRoot root = store.commit(batch, varve::Height{100});  // above the latest
  // [/commit]
  expect(root == store.root(), "a commit answers the root");
}

void block(Store& store) {
  // [block]
  auto block = store.begin(varve::Height{101});
  Accounts::On accounts{block};
  accounts.put({.id = 1, .owner = "ann", .cents = 70});
  if (accounts.by<"by_owner">().equal("ann").count() == 1) block.finalize();
  // [/block]
}

void look_back(const Store& store, varve::Tree balances) {
  int changed = 0;
  // [look_back]
  const auto past = store.at(varve::Height{100});  // a KvReader: get, scan, tables
  const auto then = past.get(balances, "ann");
  for (const varve::HeightChange& change : store.changes(varve::Height{100}, store.latest())) {
    if (!change.after) std::cout << "gone: " << change.key << '\n';
    ++changed;
  }
  // [/look_back]
  expect(then && then->view() == "70", "the past is as it was");
  std::cout << changed << " records changed\n";
}

void copy_the_past(const Store& store, varve::Tree balances) {
  auto other = varve::open<varve::MemoryAdapter>();
  // [copy]
  const auto past = store.at(varve::Height{100});
  varve::copy_tree(past, balances, other, other.open_tree("balances"));
  // [/copy]
  expect(varve::approximate_count(other, *other.find_tree("balances"), varve::KeyRange::all()) == 2,
         "both accounts are copied");
}

void watch(const Store& store) {
  // [watch]
  const varve::VersionedStatistics now = store.statistics();
  std::cout << now.heights << " heights from " << now.oldest.value << " on, " << now.bytes
            << " bytes of history; " << now.waiting << " records wait to be removed\n";
  // [/watch]
}

void take_back(Store& store, varve::Tree balances) {
  // [rollback]
  store.rollback(varve::Height{101});
  store.commit(varve::WriteBatch().erase(balances, "bob"), varve::Height{102});
  // [/rollback]
  expect(store.contains(balances, "ann") && !store.contains(balances, "bob"),
         "another branch is there instead");
}

void prove(const Store& store, varve::Tree balances) {
  // [prove]
  const varve::Height height{100};
  const std::string proof = store.prove(balances, "ann", height);
  const std::string nobody = store.prove(balances, "eve", height);
  // [/prove]
  const varve::StateRoot trusted = store.root(height);
  // [verify]
  const auto verdict = varve::merkle::verify(trusted, "balances", "ann", "70", proof);
  const auto absent = varve::merkle::verify(trusted, "balances", "eve", std::nullopt, nobody);
  const auto forged = varve::merkle::verify(trusted, "balances", "ann", "7000", proof);
  if (!forged) std::cout << forged.message() << '\n';
  // [/verify]
  expect(verdict && absent && !forged, "proofs hold, and only of what is true");
}

void prove_many(const Store& store, varve::Tree balances) {
  namespace merkle = varve::merkle;
  // [prove_many]
  const std::vector<varve::BytesView> keys{"ann", "bob", "eve"};
  const std::string together = store.prove_all(balances, keys, varve::Height{100});

  const std::array<merkle::Statement, 3> said{
      {{"balances", "ann", "70"}, {"balances", "bob", "30"}, {"balances", "eve", std::nullopt}}};
  const auto verdict = merkle::verify_all(store.root(varve::Height{100}), said, together);
  // [/prove_many]
  expect(static_cast<bool>(verdict), "a proof of three keys holds");
}

void run(const std::string& directory) {
  write_as_it_was(directory);
  auto store = join(directory);
  const varve::Tree balances = store.open_tree("balances");
  commit(store, balances);
  block(store);
  store.commit(varve::WriteBatch().erase(balances, "ann"), varve::Height{102});
  look_back(store, balances);
  copy_the_past(store, balances);
  watch(store);
  prove(store, balances);
  prove_many(store, balances);
  take_back(store, balances);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: docs_history DIRECTORY\n";
    return 2;
  }
  try {
    run(arguments[1]);
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
