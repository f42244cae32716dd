// SPDX-License-Identifier: Apache-2.0
#include <varve/cache/set_store.hpp>

#include "catch.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace varve::detail::cache;

namespace {

constexpr std::size_t neighbours = 12;

std::uint64_t hash_with(std::uint64_t top) {
  return top << 56U | 12345;
}

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i != neighbours; ++i) names.push_back("key " + std::to_string(i));
  return names;
}

}  // namespace

TEST_CASE("Sets of a cache: what went is not found, whatever the tags beside it") {
  const auto keys = names();
  for (std::uint64_t top = 0; top != 256; ++top) {
    for (std::uint64_t other = top == 0 ? 0 : top - 1; other != top + 3; ++other) {
      SetStore store(1U << 16U, 16, 1);
      const auto key = [&](std::size_t i) {
        return Key{1, keys[i], hash_with((i % 2 == 0 ? top : other) & 0xffU)};
      };
      for (std::size_t i = 0; i != neighbours; ++i)
        REQUIRE(store.fill(key(i), keys[i], [] { return true; }));
      for (std::size_t gone = neighbours; gone-- != 0;) {
        REQUIRE(store.erase(key(gone)));
        for (std::size_t i = 0; i != neighbours; ++i) {
          Value value;
          const Found found = store.find(key(i), value);
          INFO("tags of " << top << " and " << other << ", the key " << i << ", gone " << gone);
          REQUIRE((found == Found::value) == (i < gone));
        }
      }
    }
  }
}
