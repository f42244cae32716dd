// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "history/model.hpp"

#include <varve/codecs/packed.hpp>
#include <varve/open.hpp>
#include <varve/table.hpp>

#include "temp_directory.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace varve_test::past {

/// Where a store lies: in a directory, where it needs one.
template <class Stack>
class Home {
 public:
  template <class... Options>
  [[nodiscard]] Stack open(const Options&... options) const {
    if constexpr (varve::needs_directory<Stack>) {
      return varve::open<Stack>(directory_ / "db", options...);
    } else {
      return varve::open<Stack>(options...);
    }
  }

 private:
  TempDirectory directory_;
};

struct Account {
  std::uint64_t id;
  std::string owner;
  std::uint64_t cents;
};

using Accounts = varve::Table<"accounts", varve::Key<&Account::id>, Account, varve::Packed,
                              varve::Index<"by_owner", &Account::owner>>;

using KeyValues = std::vector<std::pair<std::string, std::string>>;

inline KeyValues made_records(std::size_t count) {
  KeyValues records;
  Random random(7);
  for (std::size_t i = 0; i != count; ++i) {
    records.emplace_back("key " + std::to_string(random.next()), std::to_string(i));
  }
  return records;
}

/// Writes the records, in some order and in batches of some size, and answers the root of them.
template <class Store>
varve::StateRoot fill(Store& store, const KeyValues& records, std::size_t batch_records) {
  const Tree tree = store.open_tree(tree_name(0));
  WriteBatch batch;
  for (const auto& [key, value] : records) {
    batch.put(tree, key, value);
    if (batch.count() != batch_records) continue;
    store.write(batch);
    batch.clear();
  }
  store.write(batch);
  return store.root();
}

}  // namespace varve_test::past
