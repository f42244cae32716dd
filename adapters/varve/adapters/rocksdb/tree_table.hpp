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
  TreeState* older = nullptr;  ///< taken in before this one

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
  TreeTable(const TreeTable&) = delete;
  TreeTable& operator=(const TreeTable&) = delete;

  ~TreeTable() {
    while (newest_ != nullptr) delete std::exchange(newest_, newest_->older);
    for (const Slots* at = slots_.load(std::memory_order_relaxed); at != nullptr;) {
      delete std::exchange(at, at->smaller);
    }
  }

  /// The column family of a tree that is there, or null.
  [[nodiscard]] rocksdb::ColumnFamilyHandle* find(Tree tree) const noexcept {
    const Slots* const slots = slots_.load(std::memory_order_acquire);
    const std::uint32_t number = tree.number();
    if (number >= slots->size) [[unlikely]]
      return nullptr;
    return slots->slots[number].live.load(std::memory_order_acquire);
  }

  /// The column family of a tree that was there at `time`, or null.
  [[nodiscard]] rocksdb::ColumnFamilyHandle* find_at(Tree tree, std::uint64_t time) const noexcept {
    const Slots* const slots = slots_.load(std::memory_order_acquire);
    if (tree.number() >= slots->size) return nullptr;
    const TreeState* const state =
        slots->slots[tree.number()].known.load(std::memory_order_acquire);
    return state != nullptr && state->lived_at(time) ? state->handle : nullptr;
  }

  /// The name of a tree that is or was there, or "#id".
  [[nodiscard]] std::string name_of(Tree tree) const {
    const Slots* const slots = slots_.load(std::memory_order_acquire);
    if (tree.number() < slots->size) {
      const TreeState* const state =
          slots->slots[tree.number()].known.load(std::memory_order_acquire);
      if (state != nullptr) return state->name;
    }
    return "#" + std::to_string(tree.number());
  }

  // Below: one thread at a time.

  [[nodiscard]] std::uint64_t time() const noexcept { return time_; }

  /// The column family of that name, a tree or not yet one.
  [[nodiscard]] TreeState* find_named(BytesView name) const noexcept {
    TreeState* state = newest_;
    while (state != nullptr && (state->name != name || state->dead())) state = state->older;
    return state;
  }

  /// The trees that are there, by number.
  [[nodiscard]] std::vector<TreeInfo> list() const {
    std::vector<TreeInfo> listed;
    const Slots& slots = *slots_.load(std::memory_order_relaxed);
    for (std::uint32_t i = 0; i < slots.size; ++i) {
      const TreeState* const state = slots.slots[i].known.load(std::memory_order_relaxed);
      if (state != nullptr && state->alive()) listed.push_back({state->tree, state->name});
    }
    return listed;
  }

  /// The column family taken in last, of which the others hang; dropped ones too.
  [[nodiscard]] const TreeState* newest() const noexcept { return newest_; }

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
    state->older = newest_;
    newest_ = state.release();
    return *newest_;
  }

  void publish(TreeState& state) noexcept {
    Slot& slot = slot_of(state);
    state.born.store(++time_, std::memory_order_release);
    slot.known.store(&state, std::memory_order_release);
    slot.live.store(state.handle, std::memory_order_release);
  }

  /// From here on nobody finds the tree, but for those who look into the past.
  void withdraw(TreeState& state) noexcept {
    slot_of(state).live.store(nullptr, std::memory_order_release);
    state.died.store(++time_, std::memory_order_release);
  }

 private:
  struct Slot {
    std::atomic<rocksdb::ColumnFamilyHandle*> live{nullptr};
    std::atomic<const TreeState*> known{nullptr};
  };

  /// The slots by number. Those that became too few stay, for a reader may look at them.
  struct Slots {
    Slots(std::uint32_t count, const Slots* before)
        : size(count), slots(new Slot[count]), smaller(before) {}
    Slots(const Slots&) = delete;
    Slots& operator=(const Slots&) = delete;
    ~Slots() { delete[] slots; }

    std::uint32_t size;
    Slot* slots;
    const Slots* smaller;
  };

  [[nodiscard]] Slot& slot_of(const TreeState& state) const noexcept {
    return slots_.load(std::memory_order_relaxed)->slots[state.tree.number()];
  }

  void grow(std::uint32_t size) {
    const Slots* const old = slots_.load(std::memory_order_relaxed);
    const auto* const grown = new Slots(size, old);
    for (std::uint32_t i = 0; old != nullptr && i < old->size; ++i) {
      grown->slots[i].live.store(old->slots[i].live.load(std::memory_order_relaxed),
                                 std::memory_order_relaxed);
      grown->slots[i].known.store(old->slots[i].known.load(std::memory_order_relaxed),
                                  std::memory_order_relaxed);
    }
    slots_.store(grown, std::memory_order_release);
  }

  std::atomic<const Slots*> slots_{nullptr};
  TreeState* newest_ = nullptr;
  std::uint64_t time_ = 0;
};

}  // namespace varve::detail::rocks
