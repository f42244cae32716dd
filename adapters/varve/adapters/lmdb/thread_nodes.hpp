// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/read_node.hpp>

#include <atomic>
#include <cstddef>
#include <vector>

namespace varve::lmdb {

/// The nodes that this thread has claimed, of every engine that it reads. They go back to their
/// engines when the thread ends.
class ThreadNodes {
 public:
  /// The nodes of this thread; null while the thread is being taken down.
  [[nodiscard]] static ThreadNodes* of_this_thread() {
    static constinit thread_local bool gone = false;
    static thread_local ThreadNodes nodes(gone);
    return gone ? nullptr : &nodes;
  }

  ThreadNodes(const ThreadNodes&) = delete;
  ThreadNodes& operator=(const ThreadNodes&) = delete;

  ~ThreadNodes() {
    gone_ = true;
    current_node = &no_node;
    for (ReadNode* const node : nodes_) let_go(*node);
  }

  /// Makes room, so that `claim` does not throw, and forgets the nodes of engines that are closed.
  void make_room() {
    const auto closed = [](ReadNode* node) {
      if (node->engine != nullptr) return false;
      if (current_node == node) current_node = &no_node;
      let_go(*node);
      return true;
    };
    std::erase_if(nodes_, closed);
    nodes_.reserve(nodes_.size() + 1);
  }

  void claim(ReadNode& node) noexcept {
    node.claimed.store(true, std::memory_order_relaxed);
    node.owners.fetch_add(1, std::memory_order_relaxed);
    nodes_.push_back(&node);
  }

  void unclaim(ReadNode& node) noexcept {
    std::erase(nodes_, &node);
    if (current_node == &node) current_node = &no_node;
    let_go(node);
  }

  [[nodiscard]] const std::vector<ReadNode*>& all() const noexcept { return nodes_; }

 private:
  explicit ThreadNodes(bool& gone) noexcept : gone_(gone) {}

  static void let_go(ReadNode& node) noexcept {
    node.claimed.store(false, std::memory_order_release);
    drop_owner(node);
  }

  std::vector<ReadNode*> nodes_;
  bool& gone_;
};

}  // namespace varve::lmdb
