// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/draft.hpp>
#include <varve/adapters/memory/node_moves.hpp>
#include <varve/adapters/memory/search.hpp>
#include <varve/concepts/key_range.hpp>

#include <array>
#include <cstdint>

namespace varve::detail::memory {

/// Changes one tree of a draft. Every operation goes down once, copies what older versions share,
/// and mends what it left too full or too empty on the way back. Where one throws
/// (`std::bad_alloc`), the draft is to be discarded.
class TreeEditor {
 public:
  TreeEditor(Draft& draft, Node*& root) noexcept : draft_(draft), root_(root) {}

  /// The tree owns `record` where this returns.
  void put(Record* record) {
    Probe probe(record->key());
    descend(probe);
    own_leaf();
    unsigned slot = lower_bound(*leaf_, probe);
    if (is_at(*leaf_, slot, probe)) {
      draft_.drop(leaf_->records[slot]);
      leaf_->records[slot] = record;
      return;
    }
    if (leaf_->size == Leaf::capacity) slot = split_for(slot, record->key());
    insert_and_tell_apart(*leaf_, slot, record);
    for (unsigned level = 1; level <= height_; ++level) ++count_below(level);
  }

  void erase(BytesView key) {
    if (find_record(key) == nullptr) return;
    Probe probe(key);
    descend(probe);
    own_leaf();
    const unsigned slot = lower_bound(*leaf_, probe);
    draft_.drop(leaf_->records[slot]);
    leaf_->remove(slot, 1);
    for (unsigned level = 1; level <= height_; ++level) --count_below(level);
    mend_path();
  }

  void erase_range(const KeyBounds& bounds) {
    cut(root_, bounds);
    shrink_root();
  }

  /// Links a whole leaf into a gap of the tree that holds all its keys. False, and nothing linked,
  /// where there is no such gap.
  [[nodiscard]] bool attach(Leaf* packed) {
    if (is_empty_leaf(root_)) {
      root_ = packed;
      return true;
    }
    const BytesView first = packed->key(0);
    const BytesView last = packed->key(packed->size - 1U);
    Probe probe(first);
    descend(probe);
    const unsigned slot = lower_bound(*leaf_, probe);
    if (slot != leaf_->size ? leaf_->key(slot) <= last : next_leaf_reached_by(last)) return false;

    if (slot != 0 && slot != leaf_->size) {
      own_leaf();
      split_at(slot, last, leaf_->key(slot));
    }
    make_room(1);
    const auto [parent, at] = path_[1];
    if (slot == 0) {
      add_child(1, at + 1, draft_.make_separator(last, leaf_->key(0)), leaf_, parent->counts[at]);
      parent->children[at] = packed;
      parent->counts[at] = packed->size;
    } else {
      Record* const separator = draft_.make_separator(leaf_->key(leaf_->size - 1U), first);
      add_child(1, at + 1, separator, packed, packed->size);
    }
    for (unsigned level = 2; level <= height_; ++level) count_below(level) += packed->size;
    return true;
  }

 private:
  struct Step {
    Inner* node;
    unsigned slot;
  };

  // Nodes have at least a dozen children on average, so that memory ends long before the levels.
  static constexpr unsigned max_levels = 24;

  [[nodiscard]] std::uint64_t& count_below(unsigned level) noexcept {
    return path_[level].node->counts[path_[level].slot];
  }

  [[nodiscard]] const Record* find_record(BytesView key) const noexcept {
    Probe probe(key);
    const Node* node = root_;
    while (node->level != 0) {
      node = as_inner(node).children[child_slot<PortableRank>(as_inner(node), probe)];
    }
    return find_at(as_leaf(node), rank_in<PortableRank>(as_leaf(node), probe), probe);
  }

  /// Stands on the leaf for the probe; all nodes down to it may be changed.
  void descend(Probe& probe) {
    Node** link = &root_;
    height_ = root_->level;
    for (unsigned level = height_; level != 0; --level) {
      Inner& inner = as_inner(draft_.own(*link));
      const unsigned slot = child_slot<PortableRank>(inner, probe);
      path_[level] = {&inner, slot};
      link = &inner.children[slot];
    }
    leaf_ = &as_leaf(*link);
  }

  /// Straight after `descend`.
  void own_leaf() {
    Node*& link = height_ == 0 ? root_ : path_[1].node->children[path_[1].slot];
    leaf_ = &as_leaf(draft_.own(link));
  }

  [[nodiscard]] bool at_right_edge(unsigned level) const noexcept {
    for (; level <= height_; ++level) {
      if (path_[level].slot + 1 != path_[level].node->size) return false;
    }
    return true;
  }

  [[nodiscard]] bool next_leaf_reached_by(BytesView key) const noexcept {
    for (unsigned level = 1; level <= height_; ++level) {
      const auto [node, slot] = path_[level];
      if (slot + 1 != node->size) return node->key(slot + 1) <= key;
    }
    return false;
  }

  /// Sees to it that the node at `level` of the path can take another child.
  void make_room(unsigned level) {
    if (level > height_) return grow_root();
    if (path_[level].node->size != Inner::capacity) return;
    make_room(level + 1);
    const auto [node, slot] = path_[level];
    // Keys that come in order leave full nodes behind.
    const unsigned middle = at_right_edge(level) ? node->size - 1U : node->size / 2U;
    Inner* const right = draft_.make_inner(level);
    Record* const separator = node->separators[middle];
    move_tail(*node, middle, *right);
    const std::uint64_t moved = count_of(right);
    count_below(level + 1) -= moved;
    add_child(level + 1, path_[level + 1].slot + 1, separator, right, moved);
    if (slot < middle) return;
    path_[level] = {right, slot - middle};
    ++path_[level + 1].slot;
  }

  void grow_root() {
    Inner* const top = draft_.make_inner(height_ + 1);
    top->insert(0, nullptr, root_, count_of(root_));
    root_ = top;
    path_[++height_] = {top, 0};
  }

  void add_child(unsigned level, unsigned slot, Record* separator, Node* child,
                 std::uint64_t count) noexcept {
    insert_and_tell_apart(*path_[level].node, slot, separator, child, count);
  }

  /// Splits the leaf at `middle`, and stays on the left.
  void split_at(unsigned middle, BytesView left_last, BytesView right_first) {
    make_room(1);
    Leaf* const right = draft_.make_leaf();
    Record* const separator = draft_.make_separator(left_last, right_first);
    move_tail(*leaf_, middle, *right);
    count_below(1) -= right->size;
    add_child(1, path_[1].slot + 1, separator, right, right->size);
  }

  /// Splits the leaf for a key that belongs at `slot`; answers its slot on the side it belongs to.
  [[nodiscard]] unsigned split_for(unsigned slot, BytesView key) {
    const bool ascending = slot == leaf_->size && at_right_edge(1);
    const unsigned middle = ascending ? slot : leaf_->size / 2U;
    split_at(middle, leaf_->key(middle - 1), ascending ? key : leaf_->key(middle));
    Step& parent = path_[1];
    if (key < parent.node->key(parent.slot + 1)) return slot;
    leaf_ = &as_leaf(parent.node->children[++parent.slot]);
    return slot - middle;
  }

  void mend_path() {
    for (unsigned level = 1; level <= height_; ++level) {
      const auto [parent, slot] = path_[level];
      const unsigned size = parent->children[slot]->size;
      if (size == 0) {
        remove_children(*parent, slot, slot + 1);
      } else if (!merge_around(*parent, slot)) {
        break;
      }
    }
    shrink_root();
  }

  void shrink_root() {
    while (root_->level != 0 && root_->size == 1) {
      draft_.drop(root_, Garbage::Kind::node);
      root_ = as_inner(root_).children[0];
    }
    if (root_->size != 0 || is_empty_leaf(root_)) return;
    draft_.drop(root_, Garbage::Kind::node);
    root_ = &empty_leaf;
  }

  /// Unlinks children `[first, last)`, whole with all that is below them.
  void remove_children(Inner& node, unsigned first, unsigned last) {
    if (first == last) return;
    draft_.reserve(2UL * (last - first));
    for (unsigned i = first; i != last; ++i) {
      draft_.drop(node.children[i], Garbage::Kind::subtree);
      // The first child has no separator: the one that becomes first loses its own.
      const unsigned separator = first == 0 ? i + 1 : i;
      if (separator < node.size) draft_.drop(node.separators[separator]);
    }
    node.remove(first, last - first);
  }

  /// Joins a small child with a neighbour, where the two leave room in one node.
  bool merge_around(Inner& parent, unsigned slot) {
    if (!is_small(parent.children[slot])) return false;
    if (slot + 1 != parent.size && merge(parent, slot)) return true;
    return slot != 0 && merge(parent, slot - 1);
  }

  [[nodiscard]] static bool is_small(const Node* node) noexcept {
    return node->size <= (node->level == 0 ? Leaf::capacity : Inner::capacity) / 4;
  }

  bool merge(Inner& parent, unsigned slot) {
    const unsigned together = parent.children[slot]->size + parent.children[slot + 1]->size;
    const bool leaves = parent.level == 1;
    if (together > (leaves ? Leaf::capacity : Inner::capacity) * 3 / 4) return false;
    draft_.reserve(3);
    Node* const left = draft_.own(parent.children[slot]);
    Node* const right = parent.children[slot + 1];
    Record* const separator = parent.separators[slot + 1];
    if (leaves) {
      append(as_leaf(left), as_leaf(right));
      draft_.drop(separator);
    } else {
      append(as_inner(left), separator, as_inner(right));
    }
    parent.counts[slot] += parent.counts[slot + 1];
    parent.remove(slot + 1, 1);
    draft_.drop(right, Garbage::Kind::node);
    return true;
  }

  /// Removes the keys of `bounds` below `link`, whose node may be left without any.
  void cut(Node*& link, const KeyBounds& bounds) {
    Probe first(bounds.first());
    Probe last(bounds.last());
    if (link->level == 0) {
      const unsigned begin = lower_bound(as_leaf(link), first);
      const unsigned end = bounds.bounded() ? lower_bound(as_leaf(link), last) : link->size;
      if (begin == end) return;
      Leaf& leaf = as_leaf(draft_.own(link));
      draft_.reserve(end - begin);
      for (unsigned i = begin; i != end; ++i) draft_.drop(leaf.records[i]);
      leaf.remove(begin, end - begin);
      return;
    }
    Inner& inner = as_inner(draft_.own(link));
    const unsigned begin = child_slot<PortableRank>(inner, first);
    const unsigned end = bounds.bounded() ? child_slot<PortableRank>(inner, last) : inner.size - 1U;
    cut_child(inner, begin, bounds);
    if (begin != end) cut_child(inner, end, bounds);
    const unsigned kept_left = inner.children[begin]->size != 0 ? 1 : 0;
    const unsigned lost_right = inner.children[end]->size == 0 ? 1 : 0;
    const unsigned gone = begin + kept_left;
    if (gone < end + lost_right) remove_children(inner, gone, end + lost_right);
    if (gone != inner.size) merge_around(inner, gone);
    if (gone != 0) merge_around(inner, gone - 1);
  }

  void cut_child(Inner& inner, unsigned slot, const KeyBounds& bounds) {
    cut(inner.children[slot], bounds);
    inner.counts[slot] = count_of(inner.children[slot]);
  }

  Draft& draft_;
  Node*& root_;
  std::array<Step, max_levels> path_;  ///< by level; that of the leaf is unused
  unsigned height_ = 0;
  Leaf* leaf_ = nullptr;
};

}  // namespace varve::detail::memory
