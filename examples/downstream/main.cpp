// SPDX-License-Identifier: Apache-2.0
#include <varve/adapters/lmdb.hpp>
#include <varve/layers/counted.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>

#include <iostream>

int main() {
  using Store = varve::Counted<varve::LmdbAdapter>;
  auto store = varve::open<Store>("downstream-data");

  const varve::Tree visits = store.open_tree("visits");
  const auto before = store.get(visits, "count");
  const int count = before ? std::stoi(std::string(before->view())) + 1 : 1;
  varve::put(store, visits, "count", std::to_string(count));

  std::cout << "This is run " << count << " of this program.\n";
}
