// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/order.hpp>
#include <varve/concepts/scan.hpp>

#include <optional>
#include <utility>

namespace varve::detail::history {

/// A scan with other records laid over it, which replace or hide those of their keys. `Over` has
/// `valid()`, `key()`, `value()` (nothing: the key is absent) and `next()`, in the same order.
template <Cursor Below, class Over>
class OverlayCursor {
 public:
  OverlayCursor(Below below, std::optional<Over> over, Order order)
      : below_(std::move(below)), over_(std::move(over)), order_(order) {
    settle();
  }

  [[nodiscard]] bool valid() const noexcept { return own_ || below_.valid(); }

  [[nodiscard]] Entry entry() const {
    if (own_) return {over_->key(), *over_->value()};
    return below_.entry();
  }

  void next() {
    if (own_) {
      over_->next();
    } else {
      below_.next();
    }
    settle();
  }

 private:
  void settle() {
    own_ = false;
    if (!over_) return;
    while (over_->valid()) {
      if (below_.valid()) {
        const BytesView key = below_.entry().key;
        if (key == over_->key()) {
          below_.next();
        } else if (order_ == Order::ascending ? key < over_->key() : over_->key() < key) {
          return;
        }
      }
      own_ = over_->value().has_value();
      if (own_) return;
      over_->next();
    }
  }

  Below below_;
  std::optional<Over> over_;
  Order order_;
  bool own_ = false;
};

}  // namespace varve::detail::history
