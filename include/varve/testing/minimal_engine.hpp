// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

namespace varve::testing {

struct MinimalOptions {
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

/// The concept and nothing more: a `KvEngine` in memory without a single refinement, correct and
/// slow. Every layer is compiled and checked over it.
///
/// Models      `KvEngine`; it forgets, as `VolatileEngine` says.
/// Errors      `invalid_argument` for an unknown tree and for a breach of its limits.
/// Durability  none: it forgets everything when it dies.
/// Threads     any number of readers and writers. A read copies what it answers.
class MinimalEngine {
 public:
  using Options = MinimalOptions;

  static constexpr BytesView name = "minimal";
  static constexpr bool is_volatile = true;

  class Value {
   public:
    explicit Value(std::string bytes) noexcept : bytes_(std::move(bytes)) {}
    [[nodiscard]] BytesView view() const noexcept { return bytes_; }

   private:
    std::string bytes_;
  };

  class Cursor {
   public:
    using Entries = std::vector<std::pair<std::string, std::string>>;

    explicit Cursor(Entries entries) noexcept : entries_(std::move(entries)) {}
    [[nodiscard]] bool valid() const noexcept { return at_ != entries_.size(); }
    [[nodiscard]] Entry entry() const { return {entries_[at_].first, entries_[at_].second}; }
    void next() { ++at_; }

   private:
    Entries entries_;
    std::size_t at_ = 0;
  };

  explicit MinimalEngine(MinimalOptions options = {}) : state_(new State{.options = options}) {}

  [[nodiscard]] const MinimalOptions& options() const noexcept { return state_->options; }

  [[nodiscard]] std::optional<Value> get(Tree tree, BytesView key) const {
    const std::shared_lock lock(state_->mutex);
    const Entries& entries = state_->find(tree, "get").entries;
    const auto at = entries.find(key);
    if (at == entries.end()) return std::nullopt;
    return Value(at->second);
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    const std::shared_lock lock(state_->mutex);
    return state_->find(tree, "contains").entries.contains(key);
  }

  [[nodiscard]] Scan<Cursor> scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    const KeyBounds bounds(range);
    const std::shared_lock lock(state_->mutex);
    const Entries& entries = state_->find(tree, "scan").entries;
    Cursor::Entries met;
    if (!bounds.empty()) {
      met.assign(entries.lower_bound(bounds.first()),
                 bounds.bounded() ? entries.lower_bound(bounds.last()) : entries.end());
    }
    if (order == Order::descending) std::reverse(met.begin(), met.end());
    return Scan<Cursor>(Cursor(std::move(met)));
  }

  void write(const WriteBatch& batch, Durability /*durability*/ = Durability::synced) {
    const std::unique_lock lock(state_->mutex);
    state_->check(batch);
    for (const WriteOp op : batch) apply(state_->find(op.tree, "write").entries, op);
  }

  [[nodiscard]] Tree open_tree(BytesView tree_name) {
    check_tree_name(tree_name, name);
    const std::unique_lock lock(state_->mutex);
    if (const auto found = state_->find(tree_name)) return *found;
    const Tree tree(++state_->last_number, tree_name);
    state_->trees.emplace(tree, Keyspace{.name = std::string(tree_name), .entries = {}});
    return tree;
  }

  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const {
    const std::shared_lock lock(state_->mutex);
    return state_->find(tree_name);
  }

  void drop_tree(Tree tree) {
    const std::unique_lock lock(state_->mutex);
    static_cast<void>(state_->find(tree, "drop_tree"));
    state_->trees.erase(tree);
  }

  [[nodiscard]] std::vector<TreeInfo> trees() const {
    const std::shared_lock lock(state_->mutex);
    std::vector<TreeInfo> infos;
    for (const auto& [tree, keyspace] : state_->trees) infos.push_back({tree, keyspace.name});
    return infos;
  }

  void flush() {}

  [[nodiscard]] std::uint64_t size_on_disk() const { return 0; }

  [[nodiscard]] Limits limits() const {
    return {.max_key_bytes = options().max_key_bytes,
            .max_value_bytes = options().max_value_bytes,
            .max_batch_bytes = options().max_batch_bytes};
  }

 private:
  using Entries = std::map<std::string, std::string, std::less<>>;

  struct Keyspace {
    std::string name;
    Entries entries;
  };

  struct State {
    MinimalOptions options;
    mutable std::shared_mutex mutex{};
    std::map<Tree, Keyspace> trees{};
    std::uint32_t last_number = 0;

    [[nodiscard]] Keyspace& find(Tree tree, const char* operation) {
      const auto at = trees.find(tree);
      if (at != trees.end()) return at->second;
      throw Error(ErrorKind::invalid_argument,
                  {.message = "there is no such tree; open_tree gives one by its name",
                   .operation = operation,
                   .tree = "#" + std::to_string(tree.id()),
                   .layer = std::string(name)});
    }

    [[nodiscard]] std::optional<Tree> find(BytesView tree_name) const {
      for (const auto& [tree, keyspace] : trees) {
        if (keyspace.name == tree_name) return tree;
      }
      return std::nullopt;
    }

    void check(const WriteBatch& batch) {
      check_limit(batch.bytes().size(), options.max_batch_bytes, "max_batch_bytes");
      for (const WriteOp op : batch) {
        static_cast<void>(find(op.tree, "write"));
        if (op.kind == WriteOpKind::erase_range || op.kind == WriteOpKind::erase_from) continue;
        check_limit(op.key.size(), options.max_key_bytes, "max_key_bytes");
        check_limit(op.value.size(), options.max_value_bytes, "max_value_bytes");
      }
    }

    static void check_limit(std::uint64_t size, std::uint64_t limit, const char* limit_name) {
      if (size <= limit) return;
      throw Error(ErrorKind::invalid_argument,
                  {.message = std::to_string(size) + " bytes are more than " + limit_name + ", " +
                              std::to_string(limit),
                   .operation = "write",
                   .layer = std::string(name)});
    }
  };

  static void apply(Entries& entries, const WriteOp& op) {
    switch (op.kind) {
      case WriteOpKind::put:
        entries.insert_or_assign(std::string(op.key), std::string(op.value));
        return;
      case WriteOpKind::erase:
        if (const auto at = entries.find(op.key); at != entries.end()) entries.erase(at);
        return;
      case WriteOpKind::erase_range:
        entries.erase(entries.lower_bound(op.key), entries.lower_bound(op.value));
        return;
      case WriteOpKind::erase_from:
        entries.erase(entries.lower_bound(op.key), entries.end());
        return;
    }
  }

  std::unique_ptr<State> state_;
};

}  // namespace varve::testing
