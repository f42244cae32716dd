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
      const std::uint64_t hash = PageCache::hash_of(key);
      cache.prefetch(hash);
      cache.prefetch_nearer(hash);
      const std::optional<BytesView> page = cache.find(key, hash);
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
  run(4000, false, seed + 2);
  run(0, false, seed + 3);
}

TEST_CASE("PageCache: what is put again and again stays, what is not goes") {
  PageCache cache(100 * 1024);
  const auto finds = [&](BytesView key) { return cache.find(key, PageCache::hash_of(key)); };
  for (int i = 0; i != 5000; ++i) {
    cache.put("hot", std::string(500, static_cast<char>(i)));
    cache.put("cold" + std::to_string(i), std::string(500, 'c'));
    REQUIRE(finds("hot") == std::string(500, static_cast<char>(i)));
  }
  CHECK_FALSE(finds("cold0"));
  CHECK(finds("cold4999"));
  CHECK(cache.bytes() > 80 * 1024);
}

TEST_CASE("PageCache: what is longer than any page is not kept, nor what it replaces") {
  PageCache cache(std::size_t{1} << 20U);
  const auto finds = [&](BytesView key) { return cache.find(key, PageCache::hash_of(key)); };
  cache.put("key", std::string(1028, 'p'));
  CHECK(finds("key"));
  cache.put("key", std::string(2000, 'p'));
  CHECK_FALSE(finds("key"));
  cache.put(std::string(34, 'k'), "page");
  CHECK_FALSE(finds(std::string(34, 'k')));
  CHECK(cache.bytes() == 0);
}
