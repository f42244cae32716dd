// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/hash_job.hpp>
#include <varve/merkle/sha256.hpp>
#include <varve/merkle/suites/tree_key.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace varve::merkle {

namespace detail {

/// What the two suites of SHA-256 share. `Tags` has what stands before the 64 bytes of a leaf and
/// of a node, and before a link.
template <class Tags>
struct Sha256Suite {
  [[nodiscard]] static Digest key_digest(BytesView tree, BytesView key) noexcept {
    return sha256_of({Leb128(tree.size()).view(), tree, key});
  }

  [[nodiscard]] static Digest value_digest(BytesView value) noexcept { return sha256_of({value}); }

  [[nodiscard]] static Digest link_digest(BytesView link) noexcept {
    return sha256_of({Tags::link, link});
  }

  [[nodiscard]] static Digest leaf(const Digest& key, const Digest& value) noexcept {
    return sha256_of({Tags::leaf, view(key), view(value)});
  }

  [[nodiscard]] static Digest node(const Digest& left, const Digest& right) noexcept {
    return sha256_of({Tags::node, view(left), view(right)});
  }

  static void key_digests(BytesView tree, std::span<const BytesView> keys,
                          std::span<Digest> out) noexcept {
    for (std::size_t i = 0; i < keys.size(); ++i) out[i] = key_digest(tree, keys[i]);
  }

  static void value_digests(std::span<const BytesView> values, std::span<Digest> out) noexcept {
    for (std::size_t i = 0; i < values.size(); ++i) out[i] = value_digest(values[i]);
  }

  static void leaves(std::span<const HashJob> jobs) noexcept {
    for (const HashJob& job : jobs) run(Tags::leaf, job);
  }

  static void nodes(std::span<const HashJob> jobs) noexcept {
    for (const HashJob& job : jobs) run(Tags::node, job);
  }

 private:
  static void run(BytesView tag, const HashJob& job) noexcept {
    const Digest hash = sha256_of({tag, view(job.left), view(job.right)});
    std::memcpy(job.out, hash.data(), hash.size());
  }
  [[nodiscard]] static BytesView view(const std::byte* digest) noexcept {
    return {reinterpret_cast<const char*>(digest), sizeof(Digest)};
  }
  [[nodiscard]] static BytesView view(const Digest& digest) noexcept {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
  }
};

struct Ics23Tags {
  static constexpr BytesView leaf{"\0", 1};
  static constexpr BytesView node{"\1", 1};
  static constexpr BytesView link{"\2", 1};
};

struct JmtTags {
  static constexpr BytesView leaf = "JMT::LeafNode";
  static constexpr BytesView node = "JMT::IntrnalNode";  // as it was first published
  static constexpr BytesView link = "Varve::ChainLink";
};

}  // namespace detail

/// The sparse Merkle tree of ICS 23 (`SmtSpec` of cosmos/ics23), for the keys
/// LEB128(len tree) || tree || key. Proofs as its messages: merkle/ics23.hpp.
struct Ics23Sha256 : detail::Sha256Suite<detail::Ics23Tags> {
  static constexpr std::uint8_t id = 2;  // do not change
  static constexpr BytesView name = "ics23-sha256";
  static constexpr Digest empty{};
};

/// The Jellyfish Merkle Tree over SHA-256 (penumbra-zone/jmt), for the same keys. What is empty has
/// a hash that is not zero.
struct JmtSha256 : detail::Sha256Suite<detail::JmtTags> {
  static constexpr std::uint8_t id = 3;  // do not change
  static constexpr BytesView name = "jmt-sha256";
  static constexpr Digest empty = [] {
    constexpr BytesView placeholder = "SPARSE_MERKLE_PLACEHOLDER_HASH__";
    Digest digest{};
    for (std::size_t i = 0; i < digest.size(); ++i) {
      digest[i] = static_cast<std::byte>(placeholder[i]);
    }
    return digest;
  }();
};

}  // namespace varve::merkle
