// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/node.hpp>

#include <algorithm>

namespace varve::detail::memory {

// What nodes hand to each other. Each function leaves prefixes that tell the keys apart as well as
// eight bytes can.

/// How many first bytes all keys of the node share.
template <class N>
std::uint32_t shared_bytes(const N& node) noexcept {
  if (node.size <= N::first_key) return 0;
  return static_cast<std::uint32_t>(common_bytes(node.key(N::first_key), node.key(node.size - 1U)));
}

/// Makes the prefixes start after the first `skip` bytes, which all keys of the node share.
template <class N>
void set_skip(N& node, std::uint32_t skip) noexcept {
  node.skip = skip;
  for (unsigned i = N::first_key; i < node.size; ++i) {
    node.prefixes[i] = prefix_of<typename N::Prefix>(key_word(node.key(i), skip));
  }
}

/// Where equal prefixes stand side by side, leaves out of them what the keys share.
template <class N>
void tell_apart(N& node) noexcept {
  if (node.size <= N::first_key + 1) return;
  const auto* const begin = node.prefixes + N::first_key;
  const auto* const end = node.prefixes + node.size;
  if (std::adjacent_find(begin, end) == end) return;
  const std::uint32_t shared = shared_bytes(node);
  if (shared > node.skip) set_skip(node, shared);
}

/// Inserts at `slot` what `key`, and what goes with it, is led to by. `N::insert` takes the rest.
template <class N, class... Rest>
void insert_and_tell_apart(N& node, unsigned slot, Record* record, Rest... rest) noexcept {
  if (node.skip != 0) {
    const std::size_t shared = common_bytes(node.key(N::first_key), record->key());
    if (shared < node.skip) set_skip(node, static_cast<std::uint32_t>(shared));
  }
  node.insert(slot, record, rest...);
  const auto prefix = node.prefixes[slot];
  const bool same_before = slot > N::first_key && node.prefixes[slot - 1] == prefix;
  const bool same_after = slot + 1U < node.size && node.prefixes[slot + 1] == prefix;
  if (same_before || same_after) [[unlikely]]
    tell_apart(node);
}

/// Moves the slots from `middle` on to the empty node `right`.
inline void move_tail(Leaf& left, unsigned middle, Leaf& right) noexcept {
  const unsigned size = left.size;
  std::copy(left.prefixes + middle, left.prefixes + size, right.prefixes);
  std::copy(left.records + middle, left.records + size, right.records);
  right.size = static_cast<std::uint16_t>(size - middle);
  right.skip = right.size == 0 ? 0 : left.skip;
  left.remove(middle, size - middle);
  tell_apart(left);
  tell_apart(right);
}

/// The separator at `middle` is the caller's from now on.
inline void move_tail(Inner& left, unsigned middle, Inner& right) noexcept {
  const unsigned size = left.size;
  std::copy(left.prefixes + middle, left.prefixes + size, right.prefixes);
  std::copy(left.children + middle, left.children + size, right.children);
  std::copy(left.separators + middle, left.separators + size, right.separators);
  std::copy(left.counts + middle, left.counts + size, right.counts);
  right.size = static_cast<std::uint16_t>(size - middle);
  right.skip = right.size <= 1 ? 0 : left.skip;
  right.prefixes[0] = Inner::least;
  right.separators[0] = nullptr;
  left.remove(middle, size - middle);
  tell_apart(left);
  tell_apart(right);
}

/// Appends all of `right`, which stays as it is. The two have room in one node.
inline void append(Leaf& left, const Leaf& right) noexcept {
  std::copy(right.prefixes, right.prefixes + right.size, left.prefixes + left.size);
  std::copy(right.records, right.records + right.size, left.records + left.size);
  const bool plain = left.skip == 0 && right.skip == 0;
  left.size = static_cast<std::uint16_t>(left.size + right.size);
  if (!plain) set_skip(left, shared_bytes(left));
}

/// `separator` stands between the two.
inline void append(Inner& left, Record* separator, const Inner& right) noexcept {
  std::copy(right.prefixes, right.prefixes + right.size, left.prefixes + left.size);
  std::copy(right.children, right.children + right.size, left.children + left.size);
  std::copy(right.separators, right.separators + right.size, left.separators + left.size);
  std::copy(right.counts, right.counts + right.size, left.counts + left.size);
  left.separators[left.size] = separator;
  left.size = static_cast<std::uint16_t>(left.size + right.size);
  set_skip(left, left.skip == 0 && right.skip == 0 ? 0 : shared_bytes(left));
}

}  // namespace varve::detail::memory
