// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/pin.hpp>
#include <varve/adapters/memory/record.hpp>
#include <varve/concepts/bytes.hpp>

#include <utility>

namespace varve {

/// A value of a `MemoryAdapter`, in place. While it lives, what its version shows is kept.
class MemoryPinned {
 public:
  MemoryPinned(detail::memory::Pin pin, const detail::memory::Record* record) noexcept
      : pin_(std::move(pin)), record_(record) {}

  /// Empty once it was moved from.
  [[nodiscard]] BytesView view() const noexcept { return pin_ ? record_->value() : BytesView{}; }

 private:
  detail::memory::Pin pin_;
  const detail::memory::Record* record_;
};

}  // namespace varve
