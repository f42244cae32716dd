// SPDX-License-Identifier: Apache-2.0
//
// What is done with a stack once it is open: scans as ranges, snapshots, errors, and a stack that
// describes itself.

#include <varve/adapters/lmdb.hpp>
#include <varve/describe.hpp>
#include <varve/layers/metered.hpp>
#include <varve/open.hpp>
#include <varve/operations.hpp>

#include <range/v3/range/conversion.hpp>
#include <range/v3/view/take.hpp>
#include <range/v3/view/transform.hpp>

#include <ranges>
#include <iostream>
#include <string>
#include <vector>

using Store = varve::Metered<varve::LmdbAdapter>;

namespace {

void scans(const Store& store, varve::Tree cities) {
  // [views]
  const auto is_big = [](const varve::Entry& city) { return city.value.size() >= 7; };
  for (const auto [name, people] :
       store.scan(cities, varve::KeyRange::prefix("it/")) | std::views::filter(is_big)) {
    std::cout << name << ' ' << people << '\n';
  }
  // [/views]

  // [range_v3]
  const auto key_of = [](const varve::Entry& city) { return std::string(city.key); };
  auto backwards = store.scan(cities, varve::KeyRange::all(), varve::Order::descending);
  const auto last_two = backwards | ranges::views::take(2) | ranges::views::transform(key_of) |
                        ranges::to<std::vector>();
  std::cout << last_two[0] << ", " << last_two[1] << '\n';
  // [/range_v3]
}

void snapshots(Store& store, varve::Tree cities) {
  // [snapshot]
  const auto before = store.snapshot();
  varve::erase_range(store, cities, varve::KeyRange::prefix("it/"));
  std::cout << varve::count(before, cities) << " cities before, " << varve::count(store, cities)
            << " now\n";
  // [/snapshot]
}

void errors(Store& store, varve::Tree cities) {
  // [errors]
  try {
    varve::put(store, cities, std::string(600, 'k'), "a key too long for LMDB");
  } catch (const varve::Error& error) {
    std::cout << error.what() << '\n';
    if (error.kind() != varve::ErrorKind::invalid_argument) throw;
  }
  // [/errors]
}

}  // namespace

int main() {
  // [open]
  auto store = varve::open<Store>("cities", varve::MeteredOptions{.sample_every = 1});
  const varve::Tree cities = store.open_tree("cities");
  store.write(varve::WriteBatch()
                  .put(cities, "at/vienna", "2006134")
                  .put(cities, "it/milan", "1371498")
                  .put(cities, "it/rome", "2748109")
                  .put(cities, "it/siena", "52991"));
  // [/open]
  scans(store, cities);
  snapshots(store, cities);
  errors(store, cities);
  // [describe]
  std::cout << varve::describe(store);
  // [/describe]
}
