// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/layer.hpp>
#include <varve/testing/fault_plan.hpp>
#include <varve/testing/faulty/reads.hpp>
#include <varve/testing/faulty/writes.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve::testing {

struct FaultyOptions {
  /// Shared with the test. Never null.
  std::shared_ptr<FaultPlan> plan = std::make_shared<FaultPlan>();

  template <class Visit>
  void visit_fields(Visit&& visit) const {
    visit("faults_met", plan->met());
  }
};

/// Goes wrong where a `FaultPlan` says so: at the k-th call of an operation, once or for ever,
/// before or after it is done, with an `Error` or with a damaged value. At any place in a stack, to
/// see what the layers above make of it. Reserved trees go wrong like any, as they do on a disk.
///
/// Models      what `Next` models.
/// Errors      those of `Next`, and the planned ones.
/// Durability  that of `Next`.
/// Threads     as `Next`; calls are counted one at a time.
template <KvEngine Next>
class Faulty : public Layer<Next, Forwards<>> {
  using Reads = detail::FaultyReads<Next>;
  using MaybeFault = std::optional<Fault>;

 public:
  using Options = FaultyOptions;
  using Value = typename Reads::Value;

  static constexpr BytesView name = "faulty";

  template <class Context>
  explicit Faulty(Context& context)
      : Faulty::Layer(context), options_(context.template options<FaultyOptions>()) {}

  [[nodiscard]] const FaultyOptions& options() const noexcept { return options_; }
  [[nodiscard]] FaultPlan& faults() const noexcept { return *options_.plan; }

  [[nodiscard]] std::optional<Value> get(Tree tree, BytesView key) const {
    return Reads::get(options_.plan, this->next(), tree, key);
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    return Reads::contains(options_.plan, this->next(), tree, key);
  }

  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<Value>> values) const
    requires MultiGetEngine<Next>
  {
    Reads::multi_get(options_.plan, this->next(), tree, keys, values);
  }

  [[nodiscard]] auto scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    return Reads::scan(options_.plan, this->next(), tree, range, order);
  }

  [[nodiscard]] std::uint64_t approximate_count(Tree tree, KeyRange range) const
    requires CountEngine<Next>
  {
    return run(Call::approximate_count, "approximate_count",
               [&](const MaybeFault&) { return this->next().approximate_count(tree, range); });
  }

  [[nodiscard]] auto snapshot() const
    requires SnapshotEngine<Next>
  {
    return run(Call::snapshot, "snapshot", [&](const MaybeFault&) {
      return detail::FaultySnapshot<snapshot_t<Next>>(this->next().snapshot(), options_.plan);
    });
  }

  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    run(Call::write, "write", [&](const MaybeFault&) { this->next().write(batch, durability); });
  }

  void write_and_drop(const WriteBatch& batch, std::span<const Tree> dropped, Durability durability)
    requires TransactionalDropEngine<Next>
  {
    run(Call::write_and_drop, "write_and_drop",
        [&](const MaybeFault&) { this->next().write_and_drop(batch, dropped, durability); });
  }

  [[nodiscard]] auto bulk_loader(Tree tree)
    requires BulkLoadEngine<Next>
  {
    return run(Call::bulk_loader, "bulk_loader", [&](const MaybeFault&) {
      return detail::FaultyLoader(this->next().bulk_loader(tree), options_.plan);
    });
  }

  [[nodiscard]] auto begin_transaction()
    requires TransactionalEngine<Next>
  {
    return run(Call::begin_transaction, "begin_transaction", [&](const MaybeFault&) {
      using Transaction = decltype(this->next().begin_transaction());
      return detail::FaultyTransaction<Transaction>(this->next().begin_transaction(),
                                                    options_.plan);
    });
  }

  [[nodiscard]] Tree open_tree(BytesView tree_name) {
    return run(Call::open_tree, "open_tree",
               [&](const MaybeFault&) { return this->next().open_tree(tree_name); });
  }

  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const {
    return run(Call::find_tree, "find_tree",
               [&](const MaybeFault&) { return this->next().find_tree(tree_name); });
  }

  void drop_tree(Tree tree) {
    run(Call::drop_tree, "drop_tree", [&](const MaybeFault&) { this->next().drop_tree(tree); });
  }

  [[nodiscard]] std::vector<TreeInfo> trees() const {
    return run(Call::trees, "trees", [&](const MaybeFault&) { return this->next().trees(); });
  }

  void flush() {
    run(Call::flush, "flush", [&](const MaybeFault&) { this->next().flush(); });
  }

  [[nodiscard]] std::uint64_t size_on_disk() const {
    return run(Call::size_on_disk, "size_on_disk",
               [&](const MaybeFault&) { return this->next().size_on_disk(); });
  }

  [[nodiscard]] Limits limits() const { return this->next().limits(); }

  void compact(Tree tree, KeyRange range)
    requires CompactEngine<Next>
  {
    run(Call::compact, "compact", [&](const MaybeFault&) { this->next().compact(tree, range); });
  }

  void checkpoint(const std::string& directory)
    requires CheckpointEngine<Next>
  {
    run(Call::checkpoint, "checkpoint",
        [&](const MaybeFault&) { this->next().checkpoint(directory); });
  }

  [[nodiscard]] std::uint64_t last_sequence() const
    requires TailEngine<Next>
  {
    return run(Call::last_sequence, "last_sequence",
               [&](const MaybeFault&) { return this->next().last_sequence(); });
  }

  [[nodiscard]] auto tail(std::uint64_t sequence) const
    requires TailEngine<Next>
  {
    return run(Call::tail, "tail", [&](const MaybeFault&) { return this->next().tail(sequence); });
  }

 private:
  template <class Act>
  auto run(Call call, const char* operation, Act act) const {
    return detail::with_faults(*options_.plan, call, operation, std::move(act));
  }

  FaultyOptions options_;
};

}  // namespace varve::testing
