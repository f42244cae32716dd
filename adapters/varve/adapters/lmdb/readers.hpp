// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/error.hpp>
#include <varve/adapters/lmdb/fork_registry.hpp>
#include <varve/adapters/lmdb/memory_barrier.hpp>
#include <varve/adapters/lmdb/read_node.hpp>
#include <varve/adapters/lmdb/thread_nodes.hpp>
#include <varve/adapters/support/fork_guard.hpp>
#include <varve/concepts/error.hpp>

#include <lmdb.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

namespace varve::lmdb {

/// The reading transactions of one engine.
///
/// A thread takes the node that it used last with a few loads and stores of its own, no barrier and
/// no call. Everything else (the first read of a thread or after a commit, a read while another is
/// held, a store that is closed or belongs to the parent of this process) goes the slow way.
///
/// Who takes a node marks it and then looks at its state; who holds readers off takes the state
/// away and then, past a barrier of all threads, looks at the mark. So one of the two sees the
/// other.
class Readers : private ForkRegistry::Entry {
 public:
  /// `engine` is the address by which nodes know whose they are.
  Readers(const void* engine, MDB_env* environment, std::uint64_t newest)
      : engine_(engine), environment_(environment), newest_(newest) {
    ForkRegistry::instance().add(*this);
  }
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;

  ~Readers() {
    ForkRegistry::instance().remove(*this);
    for (ReadNode* node = first(); node != nullptr;) {
      ReadNode* const next = node->next;
      node->rests_in.store(nullptr, std::memory_order_relaxed);
      mdb_txn_abort(node->transaction);
      node->transaction = nullptr;
      node->engine = nullptr;
      drop_owner(*node);
      node = next;
    }
  }

  /// A node in use that reads the newest state.
  [[nodiscard]] ReadNode& take() const {
    ReadNode* const node = current_node;
    return take_at_once(*node) ? *node : take_slowly();
  }

  /// Takes the current node of this thread, where it is at rest and in the newest state.
  [[nodiscard]] bool take_at_once(ReadNode& node) const noexcept {
    if (node.rests_in.load(std::memory_order_acquire) != engine_) return false;
    node.rests_in.store(nullptr, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (node.state.load(std::memory_order_relaxed) == newest()) [[likely]]
      return true;
    node.rests_in.store(engine_, std::memory_order_release);
    return false;
  }

  /// A node in use with one counted holder, that no thread has claimed: whoever holds it may read
  /// through it.
  [[nodiscard]] ReadHold take_counted() const {
    guard_.check("snapshot", engine_name);
    const std::lock_guard lock(mutex_);
    ReadNode& node = take_unclaimed();
    begin_counting(node);
    return ReadHold(node);
  }

  /// The newest state, as far as writers of this process have told.
  [[nodiscard]] std::uint64_t newest() const noexcept {
    return newest_.load(std::memory_order_acquire);
  }
  /// A state that anybody has seen is the newest for everybody from then on: a thread that renews
  /// meets a commit before its writer has told, and may tell others what it read.
  void raise_newest(std::uint64_t transaction) const noexcept {
    std::uint64_t known = newest_.load(std::memory_order_relaxed);
    while (known < transaction &&
           !newest_.compare_exchange_weak(known, transaction, std::memory_order_acq_rel)) {
    }
  }

  [[nodiscard]] const support::ForkGuard& fork_guard() const noexcept { return guard_; }

  /// The number of nodes, used or at rest.
  [[nodiscard]] std::uint32_t size() const noexcept {
    return size_.load(std::memory_order_relaxed);
  }

  /// Resets the nodes that rest in older states, so that the pages of those can be used again.
  /// Called before anything is written.
  void retire() const noexcept {
    if (!any_is_stale()) return;
    const std::lock_guard lock(mutex_);
    held_off_.store(true, std::memory_order_relaxed);
    for (ReadNode* node = first(); node != nullptr; node = node->next) {
      if (is_stale(*node)) node->state.store(no_state, std::memory_order_relaxed);
    }
    if (barrier_.pass()) reset_untakeable();
    held_off_.store(false, std::memory_order_release);
  }

  /// Holds off every reader, and calls `act()` once none is left; answers whether it did. Gives up
  /// after `patience`, because whoever holds a value, a scan or a snapshot may be waiting for us.
  /// Where `act` throws, nobody reads any more.
  template <class Act>
  bool while_quiet(std::chrono::milliseconds patience, Act&& act) {
    const std::lock_guard lock(mutex_);
    held_off_.store(true, std::memory_order_relaxed);
    const bool quiet = make_all_untakeable(patience);
    if (quiet) {
      reset_untakeable();
      lost_ = true;
      act();
      lost_ = false;
    }
    held_off_.store(false, std::memory_order_release);
    return quiet;
  }

 private:
  /// The nodes of one engine that a thread uses alone, each with its own state. Beyond these, the
  /// values that it holds of one state share a node.
  static constexpr std::size_t nodes_of_a_thread = 4;

  [[nodiscard]] ReadNode* first() const noexcept { return nodes_.load(std::memory_order_acquire); }

  [[nodiscard]] bool rests(const ReadNode& node) const noexcept {
    return node.rests_in.load(std::memory_order_acquire) == engine_;
  }

  // Holding off, under the mutex.

  /// Whether the node keeps pages of an older state without being used.
  [[nodiscard]] bool is_stale(const ReadNode& node) const noexcept {
    return node.renewed.load(std::memory_order_relaxed) && rests(node) &&
           node.state.load(std::memory_order_relaxed) != newest();
  }

  [[nodiscard]] bool any_is_stale() const noexcept {
    for (const ReadNode* node = first(); node != nullptr; node = node->next) {
      if (is_stale(*node)) return true;
    }
    return false;
  }

  /// Past the barrier: whether the node rests and its thread will find that it must be renewed,
  /// which it must ask the mutex for. A thread that was renewing it already has marked it as taken,
  /// or has given it back with its state.
  [[nodiscard]] bool untakeable(const ReadNode& node) const noexcept {
    return rests(node) && node.state.load(std::memory_order_relaxed) == no_state;
  }

  void reset_untakeable() const noexcept {
    for (ReadNode* node = first(); node != nullptr; node = node->next) {
      if (!untakeable(*node)) continue;
      mdb_txn_reset(node->transaction);
      node->renewed.store(false, std::memory_order_relaxed);
    }
  }

  [[nodiscard]] bool make_all_untakeable(std::chrono::milliseconds patience) const {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
      for (ReadNode* node = first(); node != nullptr; node = node->next) {
        node->state.store(no_state, std::memory_order_relaxed);
      }
      if (!barrier_.pass()) return false;
      bool all = true;
      for (ReadNode* node = first(); node != nullptr; node = node->next) {
        all = all && untakeable(*node);
      }
      if (all) return true;
      if (std::chrono::steady_clock::now() >= deadline) return false;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  }

  // Taking, the slow way.

  [[nodiscard, gnu::noinline]] ReadNode& take_slowly() const {
    guard_.check("get", engine_name);
    ThreadNodes* const mine = ThreadNodes::of_this_thread();
    if (mine == nullptr) {
      const std::lock_guard lock(mutex_);
      ReadNode& node = take_unclaimed();
      if (!barrier_.works()) begin_counting(node);
      return node;
    }
    std::size_t busy = 0;
    ReadNode* resting = nullptr;
    ReadNode* shared = nullptr;
    for (ReadNode* const node : mine->all()) {
      if (node->engine != engine_) continue;
      if (rests(*node)) {
        resting = node;
        continue;
      }
      ++busy;
      if (node->holders.load(std::memory_order_relaxed) != 0) shared = node;
    }
    const bool counted = busy >= nodes_of_a_thread;
    if (counted && shared != nullptr) {
      if (join(*shared)) return *shared;
      mine->unclaim(*shared);
    }
    ReadNode& node = resting != nullptr ? take_claimed(*resting) : claim_another(*mine);
    if (counted || !barrier_.works()) begin_counting(node);
    current_node = &node;
    return node;
  }

  /// Takes a node that rests and that this thread has claimed.
  [[nodiscard]] ReadNode& take_claimed(ReadNode& node) const {
    if (take_at_once(node)) return node;
    node.rests_in.store(nullptr, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (!held_off_.load(std::memory_order_acquire)) {
      renew(node);
      return node;
    }
    node.rests_in.store(engine_, std::memory_order_release);
    const std::lock_guard lock(mutex_);
    refuse_where_lost();
    node.rests_in.store(nullptr, std::memory_order_relaxed);
    renew(node);
    return node;
  }

  [[nodiscard]] ReadNode& claim_another(ThreadNodes& mine) const {
    mine.make_room();
    const std::lock_guard lock(mutex_);
    ReadNode& node = take_unclaimed();
    mine.claim(node);
    return node;
  }

  /// Becomes one more holder of a counted node whose state is still the newest.
  [[nodiscard]] bool join(ReadNode& node) const noexcept {
    if (node.state.load(std::memory_order_relaxed) != newest()) return false;
    std::uint32_t holders = node.holders.load(std::memory_order_relaxed);
    while (holders != 0) {
      if (node.holders.compare_exchange_weak(holders, holders + 1, std::memory_order_acq_rel)) {
        return true;
      }
    }
    return false;
  }

  /// Under the mutex.
  [[nodiscard]] ReadNode& take_unclaimed() const {
    refuse_where_lost();
    for (ReadNode* node = first(); node != nullptr; node = node->next) {
      if (node->claimed.load(std::memory_order_acquire) || !rests(*node)) continue;
      node->rests_in.store(nullptr, std::memory_order_relaxed);
      renew(*node);
      return *node;
    }
    return make();
  }

  /// Brings a node, which is marked as taken, to the newest state.
  void renew(ReadNode& node) const {
    mdb_txn_reset(node.transaction);
    const int code = mdb_txn_renew(node.transaction);
    if (code == MDB_SUCCESS) {
      note_renewed(node);
      return;
    }
    node.state.store(no_state, std::memory_order_relaxed);
    node.renewed.store(false, std::memory_order_relaxed);
    node.rests_in.store(engine_, std::memory_order_release);
    throw engine_error(code, "get");
  }

  void note_renewed(ReadNode& node) const noexcept {
    node.renewed.store(true, std::memory_order_relaxed);
    if (!barrier_.works()) return;
    const std::uint64_t state = mdb_txn_id(node.transaction);
    raise_newest(state);
    node.state.store(state, std::memory_order_relaxed);
  }

  [[nodiscard]] ReadNode& make() const {
    auto node = std::make_unique<ReadNode>();
    int code = mdb_txn_begin(environment_, nullptr, MDB_RDONLY, &node->transaction);
    if (code == MDB_READERS_FULL) {
      int dead = 0;
      if (mdb_reader_check(environment_, &dead) == MDB_SUCCESS && dead != 0) {
        code = mdb_txn_begin(environment_, nullptr, MDB_RDONLY, &node->transaction);
      }
    }
    check(code, "get");
    note_renewed(*node);
    node->resets = !barrier_.works();
    node->engine = engine_;
    node->next = nodes_.load(std::memory_order_relaxed);
    nodes_.store(node.get(), std::memory_order_release);
    size_.fetch_add(1, std::memory_order_relaxed);
    return *node.release();
  }

  void refuse_where_lost() const {
    if (!lost_) return;
    throw adapter_error(ErrorKind::poisoned,
                        "the memory map was lost while it grew; open the store anew", "get");
  }

  /// The transactions are the parent's, as are their slots in the shared table: they are left
  /// alone.
  void forget_in_child() noexcept override {
    for (ReadNode* node = first(); node != nullptr; node = node->next) {
      node->rests_in.store(nullptr, std::memory_order_relaxed);
      node->transaction = nullptr;
      node->engine = nullptr;
    }
  }

  const void* engine_;
  MDB_env* environment_;
  mutable std::atomic<std::uint64_t> newest_;
  support::ForkGuard guard_;
  MemoryBarrier barrier_;
  mutable std::atomic<bool> held_off_{false};
  mutable std::atomic<ReadNode*> nodes_{nullptr};
  mutable std::atomic<std::uint32_t> size_{0};
  mutable std::mutex mutex_;
  bool lost_ = false;  ///< guarded by `mutex_`
};

}  // namespace varve::lmdb
