// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/history/built_indexes.hpp>
#include <varve/history/drops.hpp>
#include <varve/history/height_batch.hpp>
#include <varve/history/height_error.hpp>
#include <varve/history/height_writer.hpp>
#include <varve/history/options.hpp>
#include <varve/history/records.hpp>
#include <varve/history/retention.hpp>
#include <varve/history/rollback.hpp>
#include <varve/history/standing.hpp>
#include <varve/history/uncommitted.hpp>
#include <varve/tables/core.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace varve::detail::history {

/// How a height is to be made.
struct HeightOrder {
  std::optional<Height> height{};        ///< else the one above the latest, and none for nothing
  std::optional<std::uint64_t> state{};  ///< refused where the store is no longer at it
  std::span<const Tree> built{};         ///< indexes that it completes
  bool ends_rollbacks = false;           ///< none goes below it
  Durability durability = Durability::synced;
  const char* operation = "commit";
};

/// What a `Versioned` holds beside the layer below: where history stands, and the lock under which
/// heights are made.
template <KvEngine Next, class Commitment>
class HistoryStore {
 public:
  using CommitterType = Committer<Commitment>;

  HistoryStore(Next& next, VersionedOptions options)
      : options_(std::move(options)), committer_(options_) {
    if (options_.retain_heights == 0) {
      throw Error(ErrorKind::invalid_argument,
                  {.message = "retain_heights is at least 1: the latest height is always kept",
                   .operation = "open",
                   .layer = "versioned"});
    }
    trees_ = {next.open_tree(entries_tree), next.open_tree(heights_tree),
              next.open_tree(pages_tree)};
    if (auto head = read_head(next, trees_.heights)) {
      standing_.publish(*std::move(head), {});
    } else {
      create(next);
    }
    finish_drops(next, trees_);
    if (auto head = committer_.open(next, trees_, standing_.head()))
      standing_.publish(*std::move(head), {});
  }

  HistoryStore(const HistoryStore&) = delete;
  HistoryStore& operator=(const HistoryStore&) = delete;

  [[nodiscard]] const VersionedOptions& options() const noexcept { return options_; }
  [[nodiscard]] const OwnTrees& trees() const noexcept { return trees_; }
  [[nodiscard]] const CommitterType& committer() const noexcept { return committer_; }

  /// For what any thread may ask of it. After a write that failed the store tells what became of
  /// it, or why it does not.
  [[nodiscard]] const Standing& standing(const Next& next) {
    if (standing_.in_doubt()) {
      const std::lock_guard lock(writers_);
      find_out(next);
    }
    return standing_;
  }

  /// Makes a height of the batch, and drops the trees with it. Answers the root, if there is one.
  std::string commit(Next& next, const WriteBatch& batch, std::span<const Tree> dropped,
                     const HeightOrder& order) {
    const std::lock_guard lock(writers_);
    return commit_alone(next, batch, dropped, order);
  }

  void drop_tree(Next& next, Tree tree) {
    const std::lock_guard lock(writers_);
    static_cast<void>(next.contains(tree, "whether it is there"));
    commit_alone(next, {}, {&tree, 1}, {.operation = "drop_tree"});
  }

  /// Throws `out_of_order` where the height cannot be the next.
  void check_next(Height height, const char* operation) const {
    const Height latest = standing_.latest();
    if (height > latest) return;
    throw HeightError(HeightFault::out_of_order, height, standing_.oldest(), latest, operation);
  }

  /// The index has all of its entries from the latest height on.
  void index_built(Next& next, Tree index) {
    const std::lock_guard lock(writers_);
    refresh(next);
    WriteBatch out;
    put_built_at(out, trees_, index, standing_.head().latest);
    write(next, out, {}, Durability::synced);
  }

  /// No rollback goes below the latest height any more.
  void end_rollbacks(Next& next) {
    const std::lock_guard lock(writers_);
    refresh(next);
    if (standing_.head().floor == standing_.head().latest) return;
    Head head = standing_.head();
    head.floor = head.latest;
    write(next, WriteBatch().put(trees_.heights, head_key, to_bytes(head)), {}, Durability::synced);
    standing_.publish(std::move(head), {});
  }

  void rollback(Next& next, Height height) {
    const std::lock_guard lock(writers_);
    refresh(next);
    const Height least{std::max(standing_.head().oldest, standing_.head().floor)};
    const Height latest{standing_.head().latest};
    if (height > latest) {
      throw HeightError(HeightFault::not_reached, height, least, latest, "rollback");
    }
    if (height < least) throw HeightError(HeightFault::pruned, height, least, latest, "rollback");
    const Rollback<Next> taken_back(next, trees_);
    while (standing_.head().latest > height.value) {
      Head head = standing_.head();
      WriteBatch out;
      unbuild_indexes(next, trees_, height.value, out);
      do {
        taken_back.undo(head, out);
      } while (head.latest > height.value && out.bytes().size() < slice_bytes);
      out.put(trees_.heights, head_key, to_bytes(head));
      write(next, out, {}, Durability::synced);
      committer_.forget();
      const std::uint64_t heights = standing_.head().heights - head.heights;
      standing_.publish(std::move(head), {.rolled_back = heights});
      tables::state_changes.fetch_add(1, std::memory_order_release);
    }
  }

  /// Removes at least so many records of history that nobody needs, if there are so many. Answers
  /// whether more are left.
  bool prune_step(Next& next, std::size_t budget) {
    const std::lock_guard lock(writers_);
    refresh(next);
    Head head = standing_.head();
    WriteBatch out;
    const Retention retention(trees_, options_, budget);
    retention.move(next, head, out, std::nullopt);
    const std::size_t removed = retention.prune(next, head, out);
    if (head == standing_.head()) return false;
    out.put(trees_.heights, head_key, to_bytes(head));
    write(next, out, {}, Durability::buffered);
    const bool more = head.waiting != 0 || retention.exceeded(head);
    standing_.publish(std::move(head), {.pruned = removed});
    return more;
  }

 private:
  using Clock = std::chrono::steady_clock;

  static constexpr std::size_t slice_bytes = std::size_t{16} << 20U;
  static constexpr std::size_t least_budget = 256;

  static std::uint64_t nanoseconds_since(Clock::time_point start) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
  }

  std::string commit_alone(Next& next, const WriteBatch& batch, std::span<const Tree> dropped,
                           const HeightOrder& order) {
    const auto start = Clock::now();
    refresh(next);
    const std::uint64_t number = check(order);
    Head head = standing_.head();
    WriteBatch out;
    NumberedHeight height{number, {}};
    StepCounts counts;
    auto update = HeightBatch<Next, CommitterType>(next, trees_, committer_, order.operation)
                      .put_together(batch, dropped, order.height.has_value(), out, height);
    if (update) {
      head.latest = number;
      ++head.heights;
      head.entries += height.record.entries;
      head.bytes += height.record.bytes;
      const auto pruning = Clock::now();
      const Retention retention(
          trees_, options_,
          std::max<std::size_t>(least_budget, 2 * static_cast<std::size_t>(height.record.entries)));
      // What this height gives up is left to the next, or to a `prune_step` between them.
      counts.pruned = retention.prune(next, head, out);
      retention.move(next, head, out, height);
      counts.prune_nanoseconds = nanoseconds_since(pruning);
    } else if (dropped.empty()) {
      write(next, batch, order.durability);
      return {};
    }
    const auto has_records = [](Tree tree) { return !tree.reserved(); };
    if (order.ends_rollbacks || std::any_of(dropped.begin(), dropped.end(), has_records)) {
      head.floor = head.latest;
    }
    for (const Tree index : order.built) put_built_at(out, trees_, index, number);
    out.put(trees_.heights, head_key, to_bytes(head));
    write(next, out, dropped, order.durability);
    if (!order.built.empty() || order.ends_rollbacks)
      tables::state_changes.fetch_add(1, std::memory_order_release);
    if (update) {
      committer_.accept(*update);
      counts.commits = 1;
      counts.changed = height.record.entries;
    }
    counts.commit_nanoseconds = nanoseconds_since(start);
    standing_.publish(std::move(head), counts);
    return std::move(height.record.root);
  }

  /// The number of the height.
  [[nodiscard]] std::uint64_t check(const HeightOrder& order) const {
    if (order.state && *order.state != standing_.state()) {
      throw Error(ErrorKind::conflict,
                  {.message = "another height was committed or rolled back since the block began: "
                              "begin it anew and do its writes again",
                   .operation = order.operation,
                   .layer = "versioned"});
    }
    const Height highest{std::numeric_limits<std::uint64_t>::max()};
    if (order.height) check_next(*order.height, order.operation);
    if (!order.height && standing_.latest() == highest) check_next(highest, order.operation);
    return order.height ? order.height->value : standing_.head().latest + 1;
  }

  void write(Next& next, WriteBatch& out, std::span<const Tree> dropped, Durability durability) {
    try {
      if (dropped.empty()) {
        next.write(out, durability);
      } else {
        write_and_drop(next, trees_, out, dropped, durability);
      }
    } catch (...) {
      stale_ = true;
      standing_.doubt();
      committer_.forget();
      throw;
    }
  }
  void write(Next& next, const WriteBatch& batch, Durability durability) {
    WriteBatch out = batch;
    write(next, out, {}, durability);
  }

  void create(Next& next) {
    Head head;
    head.oldest = options_.base_height;
    head.latest = head.oldest;
    head.floor = head.oldest;
    head.commitment = Uncommitted::name;
    WriteBatch out;
    const std::string key = height_key(head.latest);
    out.put(trees_.heights, key, to_bytes(key, HeightRecord{}));
    out.put(trees_.heights, head_key, to_bytes(head));
    next.write(out, Durability::synced);
    standing_.publish(std::move(head), {});
  }

  /// After a write that failed: it may have been done, but for its drops.
  void refresh(Next& next) {
    if (!stale_) return;
    find_out(next);
    finish_drops(next, trees_);
    stale_ = false;
  }
  void find_out(const Next& next) {
    if (!standing_.in_doubt()) return;
    auto head = read_head(next, trees_.heights);
    if (!head) refuse_bytes(heights_tree, "the head");
    standing_.publish(*std::move(head), {});
  }

  VersionedOptions options_;
  CommitterType committer_;
  OwnTrees trees_;

  std::mutex writers_;
  bool stale_ = false;  // whether a write failed and left something undone; under `writers_`
  Standing standing_;
};

}  // namespace varve::detail::history
