// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/memory.hpp>
#include <varve/layers/counted.hpp>
#include <varve/open.hpp>

int main() {
  auto store = varve::open<varve::Counted<varve::MemoryAdapter>>("test_package_data");
  const varve::Tree words = store.open_tree("words");
  store.write(varve::WriteBatch().put(words, "varve", "a layer of sediment laid down in one year"));
  return store.contains(words, "varve") ? 0 : 1;
}
