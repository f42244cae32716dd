// SPDX-License-Identifier: Apache-2.0
//
// The examples of docs/guide/history.md, compiled and run.

#include <varve/adapters/memory.hpp>
#include <varve/codecs/packed.hpp>
#include <varve/layers/cached.hpp>
#include <varve/layers/versioned.hpp>
#include <varve/merkle/verify.hpp>
#include <varve/open.hpp>
#include <varve/table.hpp>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

namespace {

using Store = varve::Versioned<varve::Cached<varve::MemoryAdapter>>;

struct Account {
  std::uint64_t id;
  std::string owner;
  std::uint64_t cents;
};

using Accounts = varve::Table<"accounts", varve::Key<&Account::id>, Account, varve::Packed,
                              varve::Index<"by_owner", &Account::owner>>;

void commit(Store& store, varve::Tree balances) {
  // [commit]
  varve::WriteBatch batch;
  batch.put(balances, "ann", "70").put(balances, "bob", "30");
  store.commit(batch, varve::Height{100});  // above the latest; all or nothing, durable
  // [/commit]
}

void block(Store& store) {
  // [block]
  auto block = store.begin(varve::Height{101});
  Accounts::On accounts{block};
  accounts.put({.id = 1, .owner = "ann", .cents = 70});
  if (accounts.by<"by_owner">().equal("ann").count() == 1) block.finalize();
  // [/block]
}

int look_back(Store& store, varve::Tree balances) {
  int changed = 0;
  // [look_back]
  const auto past = store.at(varve::Height{100});  // a KvReader: get, scan, tables
  const auto then = past.get(balances, "ann");
  for (const varve::HeightChange& change : store.changes(varve::Height{100}, store.latest())) {
    if (!change.after) std::cout << "gone: " << change.key << '\n';
    ++changed;
  }
  // [/look_back]
  return then && then->view() == "70" ? changed : -1;
}

bool prove(Store& store, varve::Tree balances) {
  // [prove]
  const varve::StateRoot root = store.root(varve::Height{100});
  const std::string proof = store.prove(balances, "ann", varve::Height{100});
  const auto verdict = varve::merkle::verify(root, "balances", "ann", "70", proof);
  // [/prove]
  return verdict.fault == varve::merkle::ProofFault::none;
}

}  // namespace

int main() {
  auto store = varve::open<Store>();
  const varve::Tree balances = store.open_tree("balances");
  commit(store, balances);
  block(store);
  store.commit(varve::WriteBatch().erase(balances, "ann"), varve::Height{102});
  const int changed = look_back(store, balances);
  std::cout << changed << " records changed\n";
  std::cout << (prove(store, balances) ? "proved" : "not proved") << '\n';
  return changed == 3 ? EXIT_SUCCESS : EXIT_FAILURE;
}
