// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/search.hpp>

#include <array>
#include <cstdint>

namespace varve::detail::memory {

/// A place between the records of a tree, and the way down to it.
class Path {
 public:
  Path() = default;

  /// Before the first record that is not less than `key`.
  static Path to(const Node* root, BytesView key) noexcept {
    Probe probe(key);
    Path path;
    path.descend(root, [&](const Inner& node) { return child_slot<PortableRank>(node, probe); });
    path.slot_ = lower_bound(*path.leaf_, probe);
    return path;
  }

  /// After the last record.
  static Path to_end(const Node* root) noexcept {
    Path path;
    path.descend(root, [](const Inner& node) { return node.size - 1U; });
    path.slot_ = path.leaf_->size;
    return path;
  }

  /// The number of records before.
  [[nodiscard]] std::uint64_t rank() const noexcept {
    std::uint64_t before = slot_;
    for (unsigned level = 1; level <= height_; ++level) {
      before += steps_[level].node->count_before(steps_[level].slot);
    }
    return before;
  }

  /// The record after this place. There must be one in this leaf.
  [[nodiscard]] const Record& record() const noexcept { return *leaf_->records[slot_]; }

  [[nodiscard]] bool at_leaf_end() const noexcept { return slot_ == leaf_->size; }
  [[nodiscard]] bool at_leaf_begin() const noexcept { return slot_ == 0; }

  void forward() noexcept {
    ++slot_;
    const unsigned next = slot_ + read_ahead;
    if (next < leaf_->size) {
      prefetch(leaf_->records[next], record_bytes);
    } else if (ahead_ != nullptr && next - leaf_->size < ahead_->size) {
      prefetch(ahead_->records[next - leaf_->size], record_bytes);
    }
  }

  void backward() noexcept {
    --slot_;
    if (slot_ >= read_ahead) {
      prefetch(leaf_->records[slot_ - read_ahead], record_bytes);
    } else if (ahead_ != nullptr && ahead_->size + slot_ >= read_ahead) {
      prefetch(ahead_->records[ahead_->size + slot_ - read_ahead], record_bytes);
    }
  }

  /// From the end of a leaf to the begin of the next. There must be one.
  void to_next_leaf() noexcept {
    unsigned level = 1;
    while (steps_[level].slot + 1 == steps_[level].node->size) ++level;
    ++steps_[level].slot;
    descend_from(level, [](const Inner&) { return 0U; });
    slot_ = 0;
    const auto [parent, slot] = steps_[1];
    look_ahead(slot + 1 != parent->size ? parent->children[slot + 1] : nullptr);
  }

  /// From the begin of a leaf to the end of the one before. There must be one.
  void to_previous_leaf() noexcept {
    unsigned level = 1;
    while (steps_[level].slot == 0) ++level;
    --steps_[level].slot;
    descend_from(level, [](const Inner& node) { return node.size - 1U; });
    slot_ = leaf_->size;
    const auto [parent, slot] = steps_[1];
    look_ahead(slot != 0 ? parent->children[slot - 1] : nullptr);
  }

 private:
  struct Step {
    const Inner* node;
    unsigned slot;
  };

  static constexpr unsigned max_levels = 24;
  static constexpr unsigned read_ahead = 12;           ///< records
  static constexpr std::size_t record_bytes = 2 * 64;  ///< the first of each

  template <class Choose>
  void descend(const Node* root, Choose choose) noexcept {
    height_ = root->level;
    if (height_ == 0) {
      leaf_ = &as_leaf(root);
      return;
    }
    steps_[height_] = {&as_inner(root), choose(as_inner(root))};
    descend_from(height_, choose);
  }

  template <class Choose>
  void descend_from(unsigned level, Choose choose) noexcept {
    for (; level != 1; --level) {
      const Inner& below = as_inner(steps_[level].node->children[steps_[level].slot]);
      steps_[level - 1] = {&below, choose(below)};
    }
    leaf_ = &as_leaf(steps_[1].node->children[steps_[1].slot]);
  }

  void look_ahead(const Node* neighbour) noexcept {
    ahead_ = neighbour == nullptr ? nullptr : &as_leaf(neighbour);
    if (ahead_ != nullptr) prefetch(ahead_);
  }

  const Leaf* leaf_ = nullptr;
  const Leaf* ahead_ = nullptr;  ///< the leaf to come, where it is near
  unsigned slot_ = 0;
  unsigned height_ = 0;
  std::array<Step, max_levels> steps_;  ///< by level; that of the leaf is unused
};

}  // namespace varve::detail::memory
