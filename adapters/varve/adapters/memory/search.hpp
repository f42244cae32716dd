// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/node.hpp>
#include <varve/adapters/memory/rank.hpp>

#include <compare>

namespace varve::detail::memory {

/// The first slot, from `slot` on, whose prefix is another or whose key is not less than `key`
/// (`after`: is greater). The slots before have lesser prefixes.
template <bool after, class N>
[[gnu::noinline]] unsigned search_equal_prefixes(const N& node, unsigned slot, BytesView key) {
  unsigned end = slot;
  while (end != node.size && node.prefixes[end] == node.prefixes[slot]) ++end;
  while (slot != end) {
    const unsigned middle = slot + (end - slot) / 2;
    const auto order = node.key(middle) <=> key;
    if (std::is_lt(order) || (after && std::is_eq(order))) {
      slot = middle + 1;
    } else {
      end = middle;
    }
  }
  return slot;
}

/// How the bytes that all keys of `node` share compare with the first of `key`.
template <class N>
[[gnu::noinline]] std::strong_ordering compare_shared(const N& node, BytesView key) noexcept {
  return node.key(N::first_key).substr(0, node.skip) <=> key.substr(0, node.skip);
}

/// The child of `node` whose keys may be the probe's.
template <class Rank>
[[gnu::always_inline]] inline unsigned child_slot(const Inner& node, Probe& probe) noexcept {
  if (node.skip != 0) {
    const auto order = compare_shared(node, probe.key());
    if (std::is_gt(order)) return 0;
    if (std::is_lt(order)) return node.size - 1U;
  }
  const auto prefix = probe.prefix<Inner::Prefix>(node.skip);
  unsigned slot = Rank::template count_less<Inner::capacity>(node.prefixes, prefix);
  if (slot < node.size && node.prefixes[slot] == prefix) [[unlikely]] {
    slot = search_equal_prefixes<true>(node, slot == 0 ? 1 : slot, probe.key());
  }
  return slot - 1;
}

/// The first slot of `leaf` whose key is not less than the probe's; its size where all are less.
inline unsigned lower_bound(const Leaf& leaf, Probe& probe) noexcept {
  if (leaf.skip != 0) {
    const auto order = compare_shared(leaf, probe.key());
    if (std::is_gt(order)) return 0;
    if (std::is_lt(order)) return leaf.size;
  }
  const auto prefix = probe.prefix<Leaf::Prefix>(leaf.skip);
  const unsigned slot = PortableRank::count_less<Leaf::capacity>(leaf.prefixes, prefix);
  if (slot >= leaf.size || leaf.prefixes[slot] != prefix)
    return slot < leaf.size ? slot : leaf.size;
  return search_equal_prefixes<false>(leaf, slot, probe.key());
}

/// Whether `slot`, which is where the probe's key belongs, holds it.
inline bool is_at(const Leaf& leaf, unsigned slot, Probe& probe) noexcept {
  return slot != leaf.size && leaf.prefixes[slot] == probe.prefix<Leaf::Prefix>(leaf.skip) &&
         leaf.key(slot) == probe.key();
}

/// The slot of `leaf` at which the probe's key can be: those before have lesser prefixes.
template <class Rank>
[[gnu::always_inline]] inline unsigned rank_in(const Leaf& leaf, Probe& probe) noexcept {
  return Rank::template count_less<Leaf::capacity>(leaf.prefixes,
                                                   probe.prefix<Leaf::Prefix>(leaf.skip));
}

/// The record of the probe's key, whose rank is `slot`, or null. The bytes that the prefixes leave
/// out are compared only where a prefix is met, so that a miss need not touch a record.
[[gnu::always_inline]] inline const Record* find_at(const Leaf& leaf, unsigned slot,
                                                    Probe& probe) noexcept {
  if (slot >= leaf.size) return nullptr;
  if (leaf.prefixes[slot] != probe.prefix<Leaf::Prefix>(leaf.skip)) return nullptr;
  if (leaf.key(slot) == probe.key()) return leaf.records[slot];
  slot = search_equal_prefixes<false>(leaf, slot, probe.key());
  return slot != leaf.size && leaf.key(slot) == probe.key() ? leaf.records[slot] : nullptr;
}

template <class T>
[[gnu::always_inline]] inline void prefetch(const T* object, std::size_t bytes = sizeof(T)) {
  for (std::size_t i = 0; i < bytes; i += 64) {
    __builtin_prefetch(reinterpret_cast<const char*>(object) + i);
  }
}

}  // namespace varve::detail::memory
