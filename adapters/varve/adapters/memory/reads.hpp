// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/cursor.hpp>
#include <varve/adapters/memory/engine.hpp>
#include <varve/adapters/memory/pinned.hpp>
#include <varve/adapters/memory/version_pin.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/key_range.hpp>
#include <varve/concepts/order.hpp>
#include <varve/concepts/tree.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace varve::detail::memory {

// What an engine and its snapshots read alike: each takes a pin of the version that it reads.

inline std::optional<MemoryPinned> get(const Engine& engine, Pin pin, Tree tree, BytesView key) {
  const Node* const root = Engine::existing_root(pin.version(), tree, "get");
  std::optional<MemoryPinned> value;
  const Record* const record = engine.lookup().find(root, key);
  if (record != nullptr) value.emplace(std::move(pin), record);
  return value;
}

inline bool contains(const Engine& engine, const Version& version, Tree tree, BytesView key) {
  const Node* const root = Engine::existing_root(version, tree, "contains");
  return engine.lookup().find(root, key) != nullptr;
}

inline void multi_get(const Engine& engine, const Version& version, Tree tree,
                      std::span<const BytesView> keys,
                      std::span<std::optional<MemoryPinned>> values) {
  const Node* const root = Engine::existing_root(version, tree, "multi_get");
  constexpr std::size_t width = 64;
  std::array<const Record*, width> found;
  for (std::size_t done = 0; done < keys.size(); done += width) {
    const std::size_t count = std::min(width, keys.size() - done);
    engine.lookup().find_many(root, keys.subspan(done, count), found.data());
    for (std::size_t i = 0; i != count; ++i) {
      values[done + i].reset();
      if (found[i] != nullptr) values[done + i].emplace(Pin(version), found[i]);
    }
  }
}

inline MemoryScan scan(const Engine& engine, Pin pin, Tree tree, KeyRange range, Order order) {
  const Node* const root = Engine::existing_root(pin.version(), tree, "scan");
  return MemoryScan(MemoryCursor(VersionPin(engine, std::move(pin)), root, range, order));
}

inline std::uint64_t count(const Version& version, Tree tree, KeyRange range) {
  return Interval(Engine::existing_root(version, tree, "approximate_count"), range).count();
}

}  // namespace varve::detail::memory
