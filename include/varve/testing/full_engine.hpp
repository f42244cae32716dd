// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/testing/full/checkpoint.hpp>
#include <varve/testing/full/transaction.hpp>
#include <varve/testing/full/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve::testing {

struct FullOptions {
  std::uint64_t max_key_bytes = 1000;
  std::uint64_t max_value_bytes = 4U << 20U;
  std::uint64_t max_batch_bytes = 16U << 20U;

  template <class Visit>
  void visit_fields(Visit&& visit) const {
    visit("max_key_bytes", max_key_bytes);
    visit("max_value_bytes", max_value_bytes);
    visit("max_batch_bytes", max_batch_bytes);
  }
};

/// Every refinement of the vocabulary, in memory, correct and slow: a write copies each tree that
/// it changes. A layer that is checked over it has to account for every operation there is.
///
/// Models      every concept of refinements.hpp.
/// Errors      `invalid_argument` for an unknown tree and for a breach of its limits; `io` where a
///             checkpoint cannot be written.
/// Durability  none; a checkpoint is written and not synced.
/// Threads     any number of readers and writers.
class FullEngine {
 public:
  using Options = FullOptions;
  using Snapshot = detail::FullSnapshot;
  using Value = detail::FullValue;
  using Cursor = detail::FullCursor;
  using Transaction = detail::FullTransaction;

  static constexpr BytesView name = "full";
  static constexpr bool is_volatile = true;

  class Loader {
   public:
    Loader(FullEngine& engine, Tree tree) : state_(engine.state_.get()), tree_(tree) {}

    void put(BytesView key, BytesView value) {
      if (!last_.empty() && key <= last_) {
        throw Error(ErrorKind::invalid_argument,
                    {.message = "keys of a bulk load are strictly ascending; sort the input first",
                     .operation = "bulk_load",
                     .tree = "#" + std::to_string(tree_.id()),
                     .layer = std::string(name)});
      }
      WriteBatch record;
      record.put(tree_, key, value);
      check_limits(record, state_->limits, "write", "full");
      batch_.append(record);
      last_ = key;
    }

    void finish() { state_->write(std::exchange(batch_, {}), {}); }

   private:
    detail::FullState* state_;
    Tree tree_;
    WriteBatch batch_;
    std::string last_;
  };

  class Tail {
   public:
    explicit Tail(std::vector<std::pair<std::uint64_t, WriteBatch>> batches) noexcept
        : batches_(std::move(batches)) {}
    [[nodiscard]] bool valid() const noexcept { return at_ != batches_.size(); }
    [[nodiscard]] std::uint64_t sequence() const noexcept { return batches_[at_].first; }
    [[nodiscard]] const WriteBatch& batch() const noexcept { return batches_[at_].second; }
    void next() { ++at_; }

   private:
    std::vector<std::pair<std::uint64_t, WriteBatch>> batches_;
    std::size_t at_ = 0;
  };

  explicit FullEngine(FullOptions options = {}) : options_(options), state_(make_state(options)) {}

  /// The engine that `checkpoint` left in `directory`.
  [[nodiscard]] static FullEngine from_checkpoint(const std::string& directory,
                                                  FullOptions options = {}) {
    FullEngine engine(options);
    detail::read_checkpoint(directory, *engine.state_);
    return engine;
  }

  [[nodiscard]] const FullOptions& options() const noexcept { return options_; }

  [[nodiscard]] Snapshot snapshot() const { return Snapshot(state_->now()); }

  [[nodiscard]] std::optional<Value> get(Tree tree, BytesView key) const {
    return snapshot().get(tree, key);
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    return snapshot().contains(tree, key);
  }

  [[nodiscard]] Scan<Cursor> scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    return snapshot().scan(tree, range, order);
  }

  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<Value>> values) const {
    const Snapshot all = snapshot();
    for (std::size_t i = 0; i < keys.size(); ++i) values[i] = all.get(tree, keys[i]);
  }

  [[nodiscard]] std::uint64_t approximate_count(Tree tree, KeyRange range) const {
    std::uint64_t count = 0;
    for (auto met = scan(tree, range); met.valid(); met.next()) ++count;
    return count;
  }

  void write(const WriteBatch& batch, Durability /*durability*/ = Durability::synced) {
    state_->write(batch, {});
  }

  void write_and_drop(const WriteBatch& batch, std::span<const Tree> dropped,
                      Durability /*durability*/) {
    state_->write(batch, dropped);
  }

  [[nodiscard]] Loader bulk_loader(Tree tree) {
    static_cast<void>(detail::find(*state_->now(), tree, "bulk_loader"));
    return Loader(*this, tree);
  }

  [[nodiscard]] Transaction begin_transaction() { return Transaction(*state_); }

  [[nodiscard]] Tree open_tree(BytesView tree_name) {
    check_tree_name(tree_name, name);
    return state_->open_tree(tree_name);
  }

  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const {
    for (const TreeInfo& info : trees()) {
      if (info.name == tree_name) return info.tree;
    }
    return std::nullopt;
  }

  void drop_tree(Tree tree) { state_->write({}, {&tree, 1}, "drop_tree"); }

  [[nodiscard]] std::vector<TreeInfo> trees() const {
    std::vector<TreeInfo> infos;
    const auto now = state_->now();
    for (const auto& [tree, found] : *now) infos.push_back({tree, found->name});
    return infos;
  }

  void flush() {}
  [[nodiscard]] std::uint64_t size_on_disk() const { return 0; }
  [[nodiscard]] Limits limits() const { return state_->limits; }

  void compact(Tree tree, KeyRange /*range*/) {
    static_cast<void>(detail::find(*state_->now(), tree, "compact"));
  }

  void checkpoint(const std::string& directory) { detail::write_checkpoint(directory, *state_); }

  [[nodiscard]] std::uint64_t last_sequence() const { return state_->last_sequence(); }
  [[nodiscard]] Tail tail(std::uint64_t sequence) const { return Tail(state_->since(sequence)); }

 private:
  static std::unique_ptr<detail::FullState> make_state(const FullOptions& options) {
    auto state = std::make_unique<detail::FullState>();
    state->limits = {.max_key_bytes = options.max_key_bytes,
                     .max_value_bytes = options.max_value_bytes,
                     .max_batch_bytes = options.max_batch_bytes};
    return state;
  }

  FullOptions options_;
  std::unique_ptr<detail::FullState> state_;
};

}  // namespace varve::testing
