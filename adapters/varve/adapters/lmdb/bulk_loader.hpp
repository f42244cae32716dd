// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/commit_queue.hpp>
#include <varve/adapters/lmdb/cursor.hpp>
#include <varve/adapters/lmdb/engine.hpp>
#include <varve/adapters/lmdb/error.hpp>
#include <varve/adapters/lmdb/write_transaction.hpp>
#include <varve/adapters/lmdb/writer.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/durability.hpp>
#include <varve/concepts/error.hpp>
#include <varve/concepts/tree.hpp>

#include <lmdb.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace varve {

namespace lmdb {

/// A bulk load in progress. LMDB ties a writing transaction to the thread that began it, so it has
/// a thread of its own; records reach it in blocks, which it inserts while the next is filled.
class BulkLoad {
 public:
  BulkLoad(Engine& engine, Tree tree)
      : engine_(engine), name_(engine.existing(tree, "bulk_loader").name) {
    engine.check_writable("bulk_loader");
    place_ = std::make_unique<WriterPlace>(engine, "bulk_loader");
    engine.check_writable("bulk_loader");
    database_ = engine.existing(tree, "bulk_loader").database;
    filling_.reserve(block_bytes);
    waiting_.reserve(block_bytes);
    try {
      worker_ = std::thread([this] { work(); });
    } catch (const std::system_error& error) {
      throw adapter_error(ErrorKind::io, std::string("no thread for a bulk load: ") + error.what(),
                          "bulk_loader", name_);
    }
    note_user();
  }
  BulkLoad(const BulkLoad&) = delete;
  BulkLoad& operator=(const BulkLoad&) = delete;

  /// Without `finish` nothing is left behind.
  ~BulkLoad() {
    if (worker_.joinable()) end(Step::abort);
    give_up_place();
  }

  void put(BytesView key, BytesView value) {
    engine_.readers.fork_guard().check("bulk_loader", engine_name);
    if (finished_) refuse("the bulk loader has finished; make another");
    if (number_of_this_thread() != user_) note_user();
    check(key, value);
    const std::size_t size = 2 * sizeof(std::uint32_t) + key.size() + value.size();
    if (!filling_.empty() && filling_.size() + size > block_bytes) hand_over(Step::insert);
    append(static_cast<std::uint32_t>(key.size()));
    append(static_cast<std::uint32_t>(value.size()));
    filling_.append(key).append(value);
    previous_.assign(key);
  }

  [[nodiscard]] bool in_child() const noexcept { return engine_.readers.fork_guard().in_child(); }

  void finish() {
    engine_.readers.fork_guard().check("bulk_loader", engine_name);
    if (finished_) refuse("the bulk loader has finished already");
    finished_ = true;
    end(Step::commit);
    give_up_place();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  enum class Step { insert, commit, abort };

  static constexpr std::size_t block_bytes = 256U << 10U;

  [[noreturn]] void refuse(std::string message) const {
    throw adapter_error(ErrorKind::invalid_argument, std::move(message), "bulk_loader", name_);
  }

  void check(BytesView key, BytesView value) const {
    if (key.empty()) refuse("a key has at least one byte");
    if (key.size() > engine_.limits.max_key_bytes) {
      refuse("the key has " + std::to_string(key.size()) + " bytes and LMDB takes at most " +
             std::to_string(engine_.limits.max_key_bytes) + " (max_key_bytes)");
    }
    if (value.size() > engine_.limits.max_value_bytes) {
      refuse("the value has " + std::to_string(value.size()) + " bytes and LMDB takes at most " +
             std::to_string(engine_.limits.max_value_bytes) + " (max_value_bytes)");
    }
    if (key <= previous_) {
      refuse(
          "the keys of a bulk load ascend strictly, and this one does not; sort them, and keep "
          "one of each");
    }
  }

  void append(std::uint32_t number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    filling_.append(bytes, sizeof bytes);
  }

  void note_user() {
    user_ = number_of_this_thread();
    engine_.queue.set_loader(user_);
  }

  void give_up_place() {
    if (place_ == nullptr) return;
    engine_.queue.set_loader(0);
    place_.reset();
  }

  /// Gives the filled block to the worker, once it is done with the one before; throws what that
  /// met.
  void hand_over(Step step) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !handed_over_; });
    if (failure_ && step == Step::insert) std::rethrow_exception(failure_);
    std::swap(filling_, waiting_);
    filling_.clear();
    step_ = step;
    handed_over_ = true;
    changed_.notify_all();
  }

  void end(Step step) {
    hand_over(step);
    worker_.join();
  }

  // The worker's side.

  void work() noexcept {
    try {
      engine_.readers.retire();
      WriteTransaction transaction(engine_.environment.get(), Durability::synced);
      load(transaction);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
    if (full_) static_cast<void>(grow_map(engine_, 2 * engine_.environment.map_bytes(), patience));
    // After a failure blocks are taken and dropped until the end.
    while (!ended_) {
      done_with_block();
      wait_for_block();
    }
  }

  void load(WriteTransaction& transaction) {
    MDB_cursor* opened = nullptr;
    check_code(mdb_cursor_open(transaction.get(), database_, &opened));
    CursorHandle cursor(opened);
    std::string last;
    MDB_val key{};
    MDB_val value{};
    const int code = mdb_cursor_get(opened, &key, &value, MDB_LAST);
    if (code == MDB_SUCCESS) last = to_view(key);
    if (code != MDB_NOTFOUND) check_code(code);
    for (;; done_with_block()) {
      wait_for_block();
      if (step_ == Step::abort) return;
      insert(opened, last);
      if (step_ == Step::commit) break;
    }
    cursor.reset();
    const std::uint64_t number = transaction.number();
    const int result = transaction.commit();
    check_code(result);
    committed(engine_, number, Durability::synced, 1);
  }

  /// Past the last key that the tree had, LMDB is told that each key comes after all others: it
  /// neither searches nor splits, and fills its pages.
  void insert(MDB_cursor* cursor, const std::string& last) {
    for (const char *at = waiting_.data(), *const end = at + waiting_.size(); at != end;) {
      std::uint32_t sizes[2];
      std::memcpy(sizes, at, sizeof sizes);
      at += sizeof sizes;
      const BytesView key_bytes(at, sizes[0]);
      at += sizes[0];
      const BytesView value_bytes(at, sizes[1]);
      at += sizes[1];
      MDB_val key = to_value(key_bytes);
      MDB_val value = to_value(value_bytes);
      if (!appends_) appends_ = last.empty() || key_bytes > last;
      check_code(mdb_cursor_put(cursor, &key, &value, appends_ ? MDB_APPEND : 0U));
    }
  }

  void check_code(int code) {
    full_ = code == MDB_MAP_FULL;
    if (code != MDB_SUCCESS) throw failed_commit(engine_, code, "bulk_loader");
  }

  void wait_for_block() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return handed_over_; });
    if (step_ != Step::insert) ended_ = true;
  }

  void done_with_block() {
    const std::lock_guard lock(mutex_);
    handed_over_ = false;
    changed_.notify_all();
  }

  Engine& engine_;
  const std::string name_;
  MDB_dbi database_ = no_database;
  std::unique_ptr<WriterPlace> place_;
  std::uint64_t user_ = 0;
  std::thread worker_;
  bool finished_ = false;
  std::string previous_;
  std::string filling_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool handed_over_ = false;
  Step step_ = Step::insert;
  std::string waiting_;
  std::exception_ptr failure_;

  bool full_ = false;     ///< the worker's own
  bool ended_ = false;    ///< the worker's own
  bool appends_ = false;  ///< the worker's own
};

}  // namespace lmdb

/// Takes records of one tree in ascending order, as `bulk_loader` hands it out. It may be moved
/// between threads. While it lives, everybody else who writes waits, and the thread that uses it
/// gets `busy`.
class LmdbBulkLoader {
 public:
  LmdbBulkLoader(lmdb::Engine& engine, Tree tree)
      : load_(std::make_unique<lmdb::BulkLoad>(engine, tree)) {}

  LmdbBulkLoader(LmdbBulkLoader&&) noexcept = default;
  LmdbBulkLoader& operator=(LmdbBulkLoader&& other) noexcept {
    const LmdbBulkLoader old(std::move(*this));
    load_ = std::move(other.load_);
    return *this;
  }
  ~LmdbBulkLoader() {
    // A child of fork() has not the thread that would have to be waited for.
    if (load_ != nullptr && load_->in_child()) static_cast<void>(load_.release());
  }

  /// Throws `invalid_argument` for a key that is not after the one before, or too long.
  void put(BytesView key, BytesView value) { load_->put(key, value); }

  /// Makes everything visible and durable, or throws and leaves nothing behind.
  void finish() { load_->finish(); }

 private:
  std::unique_ptr<lmdb::BulkLoad> load_;
};

}  // namespace varve
