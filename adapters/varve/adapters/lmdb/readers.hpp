// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/error.hpp>
#include <varve/adapters/lmdb/fork_registry.hpp>
#include <varve/adapters/lmdb/read_node.hpp>
#include <varve/adapters/lmdb/thread_nodes.hpp>
#include <varve/adapters/support/fork_guard.hpp>
#include <varve/concepts/bytes.hpp>

#include <lmdb.h>

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

namespace varve::lmdb {

/// The reading transactions of one engine.
///
/// Taking one is a compare with what this thread used last, and `mdb_txn_renew`. Everything else
/// (the first read of a thread, a read while another is held, a store that is closed, held off or
/// belongs to the parent of this process) goes the slow way.
class Readers : private ForkRegistry::Entry {
 public:
  explicit Readers(MDB_env* environment) : environment_(environment) {
    register_for_barrier();
    ForkRegistry::instance().add(*this);
  }
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;

  ~Readers() {
    ForkRegistry::instance().remove(*this);
    for (ReadNode* node = nodes_.load(std::memory_order_relaxed); node != nullptr;) {
      ReadNode* const next = node->next;
      node->gate.store(nullptr, std::memory_order_relaxed);
      node->rests_in.store(nullptr, std::memory_order_relaxed);
      mdb_txn_abort(node->transaction);
      node->transaction = nullptr;
      node->pool = nullptr;
      drop_owner(*node);
      node = next;
    }
  }

  /// A node in use that reads the newest state, and its transaction.
  struct Taken {
    ReadNode* node;
    MDB_txn* transaction;
  };

  [[nodiscard, gnu::always_inline]] Taken take() const {
    ReadNode* const node = current_node;
    if (node->rests_in.load(std::memory_order_acquire) == this) [[likely]] {
      node->rests_in.store(nullptr, std::memory_order_relaxed);
      std::atomic_signal_fence(std::memory_order_seq_cst);
      MDB_txn* const transaction = node->gate.load(std::memory_order_relaxed);
      if (mdb_txn_renew(transaction) == MDB_SUCCESS) [[likely]]
        return {node, transaction};
      node->rests_in.store(this, std::memory_order_release);
    }
    return take_slowly();
  }

  /// A node in use with one counted holder, that no thread has claimed: it can be read through by
  /// whoever holds it.
  [[nodiscard]] ReadHold take_counted() const {
    guard_.check("snapshot", engine_name);
    const std::lock_guard lock(mutex_);
    return ReadHold(take_unclaimed(true));
  }

  /// The newest state, as far as writers have told.
  [[nodiscard]] std::uint64_t newest() const noexcept {
    return newest_.load(std::memory_order_acquire);
  }
  void set_newest(std::uint64_t transaction) noexcept {
    newest_.store(transaction, std::memory_order_release);
  }

  [[nodiscard]] const support::ForkGuard& fork_guard() const noexcept { return guard_; }

  /// The number of nodes, used or at rest.
  [[nodiscard]] std::uint32_t size() const noexcept {
    return size_.load(std::memory_order_relaxed);
  }

  /// Holds off every reader, and calls `act()` once none is left; answers whether it did. Gives up
  /// after `patience`, because whoever holds a value, a scan or a snapshot may be waiting for us.
  /// Where `act` throws, nobody reads any more.
  template <class Act>
  bool while_quiet(std::chrono::milliseconds patience, Act&& act) {
    const std::lock_guard lock(mutex_);
    if (!has_barrier_) return false;
    close_gates();
    const bool quiet = barrier() && wait_for_rest(patience);
    if (quiet) {
      lost_ = true;
      act();
      lost_ = false;
    }
    open_gates();
    return quiet;
  }

 private:
  /// The nodes of one engine that a thread claims for reads of its own, each with its own state.
  /// Beyond these, values that it holds of one state share a node.
  static constexpr std::size_t nodes_of_a_thread = 4;

  void close_gates() noexcept {
    for (ReadNode* node = nodes_.load(std::memory_order_relaxed); node != nullptr;
         node = node->next) {
      node->gate.store(nullptr, std::memory_order_seq_cst);
    }
  }

  void open_gates() noexcept {
    for (ReadNode* node = nodes_.load(std::memory_order_relaxed); node != nullptr;
         node = node->next) {
      node->gate.store(node->transaction, std::memory_order_release);
    }
  }

  [[nodiscard]] bool wait_for_rest(std::chrono::milliseconds patience) const {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!all_at_rest()) {
      if (std::chrono::steady_clock::now() >= deadline) return false;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return true;
  }

  [[nodiscard]] bool all_at_rest() const noexcept {
    for (ReadNode* node = nodes_.load(std::memory_order_relaxed); node != nullptr;
         node = node->next) {
      if (node->rests_in.load(std::memory_order_acquire) != this) return false;
    }
    return true;
  }

  [[nodiscard, gnu::cold, gnu::noinline]] Taken take_slowly() const {
    guard_.check("get", engine_name);
    ThreadNodes* const mine = ThreadNodes::of_this_thread();
    if (mine == nullptr) {
      const std::lock_guard lock(mutex_);
      return taken(take_unclaimed(false));
    }
    std::size_t busy = 0;
    ReadNode* resting = nullptr;
    ReadNode* shared = nullptr;
    for (ReadNode* const node : mine->all()) {
      if (node->pool != this) continue;
      if (node->rests_in.load(std::memory_order_acquire) == this) {
        resting = node;
        continue;
      }
      ++busy;
      if (node->holders.load(std::memory_order_relaxed) != 0) shared = node;
    }
    const bool counted = busy >= nodes_of_a_thread;
    if (counted && shared != nullptr) {
      if (join(*shared)) return taken(*shared);
      mine->unclaim(*shared);
    }
    if (resting != nullptr) return renew_claimed(*resting, counted);
    mine->make_room();
    const std::lock_guard lock(mutex_);
    ReadNode& node = take_unclaimed(counted);
    mine->claim(node);
    current_node = &node;
    return taken(node);
  }

  [[nodiscard]] static Taken taken(ReadNode& node) noexcept { return {&node, node.transaction}; }

  /// Takes a node that rests and that this thread has claimed.
  [[nodiscard]] Taken renew_claimed(ReadNode& node, bool counted) const {
    node.rests_in.store(nullptr, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    MDB_txn* const transaction = node.gate.load(std::memory_order_relaxed);
    if (transaction != nullptr) {
      renew(node);
    } else {
      node.rests_in.store(this, std::memory_order_release);
      const std::lock_guard lock(mutex_);
      refuse_where_lost();
      node.rests_in.store(nullptr, std::memory_order_relaxed);
      renew(node);
    }
    if (counted) count(node);
    current_node = &node;
    return taken(node);
  }

  /// Becomes one more holder of a node whose state is still the newest.
  [[nodiscard]] bool join(ReadNode& node) const noexcept {
    if (node.state != newest()) return false;
    std::uint32_t holders = node.holders.load(std::memory_order_relaxed);
    while (holders != 0) {
      if (node.holders.compare_exchange_weak(holders, holders + 1, std::memory_order_acq_rel)) {
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] ReadNode& take_unclaimed(bool counted) const {
    refuse_where_lost();
    ReadNode* node = nodes_.load(std::memory_order_relaxed);
    for (; node != nullptr; node = node->next) {
      if (node->claimed.load(std::memory_order_acquire)) continue;
      if (node->rests_in.load(std::memory_order_acquire) == this) break;
    }
    if (node != nullptr) {
      node->rests_in.store(nullptr, std::memory_order_relaxed);
      renew(*node);
    } else {
      node = &make();
    }
    if (counted) count(*node);
    return *node;
  }

  static void count(ReadNode& node) noexcept {
    node.state = mdb_txn_id(node.transaction);
    node.holders.store(1, std::memory_order_release);
  }

  void refuse_where_lost() const {
    if (!lost_) return;
    throw adapter_error(ErrorKind::poisoned,
                        "the memory map was lost while it grew; open the store anew", "get");
  }

  void renew(ReadNode& node) const {
    const int code = mdb_txn_renew(node.transaction);
    if (code == MDB_SUCCESS) return;
    node.rests_in.store(this, std::memory_order_release);
    throw engine_error(code, "get");
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
    node->pool = this;
    node->gate.store(node->transaction, std::memory_order_relaxed);
    node->next = nodes_.load(std::memory_order_relaxed);
    nodes_.store(node.get(), std::memory_order_release);
    size_.fetch_add(1, std::memory_order_relaxed);
    return *node.release();
  }

  /// The transactions are the parent's, as are their slots in the shared table: they are left
  /// alone.
  void forget_in_child() noexcept override {
    for (ReadNode* node = nodes_.load(std::memory_order_relaxed); node != nullptr;
         node = node->next) {
      node->gate.store(nullptr, std::memory_order_relaxed);
      node->rests_in.store(nullptr, std::memory_order_relaxed);
      node->transaction = nullptr;
      node->pool = nullptr;
    }
  }

  void register_for_barrier() noexcept {
#if defined(__linux__)
    has_barrier_ = ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
#endif
  }

  /// Makes every running thread of the process pass a memory barrier, so that readers need none.
  [[nodiscard]] static bool barrier() noexcept {
#if defined(__linux__)
    return ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
#else
    return false;
#endif
  }

  MDB_env* environment_;
  support::ForkGuard guard_;
  bool has_barrier_ = false;
  bool lost_ = false;  ///< guarded by `mutex_`
  std::atomic<std::uint64_t> newest_{0};
  mutable std::mutex mutex_;
  mutable std::atomic<ReadNode*> nodes_{nullptr};
  mutable std::atomic<std::uint32_t> size_{0};
};

}  // namespace varve::lmdb
