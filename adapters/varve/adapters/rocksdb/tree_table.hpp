// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/rocksdb/errors.hpp>
#include <varve/concepts/tree.hpp>

#include <rocksdb/db.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail::rocks {

/// A column family that is or was a tree. Times are counts of trees that came or went.
struct TreeState {
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

  Tree tree;
  std::string name;
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  std::atomic<std::uint64_t> born{never};
  std::atomic<std::uint64_t> died{never};

  [[nodiscard]] bool dead() const noexcept { return died.load(std::memory_order_relaxed) != never; }

  /// Whether it is a tree now.
  [[nodiscard]] bool alive() const noexcept {
    return born.load(std::memory_order_relaxed) != never && !dead();
  }

  [[nodiscard]] bool lived_at(std::uint64_t time) const noexcept {
    return born.load(std::memory_order_acquire) <= time &&
           time < died.load(std::memory_order_acquire);
  }
};

/// From a tree to its column family. Looking up takes no lock; a change is made by one thread at a
/// time. What was once looked up stays usable until the table is destroyed, for a reader may hold
/// it: so the files of a dropped tree are given back when the store is closed.
class TreeTable {
 public:
  TreeTable() { grow(64); }

  /// The column family of a tree that is there, or null.
  [[nodiscard]] rocksdb::ColumnFamilyHandle* find(Tree tree) const noexcept {
    const Slots* const slots = slots_.load(std::memory_order_acquire);
    const std::uint32_t number = tree.number();
    if (number >= slots->size) [[unlikely]]
      return nullptr;
    return slots->live[number].load(std::memory_order_acquire);
  }

  /// The column family of a tree that was there at `time`, or null.
  [[nodiscard]] rocksdb::ColumnFamilyHandle* find_at(Tree tree, std::uint64_t time) const noexcept {
    const Slots* const slots = slots_.load(std::memory_order_acquire);
    if (tree.number() >= slots->size) return nullptr;
    const TreeState* const state = slots->known[tree.number()].load(std::memory_order_acquire);
    return state != nullptr && state->lived_at(time) ? state->handle : nullptr;
  }

  /// The name of a tree that is or was there, or "#id".
  [[nodiscard]] std::string name_of(Tree tree) const {
    const Slots* const slots = slots_.load(std::memory_order_acquire);
    if (tree.number() < slots->size) {
      const TreeState* const state = slots->known[tree.number()].load(std::memory_order_acquire);
      if (state != nullptr) return state->name;
    }
    return "#" + std::to_string(tree.number());
  }

  // Below: one thread at a time.

  [[nodiscard]] std::uint64_t time() const noexcept { return time_; }

  /// The column family of that name, a tree or not yet one.
  [[nodiscard]] TreeState* find_named(BytesView name) const noexcept {
    for (const auto& state : states_) {
      if (state->name == name && !state->dead()) return state.get();
    }
    return nullptr;
  }

  /// The trees that are there, by number.
  [[nodiscard]] std::vector<TreeInfo> list() const {
    std::vector<TreeInfo> listed;
    const Slots& slots = *slots_.load(std::memory_order_relaxed);
    for (std::uint32_t i = 0; i < slots.size; ++i) {
      const TreeState* const state = slots.known[i].load(std::memory_order_relaxed);
      if (state != nullptr && state->alive()) listed.push_back({state->tree, state->name});
    }
    return listed;
  }

  [[nodiscard]] const std::vector<std::unique_ptr<TreeState>>& states() const noexcept {
    return states_;
  }

  /// Takes in a column family; it is a tree once `publish` was called.
  TreeState& add(rocksdb::ColumnFamilyHandle* handle) {
    const std::uint32_t number = handle->GetID();
    while (number >= slots_.load(std::memory_order_relaxed)->size) {
      grow(2 * slots_.load(std::memory_order_relaxed)->size);
    }
    auto state = std::make_unique<TreeState>();
    state->name = handle->GetName();
    state->tree = Tree(number, state->name);
    state->handle = handle;
    states_.push_back(std::move(state));
    return *states_.back();
  }

  void publish(TreeState& state) noexcept {
    const Slots& slots = *slots_.load(std::memory_order_relaxed);
    state.born.store(++time_, std::memory_order_release);
    slots.known[state.tree.number()].store(&state, std::memory_order_release);
    slots.live[state.tree.number()].store(state.handle, std::memory_order_release);
  }

  /// From here on nobody finds the tree, but for those who look into the past.
  void withdraw(TreeState& state) noexcept {
    const Slots& slots = *slots_.load(std::memory_order_relaxed);
    slots.live[state.tree.number()].store(nullptr, std::memory_order_release);
    state.died.store(++time_, std::memory_order_release);
  }

 private:
  struct Slots {
    explicit Slots(std::uint32_t count)
        : size(count),
          live(new std::atomic<rocksdb::ColumnFamilyHandle*>[count] {}),
          known(new std::atomic<const TreeState*>[count] {}) {}

    std::uint32_t size;
    std::unique_ptr<std::atomic<rocksdb::ColumnFamilyHandle*>[]> live;
    std::unique_ptr<std::atomic<const TreeState*>[]> known;
  };

  void grow(std::uint32_t size) {
    auto grown = std::make_unique<Slots>(size);
    if (!all_slots_.empty()) {
      const Slots& old = *all_slots_.back();
      for (std::uint32_t i = 0; i < old.size; ++i) {
        grown->live[i].store(old.live[i].load(std::memory_order_relaxed),
                             std::memory_order_relaxed);
        grown->known[i].store(old.known[i].load(std::memory_order_relaxed),
                              std::memory_order_relaxed);
      }
    }
    all_slots_.push_back(std::move(grown));
    slots_.store(all_slots_.back().get(), std::memory_order_release);
  }

  std::atomic<const Slots*> slots_{nullptr};
  std::vector<std::unique_ptr<Slots>> all_slots_;
  std::vector<std::unique_ptr<TreeState>> states_;
  std::uint64_t time_ = 0;
};

}  // namespace varve::detail::rocks
