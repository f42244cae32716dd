// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/full_engine.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

/// Engines with one defect each, on which the testing kit is tested.
namespace varve_test {

using varve::BytesView;
using varve::Durability;
using varve::Entry;
using varve::Error;
using varve::KeyBounds;
using varve::KeyRange;
using varve::Order;
using varve::Scan;
using varve::Tree;
using varve::TreeInfo;
using varve::WriteBatch;
using varve::WriteOp;
using varve::WriteOpKind;
using varve::testing::FullEngine;

inline void add(WriteBatch& batch, const WriteOp& op) {
  switch (op.kind) {
    case WriteOpKind::put: batch.put(op.tree, op.key, op.value); break;
    case WriteOpKind::erase: batch.erase(op.tree, op.key); break;
    case WriteOpKind::erase_range:
      batch.erase_range(op.tree, KeyRange::between(op.key, op.value));
      break;
    case WriteOpKind::erase_from: batch.erase_range(op.tree, KeyRange::from(op.key)); break;
  }
}

struct LosesErases : FullEngine {
  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    WriteBatch kept;
    for (const WriteOp op : batch) {
      if (op.kind != WriteOpKind::erase) add(kept, op);
    }
    FullEngine::write(kept, durability);
  }
};

/// Takes the end of a range for part of it.
struct ErasesOneMore : FullEngine {
  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    WriteBatch more;
    for (const WriteOp op : batch) {
      add(more, op);
      if (op.kind == WriteOpKind::erase_range && op.value.size() <= limits().max_key_bytes) {
        more.erase(op.tree, op.value);
      }
    }
    FullEngine::write(more, durability);
  }
};

struct AppliesHalfABatch : FullEngine {
  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    try {
      FullEngine::write(batch, durability);
    } catch (const Error&) {
      for (const WriteOp op : batch) {
        WriteBatch one;
        add(one, op);
        FullEngine::write(one, durability);
      }
      throw;
    }
  }
};

/// Gives a batch in another order than it was made in.
struct AppliesBackwards : FullEngine {
  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    std::vector<WriteOp> ops(batch.begin(), batch.end());
    WriteBatch reversed;
    for (auto op = ops.rbegin(); op != ops.rend(); ++op) add(reversed, *op);
    FullEngine::write(reversed, durability);
  }
};

struct CutsTheLongestKeys : FullEngine {
  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    WriteBatch cut;
    for (WriteOp op : batch) {
      if (op.key.size() == limits().max_key_bytes) op.key.remove_suffix(1);
      add(cut, op);
    }
    FullEngine::write(cut, durability);
  }
};

/// Looks the next entry up in what the tree holds by then.
struct ScansSeeLaterWrites : FullEngine {
  class Cursor {
   public:
    Cursor(const FullEngine& engine, Tree tree, KeyRange range, Order order)
        : engine_(&engine), tree_(tree), bounds_(range), order_(order) {
      seek(KeyRange::all());
    }
    [[nodiscard]] bool valid() const noexcept { return valid_; }
    [[nodiscard]] Entry entry() const { return {key_, value_}; }
    void next() {
      const std::string after = key_ + '\0';
      const std::string at = key_;
      seek(order_ == Order::ascending ? KeyRange::from(after) : KeyRange::between("", at));
    }

   private:
    void seek(KeyRange rest) {
      valid_ = false;
      for (auto scan = engine_->scan(tree_, rest, order_); scan.valid(); scan.next()) {
        if (!bounds_.contains(scan.entry().key)) continue;
        key_ = scan.entry().key;
        value_ = scan.entry().value;
        valid_ = true;
        return;
      }
    }

    const FullEngine* engine_;
    Tree tree_;
    KeyBounds bounds_;
    Order order_;
    std::string key_;
    std::string value_;
    bool valid_ = false;
  };

  [[nodiscard]] Scan<Cursor> scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    return Scan<Cursor>(Cursor(*this, tree, range, order));
  }
};

/// Scans what `change` makes of the entries.
template <class Change>
struct ScansOtherwise : FullEngine {
  using Entries = std::vector<std::pair<std::string, std::string>>;

  class Cursor {
   public:
    explicit Cursor(Entries entries) : entries_(std::move(entries)) {}
    [[nodiscard]] bool valid() const noexcept { return at_ != entries_.size(); }
    [[nodiscard]] Entry entry() const { return {entries_[at_].first, entries_[at_].second}; }
    void next() { ++at_; }

   private:
    Entries entries_;
    std::size_t at_ = 0;
  };

  [[nodiscard]] Scan<Cursor> scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    Entries entries;
    for (const auto& [key, value] : FullEngine::scan(tree, range, order)) {
      entries.emplace_back(key, value);
    }
    Change()(entries, range, order);
    return Scan<Cursor>(Cursor(std::move(entries)));
  }
};

/// Compares keys as signed characters.
struct SortSigned {
  void operator()(auto& entries, KeyRange /*range*/, Order order) const {
    const auto less = [](const std::string& a, const std::string& b) {
      return std::lexicographical_compare(
          a.begin(), a.end(), b.begin(), b.end(),
          [](char x, char y) { return static_cast<signed char>(x) < static_cast<signed char>(y); });
    };
    std::sort(entries.begin(), entries.end(), [&](const auto& a, const auto& b) {
      return order == Order::ascending ? less(a.first, b.first) : less(b.first, a.first);
    });
  }
};
using OrdersSigned = ScansOtherwise<SortSigned>;

/// Takes the prefix with its last byte raised for its end, also where that byte is 0xFF.
struct RaiseLastByte {
  void operator()(auto& entries, KeyRange range, Order /*order*/) const {
    const BytesView first = range.first();
    if (first.empty() || first.back() != '\xff') return;
    std::string last(first);
    last.back() = '\0';
    if (!range.contains(std::string(first) + "\xff\xff\xff")) return;
    std::erase_if(entries, [&](const auto& entry) { return entry.first >= last; });
  }
};
using MissesPrefixesOf0xff = ScansOtherwise<RaiseLastByte>;

struct SkipFirstDescending {
  void operator()(auto& entries, KeyRange range, Order order) const {
    if (order == Order::descending && entries.size() > 1 && !range.contains("\xff\xff\xff")) {
      entries.erase(entries.begin());
    }
  }
};
using SkipsTheLastEntryDescending = ScansOtherwise<SkipFirstDescending>;

/// Reads what is there when it is asked.
struct SnapshotsSeeLaterWrites : FullEngine {
  class Snapshot {
   public:
    explicit Snapshot(const FullEngine& engine) noexcept : engine_(&engine) {}
    [[nodiscard]] auto get(Tree tree, BytesView key) const { return engine_->get(tree, key); }
    [[nodiscard]] bool contains(Tree tree, BytesView key) const {
      return engine_->contains(tree, key);
    }
    [[nodiscard]] auto scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
      return engine_->scan(tree, range, order);
    }

   private:
    const FullEngine* engine_;
  };

  [[nodiscard]] Snapshot snapshot() const { return Snapshot(*this); }
};

/// A value is a look at a buffer that the next write of its key overwrites.
struct ReusesTheMemoryOfValues : FullEngine {
  class Value {
   public:
    explicit Value(std::shared_ptr<std::string> bytes) noexcept : bytes_(std::move(bytes)) {}
    [[nodiscard]] BytesView view() const noexcept { return *bytes_; }

   private:
    std::shared_ptr<std::string> bytes_;
  };

  [[nodiscard]] std::optional<Value> get(Tree tree, BytesView key) const {
    const auto value = FullEngine::get(tree, key);
    if (!value) return std::nullopt;
    auto& buffer = buffers_[{tree, std::string(key)}];
    if (!buffer) buffer = std::make_shared<std::string>();
    *buffer = value->view();
    return Value(buffer);
  }

  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    FullEngine::write(batch, durability);
    for (const WriteOp op : batch) {
      const auto at = buffers_.find({op.tree, std::string(op.key)});
      if (at != buffers_.end() && op.kind == WriteOpKind::put) *at->second = op.value;
    }
  }

  void multi_get(Tree, std::span<const BytesView>, std::span<std::optional<Value>>) const = delete;

 private:
  mutable std::map<std::pair<Tree, std::string>, std::shared_ptr<std::string>> buffers_;
};

/// Empties a tree that is dropped, or not even that, and gives its id again.
template <bool Empties>
struct KeepsDroppedTrees : FullEngine {
  [[nodiscard]] Tree open_tree(BytesView tree_name) {
    const Tree tree = FullEngine::open_tree(tree_name);
    const auto at = dropped_.find(tree);
    if (at == dropped_.end()) return tree;
    dropped_.erase(at);
    return tree;
  }
  [[nodiscard]] std::optional<Tree> find_tree(BytesView tree_name) const {
    const auto tree = FullEngine::find_tree(tree_name);
    return tree && dropped_.contains(*tree) ? std::nullopt : tree;
  }
  void drop_tree(Tree tree) {
    check(tree);
    if (Empties) FullEngine::write(WriteBatch().erase_range(tree, KeyRange::all()));
    dropped_.insert(tree);
  }
  [[nodiscard]] std::optional<Value> get(Tree tree, BytesView key) const {
    check(tree);
    return FullEngine::get(tree, key);
  }
  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    check(tree);
    return FullEngine::contains(tree, key);
  }
  [[nodiscard]] Scan<Cursor> scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    check(tree);
    return FullEngine::scan(tree, range, order);
  }
  void write(const WriteBatch& batch, Durability durability = Durability::synced) {
    for (const WriteOp op : batch) check(op.tree);
    FullEngine::write(batch, durability);
  }
  [[nodiscard]] std::vector<TreeInfo> trees() const {
    std::vector<TreeInfo> infos = FullEngine::trees();
    std::erase_if(infos, [&](const TreeInfo& info) { return dropped_.contains(info.tree); });
    return infos;
  }

 private:
  void check(Tree tree) const {
    if (dropped_.contains(tree)) {
      throw Error(varve::ErrorKind::invalid_argument, {.message = "there is no such tree"});
    }
  }

  std::set<Tree> dropped_;
};
using GivesIdsAgain = KeepsDroppedTrees<true>;

/// Knows the ids of dropped trees still.
struct AnswersForDroppedTrees : FullEngine {
  void drop_tree(Tree tree) {
    FullEngine::drop_tree(tree);
    dropped_.insert(tree);
  }
  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    return !dropped_.contains(tree) && FullEngine::contains(tree, key);
  }

 private:
  std::set<Tree> dropped_;
};

/// Answers a key that is asked for twice only once.
struct AnswersKeysOnce : FullEngine {
  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<Value>> values) const {
    FullEngine::multi_get(tree, keys, values);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (keys[i] == keys[j]) values[i].reset();
      }
    }
  }
};

struct LoadsOnlyNewKeys : FullEngine {
  class Loader {
   public:
    Loader(FullEngine& engine, Tree tree)
        : engine_(&engine), tree_(tree), next_(engine.bulk_loader(tree)) {}
    void put(BytesView key, BytesView value) {
      if (!engine_->contains(tree_, key)) next_.put(key, value);
    }
    void finish() { next_.finish(); }

   private:
    FullEngine* engine_;
    Tree tree_;
    FullEngine::Loader next_;
  };

  [[nodiscard]] Loader bulk_loader(Tree tree) { return {*this, tree}; }
};

struct DropsWithoutWriting : FullEngine {
  void write_and_drop(const WriteBatch& batch, std::span<const Tree> dropped,
                      Durability durability) {
    for (const WriteOp op : batch) static_cast<void>(contains(op.tree, op.key));
    FullEngine::write_and_drop(dropped.empty() ? batch : WriteBatch(), dropped, durability);
  }
};

struct CompactsTooMuch : FullEngine {
  void compact(Tree tree, KeyRange range) {
    FullEngine::write(WriteBatch().erase_range(tree, range));
  }
};

}  // namespace varve_test
