// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace varve {

/// One `Shard` for each thread that asks, so that hot counters are written by one thread alone:
/// finding one's own costs a compare. What a thread leaves behind is folded into a total.
///
/// `Shard` is default constructible and has `void fold_into(Shard& total) const`, safe to call
/// while the shard's thread writes it. Threads: `mine` and `sum_into` from any.
template <class Shard>
class PerThread {
 public:
  PerThread() = default;
  PerThread(const PerThread&) = delete;
  PerThread& operator=(const PerThread&) = delete;

  /// The calling thread's shard. Valid on this thread while the object lives.
  [[nodiscard]] Shard& mine() {
    const Slot& slot = slots_[id_ % slots_.size()];
    if (slot.owner == id_) [[likely]] {
      return *slot.shard;
    }
    return claim();
  }

  /// The sum over all threads, those that have ended too.
  void sum_into(Shard& sum) {
    const std::lock_guard lock(mutex_);
    fold_ended();
    total_.fold_into(sum);
    for (const auto& node : nodes_) node->shard.fold_into(sum);
  }

 private:
  struct Node {
    explicit Node(std::uint64_t given) : owner(given) {}

    std::uint64_t owner;
    std::atomic<bool> ended{false};
    Shard shard;
  };

  struct Slot {
    std::uint64_t owner = 0;
    Shard* shard = nullptr;
  };

  /// The nodes of one thread, marked when it ends.
  struct Held {
    ~Held() {
      for (const auto& node : nodes) node->ended.store(true, std::memory_order_release);
    }
    std::vector<std::shared_ptr<Node>> nodes;
  };

  Shard& claim() {
    thread_local Held held;
    Shard* shard = nullptr;
    for (const auto& node : held.nodes) {
      if (node->owner == id_) shard = &node->shard;
    }
    if (shard == nullptr) {
      std::erase_if(held.nodes, [](const auto& node) { return node.use_count() == 1; });
      const auto node = std::make_shared<Node>(id_);
      held.nodes.push_back(node);
      const std::lock_guard lock(mutex_);
      fold_ended();
      nodes_.push_back(node);
      shard = &node->shard;
    }
    slots_[id_ % slots_.size()] = {id_, shard};
    return *shard;
  }

  void fold_ended() {
    std::erase_if(nodes_, [this](const auto& node) {
      if (!node->ended.load(std::memory_order_acquire)) return false;
      node->shard.fold_into(total_);
      return true;
    });
  }

  static std::uint64_t next_id() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
  }

  static inline constinit thread_local std::array<Slot, 4> slots_{};

  const std::uint64_t id_ = next_id();
  std::mutex mutex_;
  std::vector<std::shared_ptr<Node>> nodes_;
  Shard total_;
};

}  // namespace varve
