// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/search.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace varve::detail::memory {

inline constexpr std::size_t keys_at_once = 16;

template <class Rank>
[[gnu::always_inline]] inline const Record* find_with(const Node* root, BytesView key) noexcept {
  Probe probe(key);
  const Node* node = root;
  for (unsigned level = root->level; level != 0; --level) {
    const Inner& inner = as_inner(node);
    node = inner.children[child_slot<Rank>(inner, probe)];
    if (level == 1) prefetch(&as_leaf(node));
  }
  const Leaf& leaf = as_leaf(node);
  return find_at(leaf, rank_in<Rank>(leaf, probe), probe);
}

/// Takes up to sixteen keys down the tree together, level by level: while one waits for memory the
/// others go on.
template <class Rank>
[[gnu::always_inline]] inline void find_some_with(const Node* root, std::span<const BytesView> keys,
                                                  const Record** found) noexcept {
  std::array<const Node*, keys_at_once> nodes;
  std::array<unsigned, keys_at_once> slots;
  nodes.fill(root);
  for (unsigned level = root->level; level != 0; --level) {
    for (std::size_t i = 0; i != keys.size(); ++i) {
      Probe probe(keys[i]);
      const Inner& inner = as_inner(nodes[i]);
      nodes[i] = inner.children[child_slot<Rank>(inner, probe)];
      prefetch(nodes[i], sizeof(Node) + sizeof(Leaf::prefixes));
    }
  }
  for (std::size_t i = 0; i != keys.size(); ++i) {
    Probe probe(keys[i]);
    const Leaf& leaf = as_leaf(nodes[i]);
    slots[i] = rank_in<Rank>(leaf, probe);
    __builtin_prefetch(&leaf.records[slots[i]]);
  }
  for (std::size_t i = 0; i != keys.size(); ++i) {
    const Leaf& leaf = as_leaf(nodes[i]);
    if (slots[i] < leaf.size) prefetch(leaf.records[slots[i]], 2 * 64);
  }
  for (std::size_t i = 0; i != keys.size(); ++i) {
    Probe probe(keys[i]);
    found[i] = find_at(as_leaf(nodes[i]), slots[i], probe);
  }
}

template <class Rank>
[[gnu::always_inline]] inline void find_many_with(const Node* root, std::span<const BytesView> keys,
                                                  const Record** found) noexcept {
  for (; keys.size() > keys_at_once; keys = keys.subspan(keys_at_once), found += keys_at_once) {
    find_some_with<Rank>(root, keys.first(keys_at_once), found);
  }
  find_some_with<Rank>(root, keys, found);
}

/// The lookups in the instructions of one kind of processor.
struct Lookup {
  const Record* (*find)(const Node* root, BytesView key) noexcept;
  void (*find_many)(const Node* root, std::span<const BytesView> keys,
                    const Record** found) noexcept;
};

inline const Record* find_portable(const Node* root, BytesView key) noexcept {
  return find_with<PortableRank>(root, key);
}
inline void find_many_portable(const Node* root, std::span<const BytesView> keys,
                               const Record** found) noexcept {
  find_many_with<PortableRank>(root, keys, found);
}

#if defined(__GNUC__) && defined(__x86_64__)

[[gnu::target("avx2,bmi,bmi2,popcnt"), gnu::flatten]] inline const Record* find_avx2(
    const Node* root, BytesView key) noexcept {
  return find_with<VectorRank<32>>(root, key);
}
[[gnu::target("avx2,bmi,bmi2,popcnt"), gnu::flatten]] inline void find_many_avx2(
    const Node* root, std::span<const BytesView> keys, const Record** found) noexcept {
  find_many_with<VectorRank<32>>(root, keys, found);
}

[[gnu::target("avx2,avx512f,bmi,bmi2,popcnt"), gnu::flatten]] inline const Record* find_avx512(
    const Node* root, BytesView key) noexcept {
  return find_with<VectorRank<64>>(root, key);
}
[[gnu::target("avx2,avx512f,bmi,bmi2,popcnt"), gnu::flatten]] inline void find_many_avx512(
    const Node* root, std::span<const BytesView> keys, const Record** found) noexcept {
  find_many_with<VectorRank<64>>(root, keys, found);
}

#endif

/// The widest lookups that the processor has, of at most `max_vector_bits`.
inline Lookup choose_lookup([[maybe_unused]] std::uint32_t max_vector_bits) noexcept {
#if defined(__SANITIZE_ADDRESS__)
  // On the stack that is watched for uses after return g++ 12 does not align 64-byte vectors.
  max_vector_bits = std::min(max_vector_bits, std::uint32_t{256});
#endif
#if defined(__GNUC__) && defined(__x86_64__)
  const bool bit_manipulation = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
                                __builtin_cpu_supports("popcnt");
  const bool avx2 = bit_manipulation && __builtin_cpu_supports("avx2");
  if (max_vector_bits >= 512 && avx2 && __builtin_cpu_supports("avx512f")) {
    return {find_avx512, find_many_avx512};
  }
  if (max_vector_bits >= 256 && avx2) return {find_avx2, find_many_avx2};
#endif
  return {find_portable, find_many_portable};
}

}  // namespace varve::detail::memory
