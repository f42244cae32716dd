// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/arena.hpp>
#include <varve/adapters/memory/node.hpp>
#include <varve/adapters/memory/version.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

namespace varve::detail::memory {

inline void free_record(Arena& arena, const Record* record) noexcept {
  arena.free(const_cast<Record*>(record), record->size());
}

inline void free_node(Arena& arena, Node* node) noexcept {
  arena.free(node, bytes_of(node));
}

/// What one transaction makes and drops. What it makes bears the number of the version to come, and
/// may be changed in place; what it drops is still shown by older versions.
class Draft {
 public:
  Draft(Arena& arena, std::uint64_t number, std::vector<Garbage>& dropped) noexcept
      : arena_(arena), dropped_(dropped), number_(number) {}

  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

  [[nodiscard]] Record* make_record(BytesView key, BytesView value) {
    return detail::memory::make_record(arena_, number_, key, value);
  }

  /// The shortest key that is greater than `left` and not greater than `right`.
  [[nodiscard]] Record* make_separator(BytesView left, BytesView right) {
    return make_record(right.substr(0, common_bytes(left, right) + 1), {});
  }

  [[nodiscard]] Leaf* make_leaf() {
    auto* const leaf = ::new (arena_.allocate(sizeof(Leaf))) Leaf;
    leaf->birth = number_;
    return leaf;
  }

  [[nodiscard]] Inner* make_inner(unsigned level) {
    auto* const inner = ::new (arena_.allocate(sizeof(Inner))) Inner;
    inner->birth = number_;
    inner->level = static_cast<std::uint16_t>(level);
    return inner;
  }

  /// Makes `link` lead to a node that this transaction may change, a copy where need be.
  Node* own(Node*& link) {
    if (link->birth == number_) return link;
    if (!is_empty_leaf(link)) drop(link, Garbage::Kind::node);
    link = link->level == 0 ? static_cast<Node*>(copy(as_leaf(link))) : copy(as_inner(link));
    return link;
  }

  /// Room to drop `count` more things without fail.
  void reserve(std::size_t count) {
    if (dropped_.capacity() - dropped_.size() < count) {
      dropped_.reserve(2 * dropped_.capacity() + count);
    }
  }

  void drop(Record* record) { dropped_.emplace_back(record, number_, Garbage::Kind::record); }
  void drop(Node* node, Garbage::Kind kind) { dropped_.emplace_back(node, number_, kind); }
  void drop(RootPage* page) { dropped_.emplace_back(page, number_, Garbage::Kind::root_page); }

  /// Frees what this transaction made of the tree below `node`.
  void discard(Node* node) noexcept {
    if (node->birth != number_) return;
    if (node->level == 0) {
      for (unsigned i = 0; i != node->size; ++i) discard(as_leaf(node).records[i]);
    } else {
      const Inner& inner = as_inner(node);
      for (unsigned i = 0; i != inner.size; ++i) {
        if (i != 0) discard(inner.separators[i]);
        discard(inner.children[i]);
      }
    }
    free_node(arena_, node);
  }

  void discard(const Record* record) noexcept {
    if (record->birth == number_) free_record(arena_, record);
  }

 private:
  template <class N>
  [[nodiscard]] N* copy(const N& node) {
    auto* const made = ::new (arena_.allocate(sizeof(N))) N(node);
    made->birth = number_;
    return made;
  }

  Arena& arena_;
  std::vector<Garbage>& dropped_;
  std::uint64_t number_;
};

}  // namespace varve::detail::memory
