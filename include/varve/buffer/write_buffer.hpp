// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/buffer/options.hpp>
#include <varve/buffer/reader_pins.hpp>
#include <varve/buffer/version.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/io/own_process.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace varve::detail {

/// Keeps batches in tables, and hands the tables down one after another, each as one batch: by a
/// thread of its own or by whoever cannot wait for it.
///
/// Every operation has a number. `visible_` is the last that readers see, `handed_` the last that
/// the layer below has, `started_` the last that it may have.
template <KvEngine Next>
class WriteBuffer {
 public:
  WriteBuffer(Next& next, const BufferedOptions& options) : next_(next), options_(options) {
    options_.waiting_tables = std::max<std::size_t>(options_.waiting_tables, 1);
    owner_ = std::make_shared<const BufferVersion>(BufferVersion::Tables{fresh_table()});
    current_.store(owner_.get());
    worker_ = std::thread([this] { work(); });
  }
  WriteBuffer(const WriteBuffer&) = delete;
  WriteBuffer& operator=(const WriteBuffer&) = delete;

  ~WriteBuffer() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    work_.notify_all();
    worker_.join();
    try {
      flush();
    } catch (...) {
      // Whoever has to know calls flush; a log above still has it all.
    }
  }

  [[nodiscard]] const BufferedOptions& options() const noexcept { return options_; }
  [[nodiscard]] std::uint64_t memory_bytes() const noexcept { return memory_->load(); }

  /// Whether this is the copy that a child of `fork()` has. It must not be destroyed: there is no
  /// thread to join, and who held a lock will never let it go.
  [[nodiscard]] bool in_child() const noexcept { return process_.left(); }

  // Reading

  /// Whether the layer below has all that this thread can have seen.
  [[nodiscard]] bool empty() const noexcept {
    const std::uint64_t visible = visible_.load();
    return handed_.load() >= visible;
  }

  /// Calls `use(finding)` with what the tables know of the key, while they cannot go.
  template <class Use>
  auto find(Tree tree, BytesView key, Use use) const {
    const ReaderPins::Pin pin(pins_);
    const std::uint64_t visible = visible_.load();
    return use(find_in(*current_.load(), visible, tree, key));
  }

  [[nodiscard]] BufferView view() const {
    const ReaderPins::Pin pin(pins_);
    const std::uint64_t visible = visible_.load();
    return {current_.load()->shared_from_this(), visible};
  }

  /// A view, and what `read_below(view)` reads of the layer below, that are of one state: nothing
  /// that is not in the view came below meanwhile. A table of the view that did so does no harm, it
  /// says the same twice.
  template <class ReadBelow>
  auto read_with_view(ReadBelow read_below) const {
    if (empty()) return read_below(BufferView{});
    for (int tries = 0; tries != 8; ++tries) {
      BufferView seen = view();
      const std::uint64_t sequence = seen.sequence;
      auto result = read_below(std::move(seen));
      if (started_.load() <= sequence) return result;
    }
    process_.check("read", "buffered");
    const std::lock_guard still(handing_);
    return read_below(view());
  }

  // Writing

  void write(const WriteBatch& batch, Durability durability) {
    process_.check("write", "buffered");
    check_limits(batch, next_.limits(), "write", "buffered");
    std::uint64_t mine = 0;
    {
      std::unique_lock lock(mutex_);
      make_room(lock, batch);
      check_trees(batch);
      if (batch.empty()) return;
      MemoryTable& table = active();
      const bool first = table.empty();
      table.add(batch, last_ + 1);
      mine = last_ += batch.count();
      visible_.store(mine);
      if (first) born_ = Clock::now();
      if (first || full(table)) work_.notify_one();
    }
    if (durability == Durability::buffered) return;
    try {
      hand_down(mine);
    } catch (const std::exception& failure) {
      throw Error(ErrorKind::indeterminate,
                  {.message = "the batch is seen, but could not be handed down to disk; it may or "
                              "may not be there after reopening, and until then the store answers "
                              "reads and refuses writes",
                   .operation = "write",
                   .layer = "buffered",
                   .engine_text = failure.what()});
    }
  }

  /// Hands down all that is visible when it is called.
  void flush() {
    process_.check("flush", "buffered");
    hand_down(visible_.load());
  }

  /// Does `act()` to the layer below when that has everything, while writers wait.
  template <class Act>
  void alone(const char* operation, Act act) {
    process_.check(operation, "buffered");
    const std::lock_guard handing(handing_);
    const Gate gate(*this);
    hand_down_locked(visible_.load());
    {
      const std::lock_guard lock(mutex_);
      check_writable();
      ++last_;
      started_.store(last_);
      visible_.store(last_);
      handed_.store(last_);
      known_trees_.clear();
    }
    act();
  }

 private:
  using Clock = std::chrono::steady_clock;

  static constexpr std::size_t max_range_erases = 256;

  /// While it lives no batch is taken.
  struct Gate {
    explicit Gate(WriteBuffer& of) : buffer(of) {
      const std::lock_guard lock(buffer.mutex_);
      buffer.closed_ = true;
    }
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;
    ~Gate() {
      {
        const std::lock_guard lock(buffer.mutex_);
        buffer.closed_ = false;
      }
      buffer.room_.notify_all();
    }
    WriteBuffer& buffer;
  };

  [[nodiscard]] std::shared_ptr<MemoryTable> fresh_table() const {
    return std::make_shared<MemoryTable>(memory_);
  }

  // Under mutex_

  [[nodiscard]] MemoryTable& active() const noexcept { return *owner_->tables.front(); }
  [[nodiscard]] std::size_t waiting() const noexcept { return owner_->tables.size() - 1; }

  [[nodiscard]] bool full(const MemoryTable& table) const noexcept {
    return table.batch_bytes() >= options_.capacity_bytes ||
           table.range_erases() >= max_range_erases;
  }

  void publish(BufferVersion::Tables tables) {
    auto version = std::make_shared<const BufferVersion>(std::move(tables));
    current_.store(version.get());
    std::swap(owner_, version);
    pins_.wait();
  }

  /// The active table takes nothing more; a fresh one does.
  void seal() {
    BufferVersion::Tables tables{fresh_table()};
    tables.insert(tables.end(), owner_->tables.begin(), owner_->tables.end());
    publish(std::move(tables));
  }

  void make_room(std::unique_lock<std::mutex>& lock, const WriteBatch& batch) {
    const std::uint64_t most = next_.limits().max_batch_bytes;
    for (;;) {
      check_writable();
      const MemoryTable& table = active();
      const bool fits =
          table.empty() || (!full(table) && batch.bytes().size() <= most - table.batch_bytes());
      if (!closed_ && fits) return;
      if (!closed_ && waiting() < options_.waiting_tables) {
        seal();
        work_.notify_one();
        continue;
      }
      room_.wait(lock);
    }
  }

  void check_trees(const WriteBatch& batch) {
    Tree good;
    bool any = false;
    for (const WriteOp op : batch) {
      if (any && op.tree == good) continue;
      check_tree(op.tree);
      good = op.tree;
      any = true;
    }
  }

  void check_tree(Tree tree) {
    if (std::binary_search(known_trees_.begin(), known_trees_.end(), tree)) return;
    known_trees_.clear();
    for (const TreeInfo& info : next_.trees()) known_trees_.push_back(info.tree);
    std::sort(known_trees_.begin(), known_trees_.end());
    if (std::binary_search(known_trees_.begin(), known_trees_.end(), tree)) return;
    throw Error(ErrorKind::invalid_argument,
                {.message = "there is no such tree; open_tree gives one by its name",
                 .operation = "write",
                 .tree = "#" + std::to_string(tree.id()),
                 .layer = "buffered"});
  }

  void check_writable() const {
    if (!poisoned_) return;
    throw Error(ErrorKind::poisoned,
                {.message = "what was written earlier could not be handed down, so nothing more is "
                            "taken; it is still read, but not on disk: mend the cause and open the "
                            "store again",
                 .operation = "write",
                 .layer = "buffered",
                 .engine_text = reason_});
  }

  // Handing down

  void hand_down(std::uint64_t sequence) {
    const std::lock_guard handing(handing_);
    hand_down_locked(sequence);
  }

  /// Under handing_.
  void hand_down_locked(std::uint64_t sequence) {
    for (;;) {
      std::shared_ptr<const MemoryTable> table;
      {
        const std::lock_guard lock(mutex_);
        check_writable();
        if (handed_.load() >= sequence) return;
        if (waiting() == 0) seal();
        table = owner_->tables.back();
      }
      started_.store(table->last_sequence());
      try {
        next_.write(table->contents(), Durability::synced);
      } catch (const std::exception& failure) {
        poison(failure.what());
        throw;
      } catch (...) {
        poison("unknown");
        throw;
      }
      {
        const std::lock_guard lock(mutex_);
        handed_.store(table->last_sequence());
        BufferVersion::Tables tables = owner_->tables;
        tables.pop_back();
        publish(std::move(tables));
      }
      room_.notify_all();
    }
  }

  void poison(const char* reason) {
    {
      const std::lock_guard lock(mutex_);
      poisoned_ = true;
      reason_ = reason;
    }
    room_.notify_all();
  }

  void work() noexcept {
    std::unique_lock lock(mutex_);
    while (!stop_) {
      if (poisoned_ || (waiting() == 0 && active().empty())) {
        work_.wait(lock);
        continue;
      }
      const auto due = born_ + std::chrono::milliseconds(options_.max_age_ms);
      if (waiting() == 0 && !full(active()) && Clock::now() < due) {
        work_.wait_until(lock, due);
        continue;
      }
      const std::uint64_t sequence = owner_->tables.back()->last_sequence();
      lock.unlock();
      try {
        hand_down(sequence);
      } catch (...) {
        // Poisoned now: the next write says why.
      }
      lock.lock();
    }
  }

  Next& next_;
  BufferedOptions options_;
  OwnProcess process_;
  std::shared_ptr<BufferArena::Counter> memory_ = std::make_shared<BufferArena::Counter>(0);

  mutable ReaderPins pins_;
  std::atomic<const BufferVersion*> current_{nullptr};
  std::atomic<std::uint64_t> visible_{0};
  std::atomic<std::uint64_t> handed_{0};
  std::atomic<std::uint64_t> started_{0};

  mutable std::mutex handing_;  ///< of who hands down; taken before mutex_
  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable room_;
  std::shared_ptr<const BufferVersion> owner_;
  std::vector<Tree> known_trees_;  ///< sorted
  std::uint64_t last_ = 0;
  Clock::time_point born_{};  ///< of the oldest write of the active table
  std::string reason_;
  bool poisoned_ = false;
  bool closed_ = false;
  bool stop_ = false;
  std::thread worker_;
};

}  // namespace varve::detail
