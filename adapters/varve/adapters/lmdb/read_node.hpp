// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <lmdb.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace varve::lmdb {

class Readers;

/// One reading transaction, kept over its uses: renewed when it is taken, reset when it is given
/// back. It belongs to the pool of an engine, and at most one thread claims it, which then takes it
/// without asking anybody.
///
/// In use it has one exclusive holder (`holders` is 0) or is counted (`holders` is their number).
/// A counted one may be given back by several threads, but only the thread that took it reads
/// through it.
struct alignas(64) ReadNode {
  /// The pool while the node is at rest; null while it is in use.
  std::atomic<const Readers*> rests_in{nullptr};

  /// What is renewed. Null while readers are held off, when the engine is closed, and in a child of
  /// `fork()`, so that LMDB itself turns the taker away and the fast path asks nothing.
  std::atomic<MDB_txn*> gate{nullptr};

  std::atomic<std::uint32_t> holders{0};

  /// The transaction, and where the node goes back to. Both null once the engine is closed and in a
  /// child of `fork()`, where giving back has no effect.
  MDB_txn* transaction = nullptr;
  const Readers* pool = nullptr;

  std::uint64_t state = 0;               ///< the transaction it reads, where it is counted
  std::atomic<bool> claimed{false};      ///< by a thread
  std::atomic<std::uint32_t> owners{1};  ///< the pool and the claiming thread
  ReadNode* next = nullptr;              ///< in the pool, whose list only grows
};

/// What a moved-from owner gives back, and what a thread that has not read yet would take.
inline constinit ReadNode no_node{};

/// The node that this thread used last.
inline constinit thread_local ReadNode* current_node = &no_node;

[[gnu::cold, gnu::noinline]] inline void give_back_counted(ReadNode& node) noexcept {
  if (&node == &no_node) return;
  if (node.holders.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  mdb_txn_reset(node.transaction);
  node.rests_in.store(node.pool, std::memory_order_release);
}

/// Ends one holder's use of a node.
inline void give_back(ReadNode& node) noexcept {
  if (node.holders.load(std::memory_order_acquire) != 0) [[unlikely]] {
    give_back_counted(node);
    return;
  }
  mdb_txn_reset(node.transaction);
  node.rests_in.store(node.pool, std::memory_order_release);
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
