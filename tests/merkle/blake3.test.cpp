// SPDX-License-Identifier: Apache-2.0
#include "merkle/reference.hpp"

#include <varve/concepts/hasher.hpp>
#include <varve/merkle/blake3.hpp>
#include <varve/merkle/sha256.hpp>
#include <varve/merkle/suites.hpp>

#include "catch.hpp"
#include "merkle/random_keys.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

using namespace varve::merkle;
using varve::BytesView;
using varve_test::to_hex;

static_assert(varve::assert_hasher<Blake3Hasher>());

namespace {

constexpr std::array<std::size_t, 4> widths{1, 4, 8, 16};

/// Runs `body` with each width that this processor has.
template <class Body>
void at_every_width(Body body) {
  for (const std::size_t width : widths) {
    limit_lanes(width);
    if (lanes() != width) {
      WARN("this processor does not hash " << width << " messages at once: not tried");
      continue;
    }
    INFO("lanes " << width);
    body();
  }
  limit_lanes(16);
}

/// The input of the official vectors.
std::string input_of(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i % 251);
  return bytes;
}

std::string extended(const Blake3Hasher& hasher, std::size_t size) {
  std::vector<std::byte> out(size);
  hasher.finish(out);
  return to_hex(out);
}

void check_mode(const Blake3Hasher& fresh, const std::string& input, const std::string& expected) {
  for (const std::size_t piece : {std::size_t{1} << 30U, std::size_t{1}, std::size_t{63},
                                  std::size_t{64}, std::size_t{1025}, std::size_t{5000}}) {
    if (piece == 1 && input.size() > 10000) continue;
    Blake3Hasher hasher = fresh;
    for (std::size_t at = 0; at < input.size(); at += piece) {
      hasher.update(BytesView(input).substr(at, piece));
    }
    INFO(input.size() << " bytes in pieces of " << piece);
    CHECK(extended(hasher, expected.size() / 2) == expected);
    CHECK(to_hex(hasher.finish()) == expected.substr(0, 64));
  }
}

}  // namespace

TEST_CASE("Blake3Hasher: one digest of all that the official vectors expect") {
  constexpr std::array<std::size_t, 35> sizes{
      0,    1,    2,    3,    4,    5,    6,    7,    8,     63,    64,    65,
      127,  128,  129,  1023, 1024, 1025, 2048, 2049, 3072,  3073,  4096,  4097,
      5120, 5121, 6144, 6145, 7168, 7169, 8192, 8193, 16384, 31744, 102400};
  const Digest key =
      varve_test::digest_of_hex(to_hex(BytesView("whats the Elvish word for friend")));
  const BytesView context = "BLAKE3 2019-12-27 16:29:52 test vectors context";
  at_every_width([&] {
    Sha256Hasher all;
    for (const std::size_t size : sizes) {
      const std::string input = input_of(size);
      for (Blake3Hasher hasher :
           {Blake3Hasher(), Blake3Hasher::keyed(key), Blake3Hasher::derive_key(context)}) {
        hasher.update(input);
        all.update(extended(hasher, 131));
      }
    }
    CHECK(to_hex(all.finish()) ==
          "cdf93a8667646bf5524f2dca658d6707fc0298f3752f9cb6a7220c6dfb7b22a8");
  });
}

TEST_CASE("Blake3Hasher: the 35 official vectors, in the three modes, cut anyhow") {
  const std::string json = varve_test::read_vectors("blake3_test_vectors.json");
  if (json.empty()) return;
  const auto sizes = varve_test::members_named(json, "input_len");
  const auto hashes = varve_test::members_named(json, "hash");
  const auto keyed = varve_test::members_named(json, "keyed_hash");
  const auto derived = varve_test::members_named(json, "derive_key");
  const std::string key = varve_test::members_named(json, "key").at(0);
  const std::string context = varve_test::members_named(json, "context_string").at(0);
  REQUIRE(sizes.size() == 35);
  REQUIRE((hashes.size() == 35 && keyed.size() == 35 && derived.size() == 35));
  REQUIRE(hashes[0].size() == 262);
  REQUIRE(key.size() == 32);
  const Digest key_bytes = varve_test::digest_of_hex(to_hex(key));
  at_every_width([&] {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const std::string input = input_of(std::stoul(sizes[i]));
      check_mode(Blake3Hasher(), input, hashes[i]);
      check_mode(Blake3Hasher::keyed(key_bytes), input, keyed[i]);
      check_mode(Blake3Hasher::derive_key(context), input, derived[i]);
    }
  });
}

TEST_CASE("Blake3Hasher: a long context is hashed as a short one is") {
  const std::string context(3000, 'c');
  Blake3Hasher once = Blake3Hasher::derive_key(context);
  once.update("bytes");
  CHECK(once.finish() != Blake3Hasher::derive_key(context.substr(1)).finish());
  for (const std::size_t size : {0U, 1U, 63U, 64U, 65U, 128U, 129U, 1023U, 1024U}) {
    const BytesView part = BytesView(context).substr(0, size);
    Blake3Hasher short_one = Blake3Hasher::derive_key(part);
    short_one.update("bytes");
    Blake3Hasher known = Blake3Hasher::with_context_key(blake3::context_key(part));
    known.update("bytes");
    INFO(size);
    CHECK(short_one.finish() == known.finish());
  }
}

TEST_CASE("BLAKE3: a block of its own has the hash that plain operations give it") {
  varve_test::Random random(1);
  const auto word = [&] { return static_cast<std::uint32_t>(random()); };
  for (int i = 0; i != 2000; ++i) {
    blake3::Words chain;
    std::uint32_t m[16];
    for (std::uint32_t& part : chain) part = word();
    for (std::uint32_t& part : m) part = word();
    const std::uint64_t counter = random();
    const std::size_t size = random() % 65;
    const std::uint32_t flags = word() % 128;
    REQUIRE(blake3::compress(chain, m, counter, size, flags) ==
            blake3::compress_words(chain, m, counter, size, flags));
  }
}

TEST_CASE("BLAKE3: pairs hashed many at once are what they are one by one") {
  std::vector<DigestPair> pairs(70);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    for (std::size_t b = 0; b < 32; ++b) {
      pairs[i].first[b] = static_cast<std::byte>(i * 31 + b * 7);
      pairs[i].second[b] = static_cast<std::byte>(i * 17 + b * 13 + 1);
    }
  }
  Blake3Hasher leaf = Blake3Hasher::with_context_key(Blake3::leaf_role);
  leaf.update({reinterpret_cast<const char*>(pairs.data()), 64});
  CHECK(Blake3::leaf(pairs[0].first, pairs[0].second) == leaf.finish());
  at_every_width([&] {
    for (std::size_t count = 0; count <= pairs.size(); ++count) {
      std::vector<Digest> nodes(count + 1);
      std::vector<Digest> leaves(count + 1);
      std::vector<HashJob> of_nodes;
      std::vector<HashJob> of_leaves;
      for (std::size_t i = 0; i < count; ++i) {
        const std::byte* const left = pairs[i].first.data();
        const std::byte* const right = pairs[i].second.data();
        of_nodes.push_back({left, right, nodes[i].data()});
        of_leaves.push_back({left, right, leaves[i].data()});
      }
      Blake3::nodes(of_nodes);
      Blake3::leaves(of_leaves);
      for (std::size_t i = 0; i < count; ++i) {
        INFO(i << " of " << count);
        REQUIRE(nodes[i] == Blake3::node(pairs[i].first, pairs[i].second));
        REQUIRE(leaves[i] == Blake3::leaf(pairs[i].first, pairs[i].second));
      }
      CHECK(nodes[count] == Digest{});
      CHECK(leaves[count] == Digest{});
    }
  });
}

TEST_CASE("BLAKE3: keys and values of any lengths hashed many at once are what they are alone") {
  const std::string bytes = input_of(20000);
  std::vector<BytesView> messages;
  for (std::size_t i = 0; i < 1500; ++i) {
    const std::size_t size = i < 1100 ? i * 787 % 1100 : i % 200 * (i % 13);
    messages.push_back(BytesView(bytes).substr(i % 91, size));
  }
  messages.push_back(bytes);
  messages.push_back({});
  std::vector<Digest> values(messages.size());
  std::vector<Digest> keys(messages.size());
  at_every_width([&] {
    for (const std::string& tree : {std::string("t"), std::string(130, 't'), std::string(1000, 't'),
                                    std::string(1500, 't')}) {
      Blake3::key_digests(tree, messages, keys);
      for (std::size_t i = 0; i < messages.size(); ++i) {
        if (keys[i] == Blake3::key_digest(tree, messages[i])) continue;
        FAIL_CHECK("key " << i << " of " << messages[i].size() << " bytes");
      }
    }
    Blake3::value_digests(messages, values);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      Blake3Hasher alone = Blake3Hasher::with_context_key(Blake3::value_role);
      alone.update(messages[i]);
      if (values[i] == alone.finish() && values[i] == Blake3::value_digest(messages[i])) continue;
      FAIL_CHECK("value " << i << " of " << messages[i].size() << " bytes");
    }
  });
}
