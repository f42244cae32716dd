// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/catalogue.hpp>
#include <varve/adapters/lmdb/commit_queue.hpp>
#include <varve/adapters/lmdb/engine.hpp>
#include <varve/adapters/lmdb/error.hpp>
#include <varve/adapters/lmdb/write_transaction.hpp>
#include <varve/concepts/durability.hpp>
#include <varve/concepts/error.hpp>
#include <varve/concepts/tree.hpp>
#include <varve/concepts/write_batch.hpp>

#include <lmdb.h>

#include <cerrno>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <vector>

namespace varve::lmdb {

/// What a code of a failed transaction leaves behind.
///
/// Where the disk or the map is full, or LMDB refused something before it wrote, the transaction
/// never was. Where a sync failed, pages may be lost that LMDB believes written: nothing may be
/// written on top of that. Where the last page failed, LMDB itself refuses everything (MDB_PANIC)
/// and nobody knows whether the transaction is there.
[[nodiscard]] inline Error failed_commit(Engine& engine, int code, BytesView operation) {
  MDB_txn* probe = nullptr;
  const int after = mdb_txn_begin(engine.environment.get(), nullptr, MDB_RDONLY, &probe);
  if (after == MDB_SUCCESS) mdb_txn_abort(probe);
  if (after == MDB_PANIC) {
    engine.poisoned = true;
    return {ErrorKind::indeterminate,
            {.message = "the last step of the commit failed, so the write may or may not have "
                        "happened; close the store and open it anew to see",
             .operation = std::string(operation),
             .layer = std::string(engine_name),
             .engine_code = code,
             .engine_text = text_of(code)}};
  }
  // LMDB says EIO where the disk took a part of a write, which is how most disks fill up.
  if (code == EIO && engine.environment.out_of_space()) code = ENOSPC;
  const bool left_nothing = code < 0 || code == ENOMEM || kind_of(code) == ErrorKind::no_space;
  if (!left_nothing) engine.poisoned = true;
  return engine_error(code, operation);
}

/// Notes a transaction that has been committed.
inline void committed(Engine& engine, std::uint64_t number, Durability durability,
                      std::uint64_t batches) {
  engine.commits.fetch_add(1, std::memory_order_relaxed);
  engine.batches.fetch_add(batches, std::memory_order_relaxed);
  if (engine.environment.last_transaction() == number) {
    engine.readers.raise_newest(number);
    (durability == Durability::buffered ? engine.last_buffered : engine.last_synced) = number;
  } else if (durability == Durability::synced && engine.unsynced()) {
    // The batches changed nothing, so LMDB wrote nothing and synced nothing.
    engine.sync("write");
  }
}

/// Makes the map larger if nobody reads, within `wait`. Called in the writer's place, outside a
/// transaction.
[[nodiscard]] inline bool grow_map(Engine& engine, std::uint64_t bytes,
                                   std::chrono::milliseconds wait) {
  bool grown = false;
  const bool quiet =
      engine.readers.while_quiet(wait, [&] { grown = engine.environment.grow(bytes); });
  if (grown) engine.map_growths.fetch_add(1, std::memory_order_relaxed);
  return quiet && grown;
}

/// Applies write requests, in groups.
class Writer {
 public:
  explicit Writer(Engine& engine) noexcept : engine_(engine) {}

  /// Returns when the request is done; throws what made it fail.
  void write(WriteRequest& request) {
    engine_.check_writable("write");
    check(request);
    if (request.batch->empty() && request.dropped.empty()) return write_nothing(request.durability);
    if (engine_.queue.enter(request, "write")) {
      engine_.queue.gather(request);
      const Leave leave{engine_.queue, &request};
      lead(request);
    }
    if (request.failure) std::rethrow_exception(request.failure);
  }

 private:
  struct Leave {
    CommitQueue& queue;
    WriteRequest* group;
    ~Leave() { queue.leave(group); }
  };

  /// What was written before must be on disk all the same.
  void write_nothing(Durability durability) const {
    if (durability == Durability::synced && engine_.unsynced()) engine_.sync("write");
  }

  /// Refuses what cannot be written, before anything is.
  void check(WriteRequest& request) const {
    request.drops_seen = engine_.drops.load(std::memory_order_acquire);
    const std::uint64_t longest = engine_.limits.max_key_bytes;
    const TreeRecord* last = nullptr;
    for (const WriteOp& op : *request.batch) {
      if (last == nullptr || last->tree != op.tree) last = &engine_.existing(op.tree, "write");
      if (op.kind != WriteOpKind::put || op.key.size() <= longest) continue;
      throw adapter_error(ErrorKind::invalid_argument,
                          "the key has " + std::to_string(op.key.size()) +
                              " bytes and LMDB takes at most " + std::to_string(longest) +
                              " (max_key_bytes); shorten it, or hash the part beyond",
                          "write", last->name);
    }
    for (const Tree tree : request.dropped) engine_.existing(tree, "write_and_drop");
  }

  /// Applies a group in one transaction; where that fails, each batch in its own, so that none
  /// fails for what another did.
  void lead(WriteRequest& group) noexcept {
    refuse_dropped(group);
    if (run(&group, nullptr) || group.next == nullptr || engine_.poisoned) return;
    for (WriteRequest* request = &group; request != nullptr; request = request->next) {
      if (!request->refused) static_cast<void>(run(request, request->next));
    }
  }

  /// Trees may have been dropped since the batches were checked.
  void refuse_dropped(WriteRequest& group) noexcept {
    const std::uint64_t drops = engine_.drops.load(std::memory_order_acquire);
    for (WriteRequest* request = &group; request != nullptr; request = request->next) {
      if (request->drops_seen == drops) continue;
      try {
        check(*request);
      } catch (...) {
        request->refused = true;
        request->failure = std::current_exception();
      }
    }
  }

  /// Runs the requests from `first` to before `end` in one transaction; on failure each has it.
  [[nodiscard]] bool run(WriteRequest* first, const WriteRequest* end) noexcept {
    std::exception_ptr failure;
    try {
      engine_.check_writable("write");
      commit(first, end);
    } catch (...) {
      failure = std::current_exception();
    }
    for (WriteRequest* request = first; request != end; request = request->next) {
      if (!request->refused) request->failure = failure;
    }
    return failure == nullptr;
  }

  void commit(WriteRequest* first, const WriteRequest* end) {
    for (bool cleared = false;;) {
      const int code = try_commit(first, end);
      if (code == MDB_SUCCESS) break;
      if (code != MDB_MAP_FULL) throw failed_commit(engine_, code, "write");
      // Readers that died keep pages from being used again.
      int dead = 0;
      if (!cleared && mdb_reader_check(engine_.environment.get(), &dead) == MDB_SUCCESS) {
        cleared = true;
        if (dead != 0) continue;
      }
      if (!grow_map(engine_, engine_.environment.map_bytes() + 1, patience)) {
        throw engine_error(code, "write", {},
                           "the memory map of " + std::to_string(engine_.environment.map_bytes()) +
                               " bytes is full and could not grow; release held values, scans and "
                               "snapshots, or open the store with a larger LmdbOptions::map_bytes");
      }
    }
    grow_early();
  }

  /// While nobody reads is a good time to grow.
  void grow_early() {
    const std::uint64_t map = engine_.environment.map_bytes();
    if (engine_.environment.used_bytes() < map / 2) return;
    static_cast<void>(grow_map(engine_, map + 1, std::chrono::milliseconds(0)));
  }

  [[nodiscard]] int try_commit(WriteRequest* first, const WriteRequest* end) {
    Durability durability = Durability::buffered;
    std::uint64_t batches = 0;
    for (const WriteRequest* at = first; at != end; at = at->next) {
      if (at->refused) continue;
      ++batches;
      if (at->durability == Durability::synced) durability = Durability::synced;
    }
    if (batches == 0) return MDB_SUCCESS;
    engine_.readers.retire();
    WriteTransaction transaction(engine_.environment.get(), durability);
    const std::uint64_t number = transaction.number();
    for (const WriteRequest* at = first; at != end; at = at->next) {
      if (at->refused) continue;
      const int code = transaction.apply(*at->batch, engine_.trees);
      if (code != MDB_SUCCESS) return code;
    }
    if (!first->dropped.empty()) return commit_drops(transaction, *first, number);
    const int code = transaction.commit();
    if (code == MDB_SUCCESS) committed(engine_, number, durability, batches);
    return code;
  }

  [[nodiscard]] int commit_drops(WriteTransaction& transaction, const WriteRequest& request,
                                 std::uint64_t number) {
    // Deleting the databases would close them under older states; they are emptied, and deleted
    // when the store is opened the next time.
    const auto catalogue = Catalogue::open(transaction.get(), MDB_CREATE);
    for (const Tree tree : request.dropped) {
      const TreeRecord& record = engine_.existing(tree, "write_and_drop");
      if (const int code = transaction.clear(record.database); code != MDB_SUCCESS) return code;
      catalogue->store_dropped(tree.number(), record.name);
    }
    std::vector<Tree> removed;
    removed.reserve(request.dropped.size());
    for (const Tree tree : request.dropped) {
      if (!engine_.trees.find(tree)->alive()) continue;
      engine_.trees.remove(tree, number);
      removed.push_back(tree);
    }
    const int code = transaction.commit();
    if (code != MDB_SUCCESS) {
      for (const Tree tree : removed) engine_.trees.restore(tree);
      return code;
    }
    catalogue->close(engine_.environment.get());
    committed(engine_, number, request.durability, 1);
    engine_.drops.fetch_add(1, std::memory_order_release);
    return MDB_SUCCESS;
  }

  Engine& engine_;
};

}  // namespace varve::lmdb
