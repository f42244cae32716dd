// SPDX-License-Identifier: Apache-2.0
//
// Your first stack: counters and latencies over RocksDB, in a directory of its own.

// [first_stack]
#include <varve/adapters/rocksdb.hpp>
#include <varve/layers/metered.hpp>
#include <varve/open.hpp>

#include <iostream>

int main() {
  using Store = varve::Metered<varve::RocksAdapter>;
  auto store = varve::open<Store>("data");

  const varve::Tree fruit = store.open_tree("fruit");
  store.write(varve::WriteBatch().put(fruit, "apple", "red").put(fruit, "banana", "yellow"));

  if (auto colour = store.get(fruit, "apple")) std::cout << colour->view() << '\n';
  for (auto [key, value] : store.scan(fruit, varve::KeyRange::all())) {
    std::cout << key << " is " << value << '\n';
  }
}
// [/first_stack]
