// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/tree.hpp>
#include <varve/metrics/latency_histogram.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace varve {

/// What is measured. The first are of a tree, those from `write` on of the whole store.
enum class Operation : std::uint8_t {
  get,
  contains,
  multi_get,
  scan,
  put,
  erase,
  erase_range,
  bulk_load,
  compact,
  write,
  flush,
  snapshot,
};

inline constexpr std::size_t operation_count = static_cast<std::size_t>(Operation::snapshot) + 1;

[[nodiscard]] constexpr BytesView to_string(Operation operation) noexcept {
  switch (operation) {
    case Operation::get: return "get";
    case Operation::contains: return "contains";
    case Operation::multi_get: return "multi_get";
    case Operation::scan: return "scan";
    case Operation::put: return "put";
    case Operation::erase: return "erase";
    case Operation::erase_range: return "erase_range";
    case Operation::bulk_load: return "bulk_load";
    case Operation::compact: return "compact";
    case Operation::write: return "write";
    case Operation::flush: return "flush";
    case Operation::snapshot: return "snapshot";
  }
  return "unknown";
}

/// What one operation on one tree came to.
struct OperationMetrics {
  Operation operation{};
  std::string tree;          ///< empty for an operation of the whole store
  std::uint64_t calls = 0;   ///< exact
  std::uint64_t errors = 0;  ///< calls that threw
  std::uint64_t items = 0;   ///< keys found, entries passed, records written
  std::uint64_t bytes = 0;   ///< of the values found, entries passed, keys and values written
  /// Of the call alone, without what is done with its result. Of `get` and `contains` a random
  /// sample; `put`, `erase` and `erase_range` have none: theirs is that of `write`.
  LatencyHistogram latency;
};

namespace detail {

/// The counters of one operation on one tree by one thread. Written by that thread alone.
struct OperationCell {
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> errors{0};
  std::atomic<std::uint64_t> items{0};
  std::atomic<std::uint64_t> bytes{0};
  std::array<std::atomic<std::uint64_t>, LatencyBuckets::size> latency{};

  static void add(std::atomic<std::uint64_t>& counter, std::uint64_t more) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }

  void time(std::uint64_t ticks) noexcept { add(latency[LatencyBuckets::of(ticks)], 1); }

  void fold_into(OperationCell& total) const noexcept {
    add(total.calls, calls.load(std::memory_order_relaxed));
    add(total.errors, errors.load(std::memory_order_relaxed));
    add(total.items, items.load(std::memory_order_relaxed));
    add(total.bytes, bytes.load(std::memory_order_relaxed));
    for (std::size_t i = 0; i < latency.size(); ++i) {
      add(total.latency[i], latency[i].load(std::memory_order_relaxed));
    }
  }
};

}  // namespace detail

}  // namespace varve
