// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/buffer/version.hpp>
#include <varve/concepts/kv_reader.hpp>

#include <memory>
#include <optional>
#include <utility>
#include <variant>

namespace varve::detail {

/// A value of a memory table, whose table it keeps, or one of the layer below.
template <PinnedValue Below>
class BufferPinned {
 public:
  explicit BufferPinned(Below below) noexcept(std::is_nothrow_move_constructible_v<Below>)
      : value_(std::in_place_index<1>, std::move(below)) {}

  BufferPinned(std::shared_ptr<const MemoryTable> table, BytesView value) noexcept
      : value_(std::in_place_index<0>, std::move(table), value) {}

  /// What `finding`, which tells something, says of its key.
  [[nodiscard]] static std::optional<BufferPinned> from(const BufferFinding& finding) noexcept {
    if (finding.record == nullptr) return std::nullopt;
    return BufferPinned(*finding.table, finding.record->value());
  }

  [[nodiscard]] static std::optional<BufferPinned> from(std::optional<Below> below) {
    if (!below) return std::nullopt;
    return BufferPinned(*std::move(below));
  }

  [[nodiscard]] BytesView view() const noexcept {
    if (const auto* below = std::get_if<1>(&value_)) return below->view();
    if (const auto* own = std::get_if<0>(&value_)) return own->value;
    return {};
  }

 private:
  struct Own {
    Own(std::shared_ptr<const MemoryTable> table, BytesView bytes) noexcept
        : kept(std::move(table)), value(bytes) {}
    std::shared_ptr<const MemoryTable> kept;
    BytesView value;
  };

  std::variant<Own, Below> value_;
};

}  // namespace varve::detail
