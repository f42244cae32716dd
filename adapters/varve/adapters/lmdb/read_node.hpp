// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <lmdb.h>

#include <atomic>
#include <cstdint>
#include <limits>

namespace varve::lmdb {

/// The number of no transaction.
inline constexpr std::uint64_t no_state = std::numeric_limits<std::uint64_t>::max();

/// One reading transaction, kept over its uses. It belongs to one engine, and at most one thread
/// claims it, which then takes it without asking anybody. At rest it keeps its place in the state
/// that it read last: who takes it while that is still the newest has nothing to renew, and LMDB
/// need not look up the tree again. Writers reset those that rest in older states.
///
/// In use it has one exclusive holder (`holders` is 0) or is counted (`holders` is their number).
/// A counted one may be given back by several threads, but only one reads through it. Where the
/// system has no `MemoryBarrier`, every use is counted, and the last holder resets the node.
struct alignas(64) ReadNode {
  /// The engine while the node is at rest; null while it is in use.
  std::atomic<const void*> rests_in{nullptr};

  /// The transaction whose state it reads. `no_state` where it must be renewed first, and while
  /// readers are held off, so that the fast path asks one question for both.
  std::atomic<std::uint64_t> state{no_state};

  std::atomic<std::uint32_t> holders{0};

  /// The transaction, and where the node goes back to. Both null once the engine is closed and in a
  /// child of `fork()`, where giving back has no effect.
  MDB_txn* transaction = nullptr;
  const void* engine = nullptr;

  /// Whether the transaction keeps pages from being used again: false once it has been reset.
  std::atomic<bool> renewed{false};

  /// Whether it is reset whenever it is given back, for want of a way to reset it later.
  bool resets = false;

  std::atomic<bool> claimed{false};      ///< by a thread
  std::atomic<std::uint32_t> owners{1};  ///< the engine and the claiming thread
  ReadNode* next = nullptr;              ///< of the engine, whose list only grows
};

/// What a moved-from owner gives back, and what a thread that has not read yet would take.
inline constinit ReadNode no_node{};

/// The node that this thread used last.
inline constinit thread_local ReadNode* current_node = &no_node;

[[gnu::cold, gnu::noinline]] inline void give_back_counted(ReadNode& node) noexcept {
  if (&node == &no_node) return;
  if (node.holders.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (node.resets) {
    mdb_txn_reset(node.transaction);
    node.renewed.store(false, std::memory_order_relaxed);
  }
  node.rests_in.store(node.engine, std::memory_order_release);
}

/// Ends one holder's use of a node.
inline void give_back(ReadNode& node) noexcept {
  if (node.holders.load(std::memory_order_acquire) != 0) [[unlikely]] {
    give_back_counted(node);
  } else {
    node.rests_in.store(node.engine, std::memory_order_release);
  }
}

/// Makes a node counted that its caller holds alone.
inline void begin_counting(ReadNode& node) noexcept {
  node.holders.store(1, std::memory_order_relaxed);
}

inline void add_holder(ReadNode& node) noexcept {
  node.holders.fetch_add(1, std::memory_order_relaxed);
}

inline void drop_owner(ReadNode& node) noexcept {
  if (node.owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete &node;
}

/// Holds a node in use, and gives it back.
class ReadHold {
 public:
  ReadHold() noexcept = default;
  explicit ReadHold(ReadNode& node) noexcept : node_(&node) {}

  ReadHold(ReadHold&& other) noexcept : node_(other.node_) { other.node_ = nullptr; }
  ReadHold& operator=(ReadHold&& other) noexcept {
    ReadNode* const taken = other.node_;
    other.node_ = nullptr;
    reset();
    node_ = taken;
    return *this;
  }
  ReadHold(const ReadHold&) = delete;
  ReadHold& operator=(const ReadHold&) = delete;
  ~ReadHold() { reset(); }

  void reset() noexcept {
    if (node_ != nullptr) give_back(*node_);
    node_ = nullptr;
  }

  [[nodiscard]] explicit operator bool() const noexcept { return node_ != nullptr; }
  [[nodiscard]] ReadNode& operator*() const noexcept { return *node_; }
  [[nodiscard]] ReadNode* operator->() const noexcept { return node_; }

 private:
  ReadNode* node_ = nullptr;
};

}  // namespace varve::lmdb
