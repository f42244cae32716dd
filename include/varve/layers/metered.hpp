// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/layer.hpp>
#include <varve/metrics/meter.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve {

struct MeteredOptions {
  /// Of how many `get` and `contains` one, drawn at random, is timed. 1 times each, which costs two
  /// readings of the clock (18 ns) a call. Every other operation is always timed.
  std::uint32_t sample_every = 16;

  template <class Visit>
  void visit_fields(Visit&& visit) const {
    visit("sample_every", sample_every);
  }
};

namespace detail {

/// Counts the entries that a scan passes, and tells the meter when it ends.
template <EntryScan S>
class MeteredCursor {
 public:
  /// Without a meter it only passes on.
  MeteredCursor(S scan, Meter* meter, Tree tree) noexcept
      : scan_(std::move(scan)), meter_(meter), tree_(tree) {}

  MeteredCursor(MeteredCursor&& other) noexcept
      : scan_(std::move(other.scan_)),
        meter_(std::exchange(other.meter_, nullptr)),
        tree_(other.tree_),
        entries_(other.entries_),
        bytes_(other.bytes_) {}

  MeteredCursor& operator=(MeteredCursor&& other) noexcept {
    report();
    scan_ = std::move(other.scan_);
    meter_ = std::exchange(other.meter_, nullptr);
    tree_ = other.tree_;
    entries_ = other.entries_;
    bytes_ = other.bytes_;
    return *this;
  }

  ~MeteredCursor() { report(); }

  [[nodiscard]] bool valid() const noexcept { return scan_.valid(); }
  [[nodiscard]] Entry entry() const { return scan_.entry(); }

  void next() {
    if (meter_ == nullptr) return scan_.next();
    const Entry passed = scan_.entry();
    ++entries_;
    bytes_ += passed.key.size() + passed.value.size();
    try {
      scan_.next();
    } catch (...) {
      meter_->add_error(Operation::scan, tree_);
      throw;
    }
  }

 private:
  void report() noexcept {
    if (meter_ != nullptr && entries_ != 0)
      meter_->add(Operation::scan, tree_, 0, entries_, bytes_);
  }

  S scan_;
  Meter* meter_;
  Tree tree_;
  std::uint64_t entries_ = 0;
  std::uint64_t bytes_ = 0;
};

/// Reads of an engine or of a snapshot, measured, those of reserved trees left out.
template <KvReader R>
class MeteredReads {
 public:
  using ScanType = Scan<MeteredCursor<scan_t<R>>>;

  static auto get(Meter& meter, const R& reader, Tree tree, BytesView key) {
    if (tree.reserved()) return reader.get(tree, key);
    Meter::Call call(meter, Operation::get, tree, false);
    auto value = reader.get(tree, key);
    call.done(value ? 1 : 0, value ? value->view().size() : 0);
    return value;
  }

  static bool contains(Meter& meter, const R& reader, Tree tree, BytesView key) {
    if (tree.reserved()) return reader.contains(tree, key);
    Meter::Call call(meter, Operation::contains, tree, false);
    const bool found = reader.contains(tree, key);
    call.done(found ? 1 : 0, 0);
    return found;
  }

  static void multi_get(Meter& meter, const R& reader, Tree tree, std::span<const BytesView> keys,
                        std::span<std::optional<pinned_t<R>>> values)
    requires HasMultiGet<R>
  {
    if (tree.reserved()) return reader.multi_get(tree, keys, values);
    Meter::Call call(meter, Operation::multi_get, tree, true);
    reader.multi_get(tree, keys, values);
    std::uint64_t found = 0;
    std::uint64_t bytes = 0;
    for (const auto& value : values) {
      if (!value) continue;
      ++found;
      bytes += value->view().size();
    }
    call.done(found, bytes);
  }

  static ScanType scan(Meter& meter, const R& reader, Tree tree, KeyRange range, Order order) {
    if (tree.reserved()) return ScanType({reader.scan(tree, range, order), nullptr, tree});
    Meter::Call call(meter, Operation::scan, tree, true);
    ScanType scan({reader.scan(tree, range, order), &meter, tree});
    call.done(0, 0);
    return scan;
  }
};

/// A snapshot whose reads are measured as those of the layer.
template <KvReader S>
class MeteredSnapshot {
 public:
  MeteredSnapshot(S snapshot, Meter& meter) noexcept
      : snapshot_(std::move(snapshot)), meter_(&meter) {}

  [[nodiscard]] auto get(Tree tree, BytesView key) const {
    return MeteredReads<S>::get(*meter_, snapshot_, tree, key);
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    return MeteredReads<S>::contains(*meter_, snapshot_, tree, key);
  }

  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<pinned_t<S>>> values) const
    requires HasMultiGet<S>
  {
    MeteredReads<S>::multi_get(*meter_, snapshot_, tree, keys, values);
  }

  [[nodiscard]] auto scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    return MeteredReads<S>::scan(*meter_, snapshot_, tree, range, order);
  }

 private:
  S snapshot_;
  Meter* meter_;
};

/// A loader whose records are counted, and whose `finish` is timed.
template <BulkLoader L>
class MeteredLoader {
 public:
  MeteredLoader(L loader, Meter& meter, Tree tree)
      : loader_(std::move(loader)), meter_(&meter), tree_(tree) {}

  void put(BytesView key, BytesView value) {
    loader_.put(key, value);
    ++records_;
    bytes_ += key.size() + value.size();
  }

  void finish() {
    Meter::Call call(*meter_, Operation::bulk_load, tree_, true);
    loader_.finish();
    call.done(records_, bytes_);
  }

 private:
  L loader_;
  Meter* meter_;
  Tree tree_;
  std::uint64_t records_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace detail

/// Measures: counts every operation of every tree, with its errors, records and bytes, and keeps
/// histograms of latencies. Reserved trees are left out.
///
/// Models      what `Next` models.
/// Errors      those of `Next`, counted.
/// Durability  that of `Next`.
/// Threads     as `Next`. Each thread counts for itself, without a locked instruction; `metrics`
///             sums over them at any time.
/// Cost        4 ns a read where one of sixteen is timed; see bench/RESULTS.md.
template <KvEngine Next>
class Metered
    : public Layer<Next,
                   Forwards<Group::transactions, Group::trees, Group::checkpoints, Group::tail>> {
  using Reads = detail::MeteredReads<Next>;
  using Meter = detail::Meter;

 public:
  using Options = MeteredOptions;

  static constexpr BytesView name = "metered";

  template <class Context>
  explicit Metered(Context& context)
      : Metered::Layer(context),
        options_(context.template options<Options>()),
        meter_(std::make_unique<Meter>(options_.sample_every)) {}

  [[nodiscard]] const Options& options() const noexcept { return options_; }

  /// What every operation of every tree has come to since the store was opened.
  [[nodiscard]] std::vector<OperationMetrics> metrics() const {
    const std::vector<TreeInfo> trees = this->next().trees();
    return meter_->read([&](Tree tree) {
      for (const TreeInfo& info : trees) {
        if (info.tree == tree) return info.name;
      }
      return "#" + std::to_string(tree.id());
    });
  }

  // reads

  [[nodiscard]] auto get(Tree tree, BytesView key) const {
    return Reads::get(*meter_, this->next(), tree, key);
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    return Reads::contains(*meter_, this->next(), tree, key);
  }

  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<pinned_t<Next>>> values) const
    requires MultiGetEngine<Next>
  {
    Reads::multi_get(*meter_, this->next(), tree, keys, values);
  }

  // scans

  [[nodiscard]] auto scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    return Reads::scan(*meter_, this->next(), tree, range, order);
  }

  [[nodiscard]] std::uint64_t approximate_count(Tree tree, KeyRange range) const
    requires CountEngine<Next>
  {
    return this->next().approximate_count(tree, range);
  }

  // snapshots

  [[nodiscard]] auto snapshot() const
    requires SnapshotEngine<Next>
  {
    Meter::Call call(*meter_, Operation::snapshot, {}, true);
    detail::MeteredSnapshot<snapshot_t<Next>> snapshot(this->next().snapshot(), *meter_);
    call.done(0, 0);
    return snapshot;
  }

  // writes

  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    Meter::Call call(*meter_, Operation::write, {}, true);
    this->next().write(batch, durability);
    count(batch, call);
  }

  void write_and_drop(const WriteBatch& batch, std::span<const Tree> dropped, Durability durability)
    requires TransactionalDropEngine<Next>
  {
    Meter::Call call(*meter_, Operation::write, {}, true);
    this->next().write_and_drop(batch, dropped, durability);
    count(batch, call);
  }

  // bulk

  [[nodiscard]] auto bulk_loader(Tree tree)
    requires BulkLoadEngine<Next>
  {
    return detail::MeteredLoader(this->next().bulk_loader(tree), *meter_, tree);
  }

  // maintenance

  void flush() {
    Meter::Call call(*meter_, Operation::flush, {}, true);
    this->next().flush();
    call.done(0, 0);
  }

  [[nodiscard]] std::uint64_t size_on_disk() const { return this->next().size_on_disk(); }
  [[nodiscard]] Limits limits() const { return this->next().limits(); }

  void compact(Tree tree, KeyRange range)
    requires CompactEngine<Next>
  {
    Meter::Call call(*meter_, Operation::compact, tree, true);
    this->next().compact(tree, range);
    call.done(0, 0);
  }

 private:
  void count(const WriteBatch& batch, Meter::Call& call) {
    for (const WriteOp op : batch) {
      if (op.tree.reserved()) continue;
      switch (op.kind) {
        case WriteOpKind::put:
          meter_->add(Operation::put, op.tree, 1, 1, op.key.size() + op.value.size());
          break;
        case WriteOpKind::erase: meter_->add(Operation::erase, op.tree, 1, 1, op.key.size()); break;
        case WriteOpKind::erase_range:
        case WriteOpKind::erase_from: meter_->add(Operation::erase_range, op.tree, 1, 0, 0); break;
      }
    }
    call.done(batch.count(), batch.bytes().size());
  }

  Options options_;
  std::unique_ptr<Meter> meter_;
};

}  // namespace varve
