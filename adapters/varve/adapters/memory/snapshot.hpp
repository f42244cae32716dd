// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/reads.hpp>
#include <varve/adapters/memory/version_pin.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace varve {

/// One state of a `MemoryAdapter`. What it reads outlives it, but not the engine. An old snapshot
/// holds back the memory of what it shows, and of nothing else.
class MemorySnapshot {
 public:
  explicit MemorySnapshot(detail::memory::VersionPin pin) noexcept : pin_(std::move(pin)) {}

  [[nodiscard]] std::optional<MemoryPinned> get(Tree tree, BytesView key) const {
    return detail::memory::get(pin_.engine(), repin(), tree, key);
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    return detail::memory::contains(pin_.engine(), pin_.version(), tree, key);
  }

  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<MemoryPinned>> values) const {
    detail::memory::multi_get(pin_.engine(), pin_.version(), tree, keys, values);
  }

  [[nodiscard]] MemoryScan scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    return detail::memory::scan(pin_.engine(), repin(), tree, range, order);
  }

  /// Exact.
  [[nodiscard]] std::uint64_t approximate_count(Tree tree, KeyRange range) const {
    return detail::memory::count(pin_.version(), tree, range);
  }

 private:
  [[nodiscard]] detail::memory::Pin repin() const { return detail::memory::Pin(pin_.version()); }

  detail::memory::VersionPin pin_;
};

}  // namespace varve
