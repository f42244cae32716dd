// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/blake3.hpp>
#include <varve/merkle/blake3/batch.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/hash_job.hpp>
#include <varve/merkle/suites/tree_key.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace varve::merkle {

/// The suite to take where nothing else is asked for: BLAKE3's derive_key with one context for each
/// role, so that a leaf is never a node and each of both is one compression.
struct Blake3 {
  static constexpr std::uint8_t id = 1;  // do not change
  static constexpr BytesView name = "blake3";
  static constexpr Digest empty{};

  /// What derive_key makes of the contexts. Do not change.
  static constexpr blake3::Words key_role = blake3::context_key("varve 2026-11-21 state trie: key");
  static constexpr blake3::Words value_role =
      blake3::context_key("varve 2026-11-21 state trie: value");
  static constexpr blake3::Words leaf_role =
      blake3::context_key("varve 2026-11-21 state trie: leaf");
  static constexpr blake3::Words node_role =
      blake3::context_key("varve 2026-11-21 state trie: node");
  static constexpr blake3::Words chain_role =
      blake3::context_key("varve 2026-11-21 state trie: chain");

  [[nodiscard]] static Digest key_digest(BytesView tree, BytesView key) noexcept {
    const detail::Leb128 length(tree.size());
    const std::size_t size = length.view().size() + tree.size() + key.size();
    if (size <= blake3::chunk_bytes) {
      std::array<char, blake3::chunk_bytes> message;
      append(append(append(message.data(), length.view()), tree), key);
      return digest_of(key_role, {message.data(), size});
    }
    Blake3Hasher hasher = Blake3Hasher::with_context_key(key_role);
    hasher.update(length.view());
    hasher.update(tree);
    hasher.update(key);
    return hasher.finish();
  }

  [[nodiscard]] static Digest value_digest(BytesView value) noexcept {
    return digest_of(value_role, value);
  }

  [[nodiscard]] static Digest link_digest(BytesView link) noexcept {
    return digest_of(chain_role, link);
  }

  [[nodiscard]] static Digest leaf(const Digest& key, const Digest& value) noexcept {
    return pair_of(leaf_role, key, value);
  }

  [[nodiscard]] static Digest node(const Digest& left, const Digest& right) noexcept {
    return pair_of(node_role, left, right);
  }

  static void leaves(std::span<const HashJob> jobs) noexcept {
    blake3::hash_pairs(leaf_role, pair_flags, jobs);
  }

  static void nodes(std::span<const HashJob> jobs) noexcept {
    blake3::hash_pairs(node_role, pair_flags, jobs);
  }

  static void key_digests(BytesView tree, std::span<const BytesView> keys,
                          std::span<Digest> out) noexcept {
    std::array<char, 8192> held;
    const detail::Leb128 length(tree.size());
    const std::size_t prefix = length.view().size() + tree.size();
    if (prefix > blake3::chunk_bytes) {
      for (std::size_t i = 0; i < keys.size(); ++i) out[i] = key_digest(tree, keys[i]);
      return;
    }
    blake3::MessageQueue queue(key_role, blake3::derive_key_material, out.data());
    std::size_t used = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::size_t size = prefix + keys[i].size();
      if (size > blake3::chunk_bytes) {
        out[i] = key_digest(tree, keys[i]);
        continue;
      }
      if (size > held.size() - used) {
        queue.flush();
        used = 0;
      }
      char* const at = held.data() + used;
      append(append(append(at, length.view()), tree), keys[i]);
      queue.take({at, size}, i);
      used += size;
    }
    queue.flush();
  }

  static void value_digests(std::span<const BytesView> values, std::span<Digest> out) noexcept {
    blake3::MessageQueue queue(value_role, blake3::derive_key_material, out.data());
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i].size() <= blake3::chunk_bytes) {
        queue.take(values[i], i);
      } else {
        out[i] = digest_of(value_role, values[i]);
      }
    }
    queue.flush();
  }

 private:
  static constexpr std::uint32_t pair_flags =
      blake3::derive_key_material | blake3::chunk_start | blake3::chunk_end | blake3::root;

  [[nodiscard]] static Digest digest_of(const blake3::Words& role, BytesView bytes) noexcept {
    if (bytes.size() <= blake3::chunk_bytes) {
      return blake3::to_digest(blake3::hash_short(role, blake3::derive_key_material, bytes));
    }
    Blake3Hasher hasher = Blake3Hasher::with_context_key(role);
    hasher.update(bytes);
    return hasher.finish();
  }

  [[nodiscard]] static Digest pair_of(const blake3::Words& role, const Digest& one,
                                      const Digest& other) noexcept {
    std::uint32_t block[16];
    const blake3::Words left = blake3::to_words(one);
    const blake3::Words right = blake3::to_words(other);
    for (std::size_t i = 0; i < 8; ++i) {
      block[i] = left[i];
      block[i + 8] = right[i];
    }
    return blake3::to_digest(blake3::compress(role, block, 0, blake3::block_bytes, pair_flags));
  }

  static char* append(char* to, BytesView bytes) noexcept {
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    return to + bytes.size();
  }
};

}  // namespace varve::merkle
