// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/prefix.hpp>
#include <varve/adapters/memory/record.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace varve::detail::memory {

/// What a leaf and an inner node begin with. A node is changed only by the transaction that made
/// it; later ones copy it.
struct Node {
  std::uint64_t birth = 0;  ///< the number of the version that first shows it
  std::uint32_t skip = 0;   ///< the first bytes that its keys share and its prefixes leave out
  std::uint16_t size = 0;
  std::uint16_t level = 0;  ///< 0 for a leaf
};

/// A sorted array of key prefixes beside what they lead to. Keys with equal prefixes are told apart
/// by their records. Unused lanes hold the largest prefix, so that a rank needs no size.
template <class Lane, unsigned lanes>
struct PrefixNode : Node {
  using Prefix = Lane;
  static constexpr unsigned capacity = lanes;
  static constexpr Prefix unused = std::numeric_limits<Prefix>::max();

  constexpr PrefixNode() noexcept { std::fill_n(prefixes, capacity, unused); }
  PrefixNode(const PrefixNode& other) noexcept : Node(other) {
    std::copy_n(other.prefixes, size, prefixes);
    std::fill(prefixes + size, prefixes + capacity, unused);
  }

  Prefix prefixes[capacity];

 protected:
  template <class T>
  static void open_gap(T* array, unsigned size, unsigned at) noexcept {
    std::copy_backward(array + at, array + size, array + size + 1);
  }
  template <class T>
  static void close_gap(T* array, unsigned size, unsigned at, unsigned width) noexcept {
    std::copy(array + at + width, array + size, array + at);
  }
};

struct Leaf : PrefixNode<std::int32_t, 32> {
  Record* records[capacity];

  Leaf() noexcept = default;
  constexpr explicit Leaf(std::nullptr_t) noexcept : records{} {}
  Leaf(const Leaf& other) noexcept : PrefixNode(other) {
    std::copy_n(other.records, size, records);
  }

  static constexpr unsigned first_key = 0;
  [[nodiscard]] BytesView key(unsigned slot) const noexcept { return records[slot]->key(); }

  void insert(unsigned slot, Record* record) noexcept {
    open_gap(prefixes, size, slot);
    open_gap(records, size, slot);
    prefixes[slot] = prefix_of<Prefix>(key_word(record->key(), skip));
    records[slot] = record;
    ++size;
  }

  void remove(unsigned slot, unsigned width) noexcept {
    close_gap(prefixes, size, slot, width);
    close_gap(records, size, slot, width);
    std::fill_n(prefixes + size - width, width, unused);
    size = static_cast<std::uint16_t>(size - width);
    if (size == 0) skip = 0;
  }
};

/// Child `i` holds the keys at and after separator `i` and before the next. The first has no
/// separator: its prefix is the least there is.
struct Inner : PrefixNode<std::int64_t, 64> {
  Node* children[capacity];
  Record* separators[capacity];
  std::uint64_t counts[capacity];  ///< keys below each child

  Inner() noexcept = default;
  Inner(const Inner& other) noexcept : PrefixNode(other) {
    std::copy_n(other.children, size, children);
    std::copy_n(other.separators, size, separators);
    std::copy_n(other.counts, size, counts);
  }

  static constexpr unsigned first_key = 1;
  static constexpr Prefix least = std::numeric_limits<Prefix>::min();
  [[nodiscard]] BytesView key(unsigned slot) const noexcept { return separators[slot]->key(); }

  void insert(unsigned slot, Record* separator, Node* child, std::uint64_t count) noexcept {
    open_gap(prefixes, size, slot);
    open_gap(children, size, slot);
    open_gap(separators, size, slot);
    open_gap(counts, size, slot);
    prefixes[slot] =
        separator == nullptr ? least : prefix_of<Prefix>(key_word(separator->key(), skip));
    children[slot] = child;
    separators[slot] = separator;
    counts[slot] = count;
    ++size;
  }

  void remove(unsigned slot, unsigned width) noexcept {
    close_gap(prefixes, size, slot, width);
    close_gap(children, size, slot, width);
    close_gap(separators, size, slot, width);
    close_gap(counts, size, slot, width);
    std::fill_n(prefixes + size - width, width, unused);
    size = static_cast<std::uint16_t>(size - width);
    if (size <= 1) skip = 0;
    if (slot != 0 || size == 0) return;
    prefixes[0] = least;
    separators[0] = nullptr;
  }

  [[nodiscard]] std::uint64_t count_before(unsigned slot) const noexcept {
    std::uint64_t sum = 0;
    for (unsigned i = 0; i != slot; ++i) sum += counts[i];
    return sum;
  }
};

inline const Leaf& as_leaf(const Node* node) noexcept {
  return *static_cast<const Leaf*>(node);
}
inline Leaf& as_leaf(Node* node) noexcept {
  return *static_cast<Leaf*>(node);
}
inline const Inner& as_inner(const Node* node) noexcept {
  return *static_cast<const Inner*>(node);
}
inline Inner& as_inner(Node* node) noexcept {
  return *static_cast<Inner*>(node);
}

inline std::uint64_t count_of(const Node* node) noexcept {
  return node->level == 0 ? node->size : as_inner(node).count_before(node->size);
}

inline std::size_t bytes_of(const Node* node) noexcept {
  return node->level == 0 ? sizeof(Leaf) : sizeof(Inner);
}

/// The root of every empty tree. Known by its birth, before every version; never freed.
inline constinit Leaf empty_leaf{nullptr};
inline bool is_empty_leaf(const Node* node) noexcept {
  return node->birth == 0;
}

}  // namespace varve::detail::memory
