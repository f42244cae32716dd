// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/layer.hpp>
#include <varve/testing/full_engine.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve_test {

using varve::BytesView;
using varve::Durability;
using varve::Entry;
using varve::Error;
using varve::ErrorKind;
using varve::KeyBounds;
using varve::KeyRange;
using varve::Order;
using varve::Tree;
using varve::TreeInfo;
using varve::WriteBatch;
using varve::WriteOp;
using varve::WriteOpKind;
using varve::testing::FullEngine;

/// The one thing that a `DefectiveEngine` does wrong.
enum class Defect : std::uint8_t {
  none,
  put_keeps_the_first,
  get_takes_a_prefix,
  zero_ends_a_key,
  empty_value_is_absent,
  empty_key_is_refused,
  value_is_read_late,
  scan_is_signed,
  scan_misses_high_prefixes,
  scan_takes_the_last,
  scan_down_misses_the_last,
  scan_misses_empty_values,
  scan_of_nothing_finds,
  scan_sees_later_writes,
  batch_erases_at_its_end,
  batch_stops_half_way,
  empty_batch_is_refused,
  erase_range_takes_the_last,
  limit_is_not_named,
  limit_is_met_half_way,
  batch_limit_is_forgotten,
  largest_value_is_refused,
  record_is_lost,
  tree_is_opened_twice,
  tree_name_ignores_case,
  trees_hide_the_reserved,
  reserved_is_not_marked,
  id_is_given_again,
  unknown_tree_is_empty,
  unknown_tree_is_compacted,
  unknown_tree_is_counted,
  name_is_cut,
  trees_share_records,
  flush_forgets,
  move_forgets,
  reopening_loses_buffered,
  reopening_gives_new_ids,
  reopening_forgets_numbers,
  snapshot_is_live,
  snapshot_loses_dropped_trees,
  snapshot_shows_later_trees,
  snapshot_takes_its_values_along,
  multi_get_sorts,
  multi_get_keeps_old_values,
  count_is_zero,
  bulk_is_seen_early,
  bulk_stays_unfinished,
  bulk_takes_any_order,
  bulk_has_no_limits,
  bulk_is_not_durable,
  checkpoint_lacks_the_reserved,
  checkpoint_overwrites,
  compact_forgets,
  write_and_drop_in_parts,
  tail_skips_one,
  transaction_reads_around_itself,
  transaction_always_wins,
};

/// Every refinement, over a `FullEngine`, with one defect: what the conformance kit has to find.
class DefectiveEngine {
 public:
  static constexpr BytesView name = "defective";

  class Value {
   public:
    explicit Value(FullEngine::Value value) : value_(std::move(value)) {}

    [[nodiscard]] BytesView view() const noexcept {
      if (of_snapshot_ && snapshot_.expired()) return {};
      if (engine_ == nullptr) return value_.view();
      try {
        if (auto now = engine_->get(tree_, key_)) value_ = *std::move(now);
      } catch (const Error&) {
        return {};
      }
      return value_.view();
    }

   private:
    friend class DefectiveEngine;

    mutable FullEngine::Value value_;
    const FullEngine* engine_ = nullptr;
    Tree tree_;
    std::string key_;
    bool of_snapshot_ = false;
    std::weak_ptr<int> snapshot_;
  };

  class Cursor {
   public:
    Cursor(const FullEngine* live, Tree tree, const KeyBounds& bounds, Order order)
        : live_(live), tree_(tree), bounds_(bounds), order_(order) {}

    [[nodiscard]] bool valid() const noexcept { return at_ < entries_.size(); }
    [[nodiscard]] Entry entry() const { return {entries_[at_].first, entries_[at_].second}; }

    void next() {
      if (live_ == nullptr || order_ == Order::descending) {
        ++at_;
        return;
      }
      const std::string from = entries_[at_].first + std::string(1, '\0');
      entries_.clear();
      at_ = 0;
      for (auto now = live_->scan(tree_, KeyRange::from(from)); now.valid(); now.next()) {
        if (bounds_.passed_by(now.entry().key)) break;
        entries_.emplace_back(now.entry().key, now.entry().value);
      }
    }

   private:
    friend class DefectiveEngine;

    const FullEngine* live_;
    Tree tree_;
    KeyBounds bounds_;
    Order order_;
    std::vector<std::pair<std::string, std::string>> entries_;
    std::size_t at_ = 0;
  };

  class Snapshot {
   public:
    Snapshot(const FullEngine& engine, Defect defect)
        : engine_(&engine), defect_(defect), then_(engine.snapshot()) {}

    [[nodiscard]] std::optional<Value> get(Tree tree, BytesView key) const {
      auto found = source(tree).get(tree, key);
      if (!found) return std::nullopt;
      Value value(std::move(*found));
      value.of_snapshot_ = defect_ == Defect::snapshot_takes_its_values_along;
      value.snapshot_ = alive_;
      return value;
    }
    [[nodiscard]] bool contains(Tree tree, BytesView key) const {
      return source(tree).contains(tree, key);
    }
    [[nodiscard]] auto scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
      return source(tree).scan(tree, range, order);
    }

   private:
    [[nodiscard]] FullEngine::Snapshot source(Tree tree) const {
      const auto now = engine_->snapshot();
      const bool was = then_.trees().contains(tree);
      const bool is = now.trees().contains(tree);
      if (defect_ == Defect::snapshot_is_live && is) return now;
      if (defect_ == Defect::snapshot_loses_dropped_trees && !is) return now;
      if (defect_ == Defect::snapshot_shows_later_trees && !was) return now;
      return then_;
    }

    const FullEngine* engine_;
    Defect defect_;
    FullEngine::Snapshot then_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  };

  class Loader {
   public:
    Loader(DefectiveEngine& engine, Tree tree)
        : engine_(&engine), tree_(tree), loader_(engine.engine_->bulk_loader(tree)) {}
    Loader(Loader&& other) noexcept = default;
    Loader& operator=(Loader&& other) noexcept = default;
    ~Loader() {
      if (loader_ && engine_->defect_ == Defect::bulk_stays_unfinished) loader_->finish();
    }

    void put(BytesView key, BytesView value) {
      const Defect defect = engine_->defect_;
      if (defect == Defect::bulk_has_no_limits) {
        key = key.substr(0, engine_->limits().max_key_bytes);
      }
      if (defect == Defect::bulk_is_not_durable) engine_->volatile_.erase(tree_, key);
      if (defect == Defect::bulk_is_seen_early || defect == Defect::bulk_takes_any_order) {
        early_.put(tree_, key, value);
        if (defect == Defect::bulk_is_seen_early) engine_->engine_->write(early_);
      }
      if (defect != Defect::bulk_takes_any_order) loader_->put(key, value);
    }

    void finish() {
      engine_->engine_->write(early_);
      loader_->finish();
      loader_.reset();
    }

   private:
    DefectiveEngine* engine_;
    Tree tree_;
    WriteBatch early_;
    std::optional<FullEngine::Loader> loader_;
  };

  class Transaction {
   public:
    explicit Transaction(DefectiveEngine& engine)
        : engine_(&engine),
          mine_(engine.engine_->begin_transaction()),
          base_(engine.engine_->snapshot()) {}

    [[nodiscard]] auto get(Tree tree, BytesView key) const {
      return around() ? base_.get(tree, key) : mine_.get(tree, key);
    }
    [[nodiscard]] bool contains(Tree tree, BytesView key) const {
      return around() ? base_.contains(tree, key) : mine_.contains(tree, key);
    }
    [[nodiscard]] auto scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
      return around() ? base_.scan(tree, range, order) : mine_.scan(tree, range, order);
    }
    void put(Tree tree, BytesView key, BytesView value) {
      mine_.put(tree, key, value);
      batch_.put(tree, key, value);
    }
    void erase(Tree tree, BytesView key) {
      mine_.erase(tree, key);
      batch_.erase(tree, key);
    }
    void erase_range(Tree tree, KeyRange range) {
      mine_.erase_range(tree, range);
      batch_.erase_range(tree, range);
    }
    [[nodiscard]] bool commit(Durability durability) {
      if (engine_->defect_ != Defect::transaction_always_wins) return mine_.commit(durability);
      engine_->engine_->write(batch_);
      return true;
    }

   private:
    [[nodiscard]] bool around() const {
      return engine_->defect_ == Defect::transaction_reads_around_itself;
    }

    DefectiveEngine* engine_;
    FullEngine::Transaction mine_;
    FullEngine::Snapshot base_;
    WriteBatch batch_;
  };

  explicit DefectiveEngine(Defect defect, FullEngine engine = FullEngine())
      : defect_(defect), engine_(std::make_unique<FullEngine>(std::move(engine))) {}

  DefectiveEngine(DefectiveEngine&& other) noexcept
      : defect_(other.defect_), engine_(std::move(other.engine_)) {
    if (defect_ == Defect::move_forgets) engine_ = std::make_unique<FullEngine>();
  }
  DefectiveEngine& operator=(DefectiveEngine&&) = delete;
  ~DefectiveEngine() = default;

  [[nodiscard]] std::optional<Value> get(Tree tree, BytesView key) const {
    tree = inside(tree);
    if (defect_ == Defect::empty_key_is_refused && key.empty()) refuse("an empty key");
    if (defect_ == Defect::get_takes_a_prefix && !key.empty()) {
      const auto found = engine_->scan(tree, KeyRange::prefix(key));
      if (!found.valid()) return std::nullopt;
      return Value(*engine_->get(tree, found.entry().key));
    }
    auto found = engine_->get(tree, cut(key));
    if (!found) return std::nullopt;
    if (defect_ == Defect::empty_value_is_absent && found->view().empty()) return std::nullopt;
    Value value(std::move(*found));
    if (defect_ == Defect::value_is_read_late) value.engine_ = engine_.get();
    value.tree_ = tree;
    value.key_ = key;
    return value;
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    tree = inside(tree);
    if (defect_ == Defect::unknown_tree_is_empty && !engine_->snapshot().trees().contains(tree)) {
      return false;
    }
    if (defect_ == Defect::get_takes_a_prefix) return get(tree, key).has_value();
    return engine_->contains(tree, cut(key));
  }

  [[nodiscard]] varve::Scan<Cursor> scan(Tree tree, KeyRange range,
                                         Order order = Order::ascending) const {
    tree = inside(tree);
    const KeyBounds bounds(range);
    const bool live = defect_ == Defect::scan_sees_later_writes;
    Cursor cursor(live ? engine_.get() : nullptr, tree, bounds, order);
    auto& met = cursor.entries_;
    for (auto all = engine_->scan(tree, range); all.valid(); all.next()) {
      met.emplace_back(all.entry().key, all.entry().value);
    }
    if (defect_ == Defect::scan_misses_empty_values) {
      std::erase_if(met, [](const auto& entry) { return entry.second.empty(); });
    }
    const std::string last(bounds.last());
    if (defect_ == Defect::scan_takes_the_last && bounds.bounded() && !bounds.empty()) {
      if (const auto value = engine_->get(tree, last)) met.emplace_back(last, value->view());
    }
    if (defect_ == Defect::scan_misses_high_prefixes && !bounds.bounded() &&
        bounds.first().ends_with('\xff')) {
      met.clear();
    }
    if (defect_ == Defect::scan_is_signed) {
      std::sort(met.begin(), met.end(), [](const auto& a, const auto& b) {
        return std::lexicographical_compare(
            a.first.begin(), a.first.end(), b.first.begin(), b.first.end(), [](char x, char y) {
              return static_cast<signed char>(x) < static_cast<signed char>(y);
            });
      });
    }
    if (order == Order::descending) std::reverse(met.begin(), met.end());
    if (defect_ == Defect::scan_down_misses_the_last && order == Order::descending &&
        met.size() > 1) {
      met.pop_back();
    }
    if (defect_ == Defect::scan_of_nothing_finds && order == Order::descending &&
        !engine_->scan(tree, KeyRange::all()).valid()) {
      met.emplace_back("of the tree before", "");
    }
    return varve::Scan<Cursor>(std::move(cursor));
  }

  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<Value>> values) const {
    std::vector<BytesView> asked(keys.begin(), keys.end());
    if (defect_ == Defect::multi_get_sorts) std::sort(asked.begin(), asked.end());
    for (std::size_t i = 0; i < asked.size(); ++i) {
      auto value = get(tree, asked[i]);
      if (!value && defect_ == Defect::multi_get_keeps_old_values) continue;
      values[i].reset();
      if (value) values[i].emplace(std::move(*value));
    }
  }

  [[nodiscard]] std::uint64_t approximate_count(Tree tree, KeyRange range) const {
    if (defect_ == Defect::count_is_zero) {
      static_cast<void>(engine_->contains(tree, "k"));
      return 0;
    }
    if (defect_ == Defect::unknown_tree_is_counted) {
      if (!engine_->snapshot().trees().contains(tree)) return 0;
    }
    return engine_->approximate_count(inside(tree), range);
  }

  [[nodiscard]] Snapshot snapshot() const { return Snapshot(*engine_, defect_); }

  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    if (defect_ == Defect::empty_batch_is_refused && batch.empty()) refuse("an empty batch");
    if (defect_ == Defect::reopening_loses_buffered && durability == Durability::buffered) {
      for (const WriteOp op : batch) {
        if (op.kind == WriteOpKind::put) volatile_.erase(op.tree, op.key);
      }
    }
    WriteBatch changed;
    for (const WriteOp op : batch) add(changed, op);
    if (defect_ == Defect::batch_erases_at_its_end) {
      WriteBatch erases;
      WriteBatch puts;
      for (const WriteOp op : batch) add(op.kind == WriteOpKind::put ? puts : erases, op);
      changed = std::move(puts.append(erases));
    }
    if (defect_ == Defect::largest_value_is_refused) {
      for (const WriteOp op : batch) {
        if (op.value.size() >= limits().max_value_bytes) refuse("max_value_bytes");
      }
    }
    if (defect_ == Defect::batch_stops_half_way || defect_ == Defect::limit_is_met_half_way ||
        defect_ == Defect::batch_limit_is_forgotten) {
      write_one_by_one(changed);
      return;
    }
    try {
      engine_->write(changed);
    } catch (const Error& error) {
      if (defect_ == Defect::limit_is_not_named && error.details().tree.empty()) refuse("too long");
      throw;
    }
  }

  void write_and_drop(const WriteBatch& batch, std::span<const Tree> dropped,
                      Durability durability) {
    if (defect_ != Defect::write_and_drop_in_parts) {
      engine_->write_and_drop(batch, dropped, durability);
      return;
    }
    engine_->write(batch);
    for (const Tree tree : dropped) engine_->drop_tree(tree);
  }

  [[nodiscard]] Loader bulk_loader(Tree tree) { return Loader(*this, tree); }
  [[nodiscard]] Transaction begin_transaction() { return Transaction(*this); }

  [[nodiscard]] Tree open_tree(BytesView tree_name) {
    if (defect_ == Defect::name_is_cut) tree_name = tree_name.substr(0, 255);
    if (defect_ == Defect::tree_is_opened_twice && find_tree(tree_name)) {
      return engine_->open_tree(std::string(tree_name) + "'");
    }
    const Tree tree = engine_->open_tree(tree_name);
    if (const auto before = dropped_.find(std::string(tree_name)); before != dropped_.end()) {
      aliases_[before->second] = tree;
      return before->second;
    }
    return outside(tree);
  }

  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const {
    if (defect_ == Defect::tree_name_ignores_case) {
      for (const TreeInfo& info : trees()) {
        if (std::equal(info.name.begin(), info.name.end(), tree_name.begin(), tree_name.end(),
                       [](unsigned char a, unsigned char b) {
                         return std::tolower(a) == std::tolower(b);
                       })) {
          return info.tree;
        }
      }
      return std::nullopt;
    }
    const auto found = engine_->find_tree(tree_name);
    if (!found) return std::nullopt;
    return outside(*found);
  }

  void drop_tree(Tree tree) {
    if (defect_ == Defect::id_is_given_again) {
      for (const TreeInfo& info : trees()) {
        if (info.tree == tree) dropped_[info.name] = tree;
      }
    }
    engine_->drop_tree(inside(tree));
    aliases_.erase(tree);
  }

  [[nodiscard]] std::vector<TreeInfo> trees() const {
    std::vector<TreeInfo> infos = engine_->trees();
    if (defect_ == Defect::trees_hide_the_reserved) {
      std::erase_if(infos, [](const TreeInfo& info) { return info.tree.reserved(); });
    }
    for (TreeInfo& info : infos) info.tree = outside(info.tree);
    return infos;
  }

  void flush() {
    if (defect_ != Defect::flush_forgets) return;
    for (const TreeInfo& info : engine_->trees()) {
      if (engine_->contains(info.tree, "a")) {
        engine_->write(WriteBatch().erase(info.tree, "a"));
      }
    }
  }

  [[nodiscard]] std::uint64_t size_on_disk() const { return 0; }

  [[nodiscard]] varve::Limits limits() const { return engine_->limits(); }

  void compact(Tree tree, KeyRange range) {
    if (defect_ != Defect::unknown_tree_is_compacted) engine_->compact(tree, range);
    if (defect_ == Defect::compact_forgets) engine_->write(WriteBatch().erase_range(tree, range));
  }

  void checkpoint(const std::string& directory) {
    if (defect_ == Defect::checkpoint_overwrites) std::filesystem::remove_all(directory);
    if (defect_ != Defect::checkpoint_lacks_the_reserved) return engine_->checkpoint(directory);
    const FullEngine copy = copied(engine_->trees());
    FullEngine cleared = copied(engine_->trees());
    for (const TreeInfo& info : copy.trees()) {
      if (!info.tree.reserved()) continue;
      cleared.write(WriteBatch().erase_range(info.tree, KeyRange::all()));
    }
    cleared.checkpoint(directory);
  }

  [[nodiscard]] std::uint64_t last_sequence() const { return engine_->last_sequence(); }
  [[nodiscard]] auto tail(std::uint64_t sequence) const {
    return engine_->tail(sequence + (defect_ == Defect::tail_skips_one ? 1 : 0));
  }

  /// What is there after this engine was closed and opened again.
  [[nodiscard]] std::unique_ptr<DefectiveEngine> reopened(const std::string& directory) {
    engine_->write(volatile_);
    std::vector<TreeInfo> infos = engine_->trees();
    if (defect_ == Defect::reopening_gives_new_ids) std::reverse(infos.begin(), infos.end());
    if (defect_ == Defect::reopening_gives_new_ids ||
        defect_ == Defect::reopening_forgets_numbers) {
      return std::make_unique<DefectiveEngine>(defect_, copied(infos));
    }
    engine_->checkpoint(directory);
    return std::make_unique<DefectiveEngine>(defect_, FullEngine::from_checkpoint(directory));
  }

 private:
  [[noreturn]] static void refuse(const std::string& what) {
    throw Error(ErrorKind::invalid_argument,
                {.message = what + " is refused", .layer = "defective"});
  }

  [[nodiscard]] BytesView cut(BytesView key) const {
    return defect_ == Defect::zero_ends_a_key ? key.substr(0, key.find('\0', 1)) : key;
  }

  [[nodiscard]] Tree inside(Tree tree) const {
    if (const auto alias = aliases_.find(tree); alias != aliases_.end()) return alias->second;
    if (defect_ == Defect::reserved_is_not_marked) {
      const Tree reserved(tree.number(), varve::reserved_prefix);
      if (engine_->snapshot().trees().contains(reserved)) return reserved;
    }
    if (defect_ == Defect::trees_share_records && tree.number() > 16 && tree.number() < 100) {
      return Tree(tree.number() - 16, "");
    }
    return tree;
  }

  [[nodiscard]] Tree outside(Tree tree) const {
    for (const auto& [given, real] : aliases_) {
      if (real == tree) return given;
    }
    return defect_ == Defect::reserved_is_not_marked ? Tree(tree.number(), "") : tree;
  }

  void add(WriteBatch& batch, const WriteOp& op) const {
    const Tree tree = inside(op.tree);
    switch (op.kind) {
      case WriteOpKind::put:
        if (defect_ == Defect::put_keeps_the_first && engine_->snapshot().trees().contains(tree) &&
            engine_->contains(tree, op.key)) {
          return;
        }
        if (defect_ == Defect::record_is_lost && op.key == "2718") return;
        batch.put(tree, cut(op.key), op.value);
        return;
      case WriteOpKind::erase: batch.erase(tree, cut(op.key)); return;
      case WriteOpKind::erase_range:
        batch.erase_range(tree, KeyRange::between(op.key, op.value));
        if (defect_ == Defect::erase_range_takes_the_last) batch.erase(tree, op.value);
        return;
      case WriteOpKind::erase_from: batch.erase_range(tree, KeyRange::from(op.key)); return;
    }
  }

  void write_one_by_one(const WriteBatch& batch) {
    if (defect_ != Defect::batch_stops_half_way) {
      for (const WriteOp op : batch) static_cast<void>(engine_->contains(op.tree, op.key));
    }
    if (defect_ == Defect::batch_limit_is_forgotten) {
      for (const WriteOp op : batch) {
        if (op.key.size() > limits().max_key_bytes) refuse("max_key_bytes");
        if (op.value.size() > limits().max_value_bytes) refuse("max_value_bytes");
      }
    }
    for (const WriteOp op : batch) {
      WriteBatch one;
      add(one, op);
      engine_->write(one);
    }
  }

  [[nodiscard]] FullEngine copied(const std::vector<TreeInfo>& infos) const {
    FullEngine copy;
    for (const TreeInfo& info : infos) {
      const Tree tree = copy.open_tree(info.name);
      for (auto all = engine_->scan(info.tree, KeyRange::all()); all.valid(); all.next()) {
        copy.write(WriteBatch().put(tree, all.entry().key, all.entry().value));
      }
    }
    return copy;
  }

  Defect defect_;
  std::unique_ptr<FullEngine> engine_;
  std::map<Tree, Tree> aliases_;
  std::map<std::string, Tree> dropped_;
  WriteBatch volatile_;  ///< takes away what this engine does not keep
};

}  // namespace varve_test
