// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/metrics/operation_metrics.hpp>
#include <varve/metrics/per_thread.hpp>
#include <varve/metrics/ticks.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace varve {

namespace detail {

/// The cells of one thread, found by operation and tree.
class MeterShard {
 public:
  /// The cell of `operation` on `tree`. Only for the shard's own thread.
  [[nodiscard]] OperationCell& cell(Operation operation, Tree tree) {
    const std::uint64_t key = key_of(operation, tree);
    const auto& [known, cell] = recent_[key % recent_.size()];
    if (known == key) [[likely]] {
      return *cell;
    }
    return find(key);
  }

  /// Whether this call is one of the sample: one of `every` on average, at random distances so that
  /// no rhythm of the program is mistaken for its average.
  [[nodiscard]] bool sampled(std::uint32_t every) noexcept {
    if (--until_sample_ != 0) [[likely]] {
      return false;
    }
    random_ ^= random_ << 13U;
    random_ ^= random_ >> 7U;
    random_ ^= random_ << 17U;
    until_sample_ = 1 + random_ % (2 * std::uint64_t{every == 0 ? 1 : every} - 1);
    return true;
  }

  void fold_into(MeterShard& total) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, cell] : cells_) cell->fold_into(total.find(key));
  }

  /// Calls `visit(operation, tree, cell)` for each cell.
  template <class Visit>
  void for_each(Visit visit) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, cell] : cells_) {
      const std::uint64_t folded = key - 1;
      visit(static_cast<Operation>(folded % 16),
            Tree::from_id(static_cast<std::uint32_t>(folded / 16)), *cell);
    }
  }

 private:
  static std::uint64_t key_of(Operation operation, Tree tree) noexcept {
    return std::uint64_t{tree.id()} * 16 + static_cast<std::uint64_t>(operation) + 1;
  }

  OperationCell& find(std::uint64_t key) {
    const std::lock_guard lock(mutex_);
    auto& cell = cells_[key];
    if (!cell) cell = std::make_unique<OperationCell>();
    recent_[key % recent_.size()] = {key, cell.get()};
    return *cell;
  }

  std::array<std::pair<std::uint64_t, OperationCell*>, 64> recent_{};
  std::uint64_t until_sample_ = 1;
  std::uint64_t random_ = 0x9e3779b97f4a7c15U;
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::unique_ptr<OperationCell>> cells_;
};

static_assert(operation_count <= 16);

/// The counters of a `Metered` layer.
class Meter {
 public:
  explicit Meter(std::uint32_t sample_every) noexcept : sample_every_(sample_every) {}

  /// One call of an operation, from construction to destruction. It counts as an error unless
  /// `done` is reached.
  class Call {
   public:
    Call(Meter& meter, Operation operation, Tree tree, bool always_timed)
        : Call(meter, meter.threads_.mine(), operation, tree, always_timed) {}

    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    ~Call() {
      if (timed_) cell_->time(Ticks::now() - start_);
      if (!done_) OperationCell::add(cell_->errors, 1);
    }

    void done(std::uint64_t items, std::uint64_t bytes) noexcept {
      done_ = true;
      if (items == 0) return;
      OperationCell::add(cell_->items, items);
      OperationCell::add(cell_->bytes, bytes);
    }

   private:
    Call(Meter& meter, MeterShard& shard, Operation operation, Tree tree, bool always_timed)
        : cell_(&shard.cell(operation, tree)),
          timed_(always_timed || shard.sampled(meter.sample_every_)) {
      OperationCell::add(cell_->calls, 1);
      if (timed_) start_ = Ticks::now();
    }

    OperationCell* cell_;
    std::uint64_t start_ = 0;
    bool timed_;
    bool done_ = false;
  };

  /// Adds to an operation without a latency of its own.
  void add(Operation operation, Tree tree, std::uint64_t calls, std::uint64_t items,
           std::uint64_t bytes) {
    OperationCell& cell = threads_.mine().cell(operation, tree);
    OperationCell::add(cell.calls, calls);
    OperationCell::add(cell.items, items);
    OperationCell::add(cell.bytes, bytes);
  }

  void add_error(Operation operation, Tree tree) {
    OperationCell::add(threads_.mine().cell(operation, tree).errors, 1);
  }

  /// All counters, summed over threads, by tree and operation. `name_of(tree)` gives a tree's name.
  template <class NameOf>
  [[nodiscard]] std::vector<OperationMetrics> read(NameOf name_of) {
    MeterShard sum;
    threads_.sum_into(sum);
    const double unit = ticks_.nanoseconds_each();
    std::vector<OperationMetrics> metrics;
    sum.for_each([&](Operation operation, Tree tree, const OperationCell& cell) {
      OperationMetrics& one = metrics.emplace_back();
      one.operation = operation;
      if (operation < Operation::write) one.tree = name_of(tree);
      one.calls = cell.calls.load(std::memory_order_relaxed);
      one.errors = cell.errors.load(std::memory_order_relaxed);
      one.items = cell.items.load(std::memory_order_relaxed);
      one.bytes = cell.bytes.load(std::memory_order_relaxed);
      one.latency = LatencyHistogram(unit);
      for (std::size_t i = 0; i < cell.latency.size(); ++i) {
        one.latency.add(i, cell.latency[i].load(std::memory_order_relaxed));
      }
    });
    return metrics;
  }

 private:
  std::uint32_t sample_every_;
  Ticks ticks_;
  PerThread<MeterShard> threads_;
};

}  // namespace detail

}  // namespace varve
