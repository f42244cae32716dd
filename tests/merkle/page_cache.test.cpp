// SPDX-License-Identifier: Apache-2.0
#include <varve/merkle/page_cache.hpp>
#include <varve/merkle/page_key.hpp>
#include <varve/testing/seed.hpp>

#include "catch.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>

using varve::BytesView;
using varve::merkle::PageCache;
using varve::merkle::PageKey;

namespace {

/// One of a few hundred keys of pages at all depths, so that they are met again.
std::string make_key(std::mt19937_64& random) {
  varve::merkle::Digest digest{};
  const auto number = static_cast<unsigned>(random() % 16);
  for (std::byte& byte : digest) byte = static_cast<std::byte>(number * 17);
  return std::string(PageKey(digest, random() % 40).view());
}

void run(std::size_t capacity, bool keeps_all, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  PageCache cache(capacity);
  std::map<std::string, std::string> model;
  std::size_t found = 0;
  for (int step = 0; step != 40000; ++step) {
    const std::string key = make_key(random);
    const auto choice = random() % 16;
    if (choice < 6) {
      model[key] = std::string(4 + random() % 100, static_cast<char>(random()));
      cache.put(key, model[key]);
    } else if (choice < 9) {
      model.erase(key);
      cache.erase(key);
    } else if (choice == 15 && random() % 500 == 0) {
      model.clear();
      cache.clear();
      CHECK(cache.bytes() == 0);
    } else {
      cache.prefetch(key);
      cache.prefetch_nearer(key);
      const std::optional<BytesView> page = cache.find(key);
      const auto it = model.find(key);
      if (page && (it == model.end() || *page != it->second)) FAIL("another page than was put");
      if (keeps_all && it != model.end() && !page) FAIL("a page is lost");
      if (page) ++found;
    }
    if (cache.bytes() > capacity) FAIL("more is kept than may be");
  }
  CHECK((found > 0) == (capacity > 0));
  for (const auto& [key, page] : model) cache.erase(key);
  CHECK(cache.bytes() == 0);
}

}  // namespace

TEST_CASE("PageCache: gives the page that was put last, or none, within its bounds") {
  const std::uint64_t seed = varve::testing::seed_of_environment();
  INFO("VARVE_SEED=" << seed);
  run(std::size_t{1} << 20U, true, seed);
  run(20000, false, seed + 1);
  run(1000, false, seed + 2);
  run(0, false, seed + 3);
}

TEST_CASE("PageCache: what is used stays, what is not goes") {
  PageCache cache(100 * 1024);
  const std::string hot = "hot";
  cache.put(hot, std::string(500, 'h'));
  for (int i = 0; i != 5000; ++i) {
    REQUIRE(cache.find(hot));
    cache.put("cold" + std::to_string(i), std::string(500, 'c'));
  }
  CHECK_FALSE(cache.find("cold0"));
  CHECK(cache.bytes() > 90 * 1024);
}
