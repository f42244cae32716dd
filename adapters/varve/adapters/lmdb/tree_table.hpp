// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/error.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/tree.hpp>

#include <lmdb.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::lmdb {

/// A database that does not exist; LMDB answers EINVAL to whoever asks for it.
inline constexpr MDB_dbi no_database = std::numeric_limits<MDB_dbi>::max();

/// A tree that is or was, and the transactions that saw it: those from `born` up to before `died`.
struct TreeRecord {
  Tree tree;
  std::string name;
  MDB_dbi database = no_database;
  std::uint64_t born = 0;
  std::atomic<std::uint64_t> died{std::numeric_limits<std::uint64_t>::max()};
  TreeRecord* next = nullptr;

  [[nodiscard]] bool alive() const noexcept {
    return died.load(std::memory_order_acquire) == std::numeric_limits<std::uint64_t>::max();
  }
  [[nodiscard]] bool seen_by(std::uint64_t transaction) const noexcept {
    return born <= transaction && transaction < died.load(std::memory_order_acquire);
  }
};

/// The trees of an open engine, by number and by name. Looking one up by number waits for nobody;
/// records stay as long as the table, because old states are read through them.
class TreeTable {
 public:
  TreeTable() {
    for (auto& database : low_) database.store(no_database, std::memory_order_relaxed);
  }
  TreeTable(const TreeTable&) = delete;
  TreeTable& operator=(const TreeTable&) = delete;
  ~TreeTable() {
    while (records_ != nullptr) {
      const std::unique_ptr<TreeRecord> gone(records_);
      records_ = gone->next;
    }
  }

  /// Whether `low_database` knows the tree: those with low numbers and names that are not reserved.
  [[nodiscard]] static constexpr bool is_low(Tree tree) noexcept { return tree.id() < low_count; }

  [[nodiscard]] MDB_dbi low_database(Tree tree) const noexcept {
    return low_[tree.id()].load(std::memory_order_acquire);
  }

  /// The database of a tree, or `no_database` where there is no such tree (any more).
  [[nodiscard]] MDB_dbi database(Tree tree) const noexcept {
    return is_low(tree) ? low_database(tree) : far_database(tree);
  }

  /// What is known of a tree that is or was; null where it never was.
  [[nodiscard]] const TreeRecord* find(Tree tree) const noexcept {
    const std::uint32_t number = tree.number();
    const Middle* const middle = top_[number >> 20U].load(std::memory_order_acquire);
    if (middle == nullptr) return nullptr;
    const Leaf* const leaf = (*middle)[(number >> 10U) & 1023U].load(std::memory_order_acquire);
    if (leaf == nullptr) return nullptr;
    const TreeRecord* const record = (*leaf)[number & 1023U].load(std::memory_order_acquire);
    return record != nullptr && record->tree == tree ? record : nullptr;
  }

  [[nodiscard]] std::optional<Tree> find(BytesView name) const {
    const std::lock_guard lock(mutex_);
    const auto at = alive_.find(name);
    if (at == alive_.end()) return std::nullopt;
    return at->second->tree;
  }

  [[nodiscard]] std::vector<TreeInfo> list() const {
    const std::lock_guard lock(mutex_);
    std::vector<TreeInfo> infos;
    infos.reserve(alive_.size());
    for (const auto& [name, record] : alive_) infos.push_back({record->tree, name});
    return infos;
  }

  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return alive_.size();
  }

  /// A tree as messages name it: by its name, or "#id" where there is none.
  [[nodiscard]] std::string label(Tree tree) const {
    const TreeRecord* const record = find(tree);
    return record != nullptr ? record->name : "#" + std::to_string(tree.id());
  }

  /// A tree that is ready to be made known; from here on nothing can fail.
  class Prepared {
   private:
    friend class TreeTable;
    std::unique_ptr<TreeRecord> record_;
    std::map<std::string, TreeRecord*, std::less<>> name_;
    std::atomic<TreeRecord*>* place_ = nullptr;
  };

  /// Called by one thread at a time.
  [[nodiscard]] Prepared prepare(std::uint32_t number, BytesView name, MDB_dbi database,
                                 std::uint64_t born) {
    Prepared prepared;
    prepared.record_ = std::make_unique<TreeRecord>();
    prepared.record_->tree = Tree(number, name);
    prepared.record_->name = name;
    prepared.record_->database = database;
    prepared.record_->born = born;
    prepared.name_.emplace(name, prepared.record_.get());
    prepared.place_ = &place_of(number);
    return prepared;
  }

  Tree add(Prepared prepared) noexcept {
    const std::lock_guard lock(mutex_);
    alive_.merge(prepared.name_);
    TreeRecord* const record = prepared.record_.release();
    record->next = records_;
    records_ = record;
    prepared.place_->store(record, std::memory_order_release);
    const Tree tree = record->tree;
    if (is_low(tree)) low_[tree.id()].store(record->database, std::memory_order_release);
    return tree;
  }

  /// The tree is not there from transaction `died` on. Called before that is committed: whoever
  /// reads the emptied database finds the tree dropped.
  void remove(Tree tree, std::uint64_t died) noexcept {
    const std::lock_guard lock(mutex_);
    TreeRecord* const record = place_of(tree.number()).load(std::memory_order_relaxed);
    record->died.store(died, std::memory_order_seq_cst);
    if (is_low(tree)) low_[tree.id()].store(no_database, std::memory_order_seq_cst);
    alive_.erase(alive_.find(record->name));
  }

  /// Takes `remove` back, where that was not committed.
  void restore(Tree tree) {
    const std::lock_guard lock(mutex_);
    TreeRecord* const record = place_of(tree.number()).load(std::memory_order_relaxed);
    record->died.store(std::numeric_limits<std::uint64_t>::max(), std::memory_order_release);
    if (is_low(tree)) low_[tree.id()].store(record->database, std::memory_order_release);
    alive_.emplace(record->name, record);
  }

 private:
  static constexpr std::uint32_t low_count = 256;

  using Leaf = std::array<std::atomic<TreeRecord*>, 1024>;
  using Middle = std::array<std::atomic<Leaf*>, 1024>;

  [[nodiscard]] MDB_dbi far_database(Tree tree) const noexcept {
    const TreeRecord* const record = find(tree);
    return record != nullptr && record->alive() ? record->database : no_database;
  }

  /// Called by one thread at a time.
  [[nodiscard]] std::atomic<TreeRecord*>& place_of(std::uint32_t number) {
    std::atomic<Middle*>& middle = top_[number >> 20U];
    if (middle.load(std::memory_order_relaxed) == nullptr) {
      middles_.push_back(std::make_unique<Middle>());
      middle.store(middles_.back().get(), std::memory_order_release);
    }
    std::atomic<Leaf*>& leaf = (*middle.load(std::memory_order_relaxed))[(number >> 10U) & 1023U];
    if (leaf.load(std::memory_order_relaxed) == nullptr) {
      leaves_.push_back(std::make_unique<Leaf>());
      leaf.store(leaves_.back().get(), std::memory_order_release);
    }
    return (*leaf.load(std::memory_order_relaxed))[number & 1023U];
  }

  std::array<std::atomic<MDB_dbi>, low_count> low_;
  std::array<std::atomic<Middle*>, 2048> top_{};
  std::vector<std::unique_ptr<Middle>> middles_;
  std::vector<std::unique_ptr<Leaf>> leaves_;

  mutable std::mutex mutex_;
  TreeRecord* records_ = nullptr;  ///< all that were ever added, owned
  std::map<std::string, TreeRecord*, std::less<>> alive_;
};

}  // namespace varve::lmdb
