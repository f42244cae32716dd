// SPDX-License-Identifier: Apache-2.0
#include <varve/merkle/leaf_batch.hpp>

#include <varve/merkle/suites.hpp>

#include "catch.hpp"
#include "merkle/reference.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

using namespace varve::merkle;

namespace {

/// Records of all sizes: none of a value, of more than a chunk of the hash, of more than a batch.
std::vector<std::pair<std::string, std::string>> made_records(std::size_t count) {
  std::vector<std::pair<std::string, std::string>> records;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t size = i % 97 == 5 ? 1025 + i * 7 : i * 31 % 150;
    records.emplace_back("key " + std::to_string(i * 7919 % 10007),
                         std::string(i == 40 ? 200'000 : size, static_cast<char>('a' + i % 26)));
  }
  return records;
}

template <class S>
void check_batches() {
  for (const std::size_t count : {0U, 1U, 255U, 256U, 257U, 900U}) {
    const auto records = made_records(count);
    std::vector<DigestPair> leaves;
    const auto take = [&](const Digest& key, const Digest& value) {
      leaves.push_back({key, value});
    };
    LeafBatch<S, decltype(take)> batch("accounts", take);
    for (const auto& [key, value] : records) batch.add(key, value);
    batch.flush();
    batch.flush();
    REQUIRE(leaves.size() == count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto& [key, value] = records[i];
      INFO(std::string(S::name) << ", " << i << " of " << count);
      REQUIRE(leaves[i] == DigestPair{S::key_digest("accounts", key), S::value_digest(value)});
    }
  }
}

}  // namespace

TEST_CASE("LeafBatch: gives each record the leaf that it has alone, in their order") {
  check_batches<Blake3>();
  check_batches<Ics23Sha256>();
  check_batches<JmtSha256>();
  check_batches<RawKeys>();
}
