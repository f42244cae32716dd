// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/proof.hpp>
#include <varve/merkle/suites.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace varve_test {

using varve::BytesView;
using varve::merkle::Digest;
using varve::merkle::DigestPair;
using varve::merkle::MerkleProof;
using varve::merkle::ProofKind;

/// The rule T of docs/formats/trie.md, word for word: slow, and plainly right.
template <class S>
class ReferenceTrie {
 public:
  /// Pairs (K, V), in any order, no two of one K.
  explicit ReferenceTrie(std::vector<DigestPair> pairs) : pairs_(std::move(pairs)) {
    std::ranges::sort(pairs_, {}, &DigestPair::first);
  }

  [[nodiscard]] Digest root() const { return hash(pairs_, 0); }

  [[nodiscard]] MerkleProof prove(const Digest& key) const {
    MerkleProof proof;
    std::span<const DigestPair> here = pairs_;
    while (here.size() > 1) {
      const std::size_t depth = proof.siblings.size();
      const auto [left, right] = split(here, depth);
      const bool goes_right = varve::merkle::bit_of(key, depth);
      proof.siblings.push_back(hash(goes_right ? left : right, depth + 1));
      here = goes_right ? right : left;
    }
    if (here.empty()) return proof;
    proof.kind = ProofKind::present;
    if (here[0].first == key) return proof;
    proof.kind = ProofKind::absent_other_leaf;
    proof.other_key = here[0].first;
    proof.other_value = here[0].second;
    return proof;
  }

 private:
  using Pairs = std::span<const DigestPair>;

  static std::pair<Pairs, Pairs> split(Pairs pairs, std::size_t depth) {
    const auto right = std::ranges::find_if(
        pairs, [&](const auto& pair) { return varve::merkle::bit_of(pair.first, depth); });
    const auto count = static_cast<std::size_t>(right - pairs.begin());
    return {pairs.first(count), pairs.subspan(count)};
  }

  static Digest hash(Pairs pairs, std::size_t depth) {
    if (pairs.empty()) return S::empty;
    if (pairs.size() == 1) return S::leaf(pairs[0].first, pairs[0].second);
    const auto [left, right] = split(pairs, depth);
    return S::node(hash(left, depth + 1), hash(right, depth + 1));
  }

  std::vector<DigestPair> pairs_;
};

struct Entry {
  std::string tree;
  std::string key;
  std::string value;
};

template <class S>
ReferenceTrie<S> reference_of(const std::vector<Entry>& entries) {
  std::vector<DigestPair> pairs;
  for (const Entry& entry : entries) {
    pairs.push_back({S::key_digest(entry.tree, entry.key), S::value_digest(entry.value)});
  }
  return ReferenceTrie<S>(std::move(pairs));
}

/// `count` entries of two trees, always the same.
inline std::vector<Entry> made_entries(std::size_t count) {
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < count; ++i) {
    std::string key = "key " + std::to_string(i * 7919 % 10007);
    std::string value(i * 37 % 90, static_cast<char>('a' + i % 26));
    entries.push_back({i % 3 == 0 ? "names" : "accounts", std::move(key), std::move(value)});
  }
  return entries;
}

inline std::string to_hex(BytesView bytes) {
  constexpr BytesView digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += digits[static_cast<unsigned char>(c) >> 4U];
    text += digits[static_cast<unsigned char>(c) & 15U];
  }
  return text;
}

inline std::string to_hex(std::span<const std::byte> bytes) {
  return to_hex(BytesView(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

inline std::string from_hex(BytesView text) {
  const auto digit = [](char c) {
    return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
  };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>(digit(text[i]) << 4U | digit(text[i + 1]));
  }
  return bytes;
}

inline Digest digest_of_hex(BytesView text) {
  const std::string bytes = from_hex(text);
  Digest digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) digest[i] = static_cast<std::byte>(bytes.at(i));
  return digest;
}

/// A file of answers that others published, beside the project or where VARVE_VECTORS says; empty,
/// with a loud word, where it is not there.
inline std::string read_vectors(const std::string& name) {
  const char* const given = std::getenv("VARVE_VECTORS");
#if defined(VARVE_SOURCE_DIRECTORY)
  const std::string beside = VARVE_SOURCE_DIRECTORY "/../shared/vectors";
#else
  const std::string beside = "../shared/vectors";
#endif
  std::ifstream file(std::filesystem::path(given == nullptr ? beside : given) / name,
                     std::ios::binary);
  if (!file) {
    std::fprintf(stderr,
                 "SKIPPED: %s is neither in ../shared/vectors nor where VARVE_VECTORS says: "
                 "nothing was compared with it\n",
                 name.c_str());
  }
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The strings and numbers that stand after `"name":` in JSON without escapes, in their order.
inline std::vector<std::string> members_named(BytesView json, const std::string& name) {
  std::vector<std::string> found;
  const std::string mark = "\"" + name + "\":";
  for (std::size_t at = json.find(mark); at != json.npos; at = json.find(mark, at)) {
    at = json.find_first_not_of(" \t\n", at + mark.size());
    const bool quoted = json[at] == '"';
    if (quoted) ++at;
    found.emplace_back(json.substr(at, json.find_first_of(quoted ? "\"" : ",}\n", at) - at));
  }
  return found;
}

}  // namespace varve_test
