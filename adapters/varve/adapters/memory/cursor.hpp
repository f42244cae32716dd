// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/path.hpp>
#include <varve/adapters/memory/version_pin.hpp>
#include <varve/concepts/entry.hpp>
#include <varve/concepts/key_range.hpp>
#include <varve/concepts/order.hpp>
#include <varve/concepts/scan.hpp>

#include <cstdint>
#include <utility>

namespace varve {

namespace detail::memory {

/// The places where the range begins and ends in a tree.
struct Interval {
  Interval(const Node* root, KeyRange range) : Interval(root, KeyBounds(range)) {}

  Interval(const Node* root, const KeyBounds& bounds)
      : first(Path::to(root, bounds.first())),
        last(bounds.empty()     ? first
             : bounds.bounded() ? Path::to(root, bounds.last())
                                : Path::to_end(root)) {}

  [[nodiscard]] std::uint64_t count() const noexcept { return last.rank() - first.rank(); }

  Path first;
  Path last;
};

}  // namespace detail::memory

/// A position in a scan of a `MemoryAdapter`. Made by `scan`.
class MemoryCursor {
 public:
  MemoryCursor(detail::memory::VersionPin pin, const detail::memory::Node* root, KeyRange range,
               Order order)
      : MemoryCursor(std::move(pin), detail::memory::Interval(root, range), order) {}

  [[nodiscard]] bool valid() const noexcept { return left_ != 0; }

  [[nodiscard]] Entry entry() const noexcept {
    return {path_.record().key(), path_.record().value()};
  }

  void next() noexcept {
    if (--left_ == 0) return;
    if (order_ == Order::ascending) {
      path_.forward();
      if (path_.at_leaf_end()) path_.to_next_leaf();
    } else {
      if (path_.at_leaf_begin()) path_.to_previous_leaf();
      path_.backward();
    }
  }

 private:
  MemoryCursor(detail::memory::VersionPin pin, const detail::memory::Interval& interval,
               Order order)
      : pin_(std::move(pin)),
        path_(order == Order::ascending ? interval.first : interval.last),
        left_(interval.count()),
        order_(order) {
    if (left_ == 0) return;
    if (order_ == Order::ascending) {
      if (path_.at_leaf_end()) path_.to_next_leaf();
    } else {
      if (path_.at_leaf_begin()) path_.to_previous_leaf();
      path_.backward();
    }
  }

  detail::memory::VersionPin pin_;
  detail::memory::Path path_;
  std::uint64_t left_;  ///< entries, with the one it stands on
  Order order_;
};

/// What `MemoryAdapter::scan` returns.
using MemoryScan = Scan<MemoryCursor>;

}  // namespace varve
