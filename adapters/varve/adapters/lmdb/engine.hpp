// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/commit_queue.hpp>
#include <varve/adapters/lmdb/environment.hpp>
#include <varve/adapters/lmdb/error.hpp>
#include <varve/adapters/lmdb/options.hpp>
#include <varve/adapters/lmdb/readers.hpp>
#include <varve/adapters/lmdb/tree_table.hpp>
#include <varve/adapters/support/directory_lock.hpp>
#include <varve/adapters/support/private_directory.hpp>
#include <varve/concepts/error.hpp>
#include <varve/concepts/limits.hpp>
#include <varve/concepts/tree.hpp>

#include <lmdb.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <string>

namespace varve::lmdb {

/// How long a writer waits for those who hold values, scans and snapshots, before it gives up what
/// needs them gone.
inline constexpr auto patience = std::chrono::seconds(1);

/// What all parts of an open LMDB store share, in the order in which it is opened.
struct Engine {
  Engine(const std::string& at, const LmdbOptions& given)
      : options(given),
        lock((support::make_private_directory(at, engine_name), at), engine_name),
        environment(at, given),
        readers(this, environment.get(), environment.last_transaction()),
        limits{
            .max_key_bytes = static_cast<std::uint64_t>(mdb_env_get_maxkeysize(environment.get())),
            .max_value_bytes = std::numeric_limits<std::uint32_t>::max(),
            .max_batch_bytes = std::numeric_limits<std::uint64_t>::max()} {}
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Brings to disk what was written as buffered. A destructor cannot tell of a failure; who must
  /// know calls `flush`.
  ~Engine() {
    if (unsynced() && !poisoned) mdb_env_sync(environment.get(), 1);
  }

  void check_writable(const char* operation) const {
    readers.fork_guard().check(operation, engine_name);
    if (!poisoned.load(std::memory_order_acquire)) return;
    throw adapter_error(ErrorKind::poisoned,
                        "an earlier write or sync failed, so what is on disk is not known; close "
                        "the store and open it anew",
                        operation);
  }

  /// Whether something that was written as buffered may not be on disk yet.
  [[nodiscard]] bool unsynced() const noexcept { return last_synced < last_buffered; }

  /// Brings to disk what was written as buffered. After a failure nobody knows what is there.
  void sync(const char* operation) {
    const std::uint64_t buffered = last_buffered;
    const int code = mdb_env_sync(environment.get(), 1);
    if (code != MDB_SUCCESS) {
      poisoned = true;
      throw engine_error(code, operation);
    }
    std::uint64_t synced = last_synced;
    while (synced < buffered && !last_synced.compare_exchange_weak(synced, buffered)) {
    }
  }

  /// The tree, or `invalid_argument` where it is not there (any more).
  const TreeRecord& existing(Tree tree, const char* operation) const {
    const TreeRecord* const record = trees.find(tree);
    if (record != nullptr && record->alive()) return *record;
    refuse_tree(tree, record != nullptr, operation);
  }

  [[noreturn, gnu::cold]] void refuse_tree(Tree tree, bool was, const char* operation) const {
    throw adapter_error(ErrorKind::invalid_argument,
                        was ? "the tree #" + std::to_string(tree.id()) +
                                  " is not there in this state; it was dropped, or made later"
                            : "no tree has the id " + std::to_string(tree.id()) +
                                  "; get it from open_tree or find_tree",
                        operation, trees.label(tree));
  }

  const LmdbOptions options;
  support::DirectoryLock lock;
  Environment environment;
  Readers readers;
  const Limits limits;
  TreeTable trees;
  CommitQueue queue;

  std::atomic<bool> poisoned{false};
  std::atomic<std::uint64_t> last_buffered{0};  ///< the last transaction written as buffered
  std::atomic<std::uint64_t> last_synced{0};    ///< a transaction that is on disk, with all before
  std::atomic<std::uint64_t> drops{0};
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> batches{0};
  std::atomic<std::uint64_t> map_growths{0};
};

/// The writer's place in the queue, held alone; given up at the end.
class WriterPlace {
 public:
  WriterPlace(Engine& engine, const char* operation) : engine_(engine) {
    static_cast<void>(engine.queue.enter(request_, operation));
  }
  WriterPlace(const WriterPlace&) = delete;
  WriterPlace& operator=(const WriterPlace&) = delete;
  ~WriterPlace() { engine_.queue.leave(&request_); }

 private:
  Engine& engine_;
  WriteRequest request_;
};

}  // namespace varve::lmdb
