// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/hash_job.hpp>

#include <concepts>
#include <cstdint>
#include <span>

namespace varve::merkle {

/// How the state trie hashes (docs/formats/trie.md). Stateless; every function is static, noexcept
/// and may be called from any thread.
///
/// Expression                       Semantics
/// S::id                            stored in stores and proofs; do not change
/// S::name                          for messages and `describe`: "blake3"
/// S::empty                         what an empty subtree hashes to
/// S::key_digest(tree, key)         K of a key in the tree of that name
/// S::value_digest(value)           V
/// S::leaf(k, v)                    the hash of a leaf
/// S::node(left, right)             the hash of a node
/// S::link_digest(bytes)            the hash of a link of a chain of heights (chain_link.hpp)
/// S::key_digests(tree, keys, out)  out[i] = key_digest(tree, keys[i])
/// S::value_digests(values, out)    out[i] = value_digest(values[i])
/// S::leaves(jobs)                  leaf(left, right) of each job, to where it says
/// S::nodes(jobs)                   node(left, right) of each job, to where it says
///
/// The batched forms give what the single ones give, and take no input at all as well. `out` is as
/// long as the input, and does not overlap it.
template <class S>
concept Suite = requires(const Digest& digest, BytesView bytes, std::span<const BytesView> many,
                         std::span<const HashJob> jobs, std::span<Digest> out) {
  { S::id } -> std::convertible_to<std::uint8_t>;
  { S::name } -> std::convertible_to<BytesView>;
  { S::empty } -> std::convertible_to<Digest>;
  { S::key_digest(bytes, bytes) } noexcept -> std::same_as<Digest>;
  { S::value_digest(bytes) } noexcept -> std::same_as<Digest>;
  { S::leaf(digest, digest) } noexcept -> std::same_as<Digest>;
  { S::node(digest, digest) } noexcept -> std::same_as<Digest>;
  { S::link_digest(bytes) } noexcept -> std::same_as<Digest>;
  { S::key_digests(bytes, many, out) } noexcept -> std::same_as<void>;
  { S::value_digests(many, out) } noexcept -> std::same_as<void>;
  { S::leaves(jobs) } noexcept -> std::same_as<void>;
  { S::nodes(jobs) } noexcept -> std::same_as<void>;
};

}  // namespace varve::merkle
