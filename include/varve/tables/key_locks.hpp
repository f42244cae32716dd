// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/tree.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace varve::detail::tables {

inline constexpr std::size_t key_lock_count = 4096;

/// Locks over the keys of all tables of this process, by the hash of engine, tree and key: one
/// process has a store, and any number of handles on a table share what serialises its writers.
/// Words and not `std::mutex`: a large batch holds hundreds, more than ThreadSanitizer can follow.
/// 0 is free, 1 held, 2 held and waited for.
inline constinit std::atomic<int> key_locks[key_lock_count]{};

[[nodiscard]] inline std::uint32_t key_lock_of(const void* engine, Tree tree,
                                               BytesView key) noexcept {
  std::uint64_t hash = std::hash<BytesView>{}(key);
  hash ^=
      (std::uint64_t{tree.id()} + reinterpret_cast<std::uintptr_t>(engine)) * 0x9e3779b97f4a7c15U;
  return static_cast<std::uint32_t>((hash ^ (hash >> 32U)) % key_lock_count);
}

inline void lock_word(std::atomic<int>& word) noexcept {
  int seen = 0;
  if (word.compare_exchange_strong(seen, 1, std::memory_order_acquire)) return;
  if (seen != 2) seen = word.exchange(2, std::memory_order_acquire);
  while (seen != 0) {
    word.wait(2, std::memory_order_relaxed);
    seen = word.exchange(2, std::memory_order_acquire);
  }
}

inline void unlock_word(std::atomic<int>& word) noexcept {
  if (word.exchange(0, std::memory_order_release) == 2) word.notify_one();
}

/// Holds the locks of a set while it lives. They are taken in one order, so that no two holders
/// wait for each other. A thread that holds a set takes no second one.
class HeldKeys {
 public:
  /// Brings `locks` in order. They must outlive this.
  explicit HeldKeys(std::vector<std::uint32_t>& locks) : locks_(locks) {
    std::sort(locks.begin(), locks.end());
    locks.erase(std::unique(locks.begin(), locks.end()), locks.end());
    for (const std::uint32_t lock : locks) lock_word(key_locks[lock]);
  }
  HeldKeys(const HeldKeys&) = delete;
  HeldKeys& operator=(const HeldKeys&) = delete;
  ~HeldKeys() {
    for (const std::uint32_t lock : locks_) unlock_word(key_locks[lock]);
  }

 private:
  const std::vector<std::uint32_t>& locks_;
};

inline constexpr std::size_t catalogue_lock_count = 64;

/// Locks over what is recorded of tables, by the hash of engine and name; taken before any key.
inline constinit std::atomic<int> catalogue_locks[catalogue_lock_count]{};

/// Holds what is recorded of one table while it lives: who opens it, empties one of its indexes or
/// builds one. A thread that holds keys takes none.
class HeldCatalogue {
 public:
  HeldCatalogue(const void* engine, BytesView table) noexcept
      : word_(catalogue_locks[key_lock_of(engine, Tree{}, table) % catalogue_lock_count]) {
    lock_word(word_);
  }
  HeldCatalogue(const HeldCatalogue&) = delete;
  HeldCatalogue& operator=(const HeldCatalogue&) = delete;
  ~HeldCatalogue() { unlock_word(word_); }

 private:
  std::atomic<int>& word_;
};

}  // namespace varve::detail::tables
