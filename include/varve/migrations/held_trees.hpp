// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/follow_tables.hpp>
#include <varve/migrations/ledger.hpp>

#include <algorithm>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail {

/// The trees that are hidden and whose records are kept.
class HeldTrees {
 public:
  template <KvEngine E>
  void load(E& engine) {
    std::vector<std::string> names;
    for (const auto& [name, record] : Ledger<E>(engine).trees()) {
      if (is_hidden(record.state)) names.push_back(name);
    }
    const std::lock_guard lock(shared_->shown);
    shared_->names = std::move(names);
  }

  [[nodiscard]] std::vector<std::string> names() const {
    const std::shared_lock lock(shared_->shown);
    return shared_->names;
  }

  [[nodiscard]] bool contains(BytesView name) const {
    const std::shared_lock lock(shared_->shown);
    const auto& names = shared_->names;
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  /// Removes the records of a tree for good. Safe to be killed at any moment:
  /// the next opening goes on with it.
  template <KvEngine E>
  void purge(E& engine, BytesView name) {
    const std::lock_guard one_at_a_time(shared_->changing);
    check("purge", name);
    Ledger<E> ledger(engine);
    LedgerTree record = *ledger.tree(name);
    record.state = TreeState::dropping;
    WriteBatch batch;
    ledger.put(batch, name, record);
    forget_table(engine, batch, name);
    engine.write(batch, Durability::synced);
    finish_purge(engine, ledger, std::string(name));
    load(engine);
  }

  /// Shows a tree again that a step dropped.
  template <KvEngine E>
  void take_back(E& engine, BytesView name) {
    const std::lock_guard one_at_a_time(shared_->changing);
    check("take_back", name);
    Ledger<E> ledger(engine);
    if (ledger.tree(name)->state == TreeState::withdrawn) {
      refuse("take_back", name,
             "the step that made this tree was taken back: it comes back with "
             "the step");
    }
    WriteBatch batch;
    ledger.erase_tree(batch, name);
    engine.write(batch, Durability::synced);
    load(engine);
  }

  /// Goes on with what was interrupted.
  template <KvEngine E>
  static void finish_purges(E& engine, Ledger<E>& ledger) {
    for (const auto& [name, record] : ledger.trees()) {
      if (record.state == TreeState::dropping) finish_purge(engine, ledger, name);
    }
  }

  void refuse_open(BytesView name) const {
    if (!contains(name)) return;
    refuse("open_tree", name,
           "a step dropped this tree and its records are still held: purge it "
           "before you make "
           "another of its name, or take it back");
  }

 private:
  [[nodiscard]] static bool is_hidden(TreeState state) noexcept {
    return state == TreeState::held || state == TreeState::withdrawn;
  }

  template <KvEngine E>
  static void finish_purge(E& engine, Ledger<E>& ledger, const std::string& name) {
    if (const auto tree = engine.find_tree(name)) engine.drop_tree(*tree);
    WriteBatch batch;
    ledger.erase_tree(batch, name);
    engine.write(batch, Durability::synced);
  }

  void check(const char* operation, BytesView name) const {
    if (contains(name)) return;
    refuse(operation, name, "no step has dropped this tree, or it is purged: see held_trees");
  }

  [[noreturn]] static void refuse(const char* operation, BytesView name, const char* message) {
    throw Error(ErrorKind::invalid_argument, {.message = message,
                                              .operation = operation,
                                              .tree = std::string(name),
                                              .layer = "migrated"});
  }

  struct Shared {
    std::mutex changing;
    std::shared_mutex shown;
    std::vector<std::string> names;
  };

  std::unique_ptr<Shared> shared_ = std::make_unique<Shared>();
};

}  // namespace varve::detail
