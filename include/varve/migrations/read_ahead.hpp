// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/run_options.hpp>
#include <varve/tools/record_block.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace varve::detail {

/// Records of a tree in blocks, and what `prepare(records, prepared)` has made
/// of them.
///
/// `options.workers` threads read and prepare blocks ahead of the one that
/// takes them, which takes them in order; where there are none, or one block
/// holds all, that one does it. The blocks are the same for any number of
/// threads. Each is read by a scan of its own, so that no state of the store is
/// held for long, and there is one more of them in memory than there are
/// threads.
template <KvEngine E, class Prepared, class Prepare>
class ReadAhead {
 public:
  struct Block {
    RecordBlock records{};
    Prepared prepared{};
  };

  /// The records behind `place` in the order of their keys, or, descending,
  /// those in front of it; all, where it is empty. `prepare` is called from
  /// several threads at once.
  ReadAhead(const E& engine, Tree tree, std::string place, Order order, const RunOptions& options,
            Prepare prepare)
      : engine_(engine),
        tree_(tree),
        place_(std::move(place)),
        order_(order),
        options_(options),
        prepare_(std::move(prepare)),
        slots_(options.workers + 1) {}

  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  ~ReadAhead() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  /// The next block, which is the caller's until the next call; null behind the
  /// last. Throws what was thrown where it was read or prepared.
  [[nodiscard]] Block* next() {
    std::unique_lock lock(mutex_);
    if (begun_ != 0) {
      slot(taken_).ready = false;
      ++taken_;
      if (workers_.empty() && !ended_) start_workers();
      changed_.notify_all();
    }
    if (workers_.empty() && !ended_) make(lock);
    Slot& wanted = slot(taken_);
    changed_.wait(lock, [&] { return wanted.ready || (ended_ && taken_ >= begun_); });
    if (!wanted.ready) return nullptr;
    if (wanted.failure) std::rethrow_exception(wanted.failure);
    return wanted.block.records.empty() ? nullptr : &wanted.block;
  }

 private:
  struct Slot {
    Block block{};
    std::exception_ptr failure{};
    bool ready = false;
  };

  [[nodiscard]] Slot& slot(std::size_t number) { return slots_[number % slots_.size()]; }

  void start_workers() {
    try {
      while (workers_.size() + 1 < slots_.size()) workers_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      // Without a thread, or with fewer of them, it takes longer.
    }
  }

  void work() noexcept {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock,
                    [this] { return ended_ || (!reading_ && begun_ < taken_ + slots_.size()); });
      if (ended_) return;
      make(lock);
    }
  }

  /// Makes the next block, with the lock given up meanwhile.
  void make(std::unique_lock<std::mutex>& lock) {
    Slot& made = slot(begun_++);
    reading_ = true;
    lock.unlock();
    made.failure = nullptr;
    bool more = false;
    attempt(made, [&] { more = read(made.block.records); });
    lock.lock();
    reading_ = false;
    ended_ = ended_ || !more;
    lock.unlock();
    changed_.notify_all();
    if (!made.failure) attempt(made, [&] { prepare_(made.block.records, made.block.prepared); });
    lock.lock();
    made.ready = true;
    changed_.notify_all();
  }

  template <class Act>
  static void attempt(Slot& made, Act&& act) noexcept {
    try {
      act();
    } catch (...) {
      made.failure = std::current_exception();
    }
  }

  /// Answers whether there are more behind those of the block.
  bool read(RecordBlock& block) {
    block.clear();
    std::size_t taken = 0;
    std::size_t last = 0;
    const std::string bound =
        place_.empty() || order_ == Order::descending ? place_ : place_ + '\0';
    const KeyRange range = order_ == Order::ascending ? KeyRange::from(bound)
                           : bound.empty()            ? KeyRange::all()
                                                      : KeyRange::between({}, bound);
    for (auto scan = engine_.scan(tree_, range, order_); scan.valid(); scan.next()) {
      const bool full =
          taken >= options_.batch_records || block.bytes().size() >= options_.batch_bytes;
      if (full && taken != 0) return move_on(block, last);
      const Entry entry = scan.entry();
      last = block.bytes().size();
      block.add(entry.key, entry.value);
      ++taken;
    }
    return false;
  }

  /// The next block begins behind the record at `last` of this one.
  bool move_on(const RecordBlock& block, std::size_t last) {
    place_.assign(RecordBlock::Reader(block.bytes().substr(last)).entry().key);
    return true;
  }

  const E& engine_;
  Tree tree_;
  std::string place_;  ///< belongs to the thread that reads
  Order order_;
  const RunOptions& options_;
  Prepare prepare_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Slot> slots_;
  std::size_t begun_ = 0;  ///< blocks that were begun to be read
  std::size_t taken_ = 0;  ///< the number of the one that the caller has, or waits for
  bool reading_ = false;
  bool ended_ = false;  ///< no further block is to be begun
  std::vector<std::thread> workers_;
};

}  // namespace varve::detail
