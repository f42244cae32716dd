// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/buffer/memory_table.hpp>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace varve::detail {

/// The tables that are not yet all below, the newest first; the first is the one that is written.
struct BufferVersion : std::enable_shared_from_this<BufferVersion> {
  using Tables = std::vector<std::shared_ptr<MemoryTable>>;

  explicit BufferVersion(Tables all) noexcept : tables(std::move(all)) {}

  const Tables tables;
};

/// What the tables know of a key.
struct BufferFinding {
  /// Where what is known was found; null where nothing is.
  const std::shared_ptr<MemoryTable>* table = nullptr;
  /// The record of a key that is there; null where it is erased.
  const TableRecord* record = nullptr;
};

/// The tables as they were at one moment. Empty where everything was below.
struct BufferView {
  std::shared_ptr<const BufferVersion> version{};
  std::uint64_t sequence = 0;
};

[[nodiscard]] inline BufferFinding find_in(const BufferVersion& version, std::uint64_t sequence,
                                           Tree tree, BytesView key) noexcept {
  for (const auto& table : version.tables) {
    const TableRecord* const record = table->find(tree, key, sequence);
    const std::uint64_t erased =
        table->newest_range() != nullptr ? table->erased_at(tree, key, sequence) : 0;
    if (record != nullptr && record->sequence > erased) {
      return {&table, record->put ? record : nullptr};
    }
    if (erased != 0) return {&table, nullptr};
  }
  return {};
}

[[nodiscard]] inline BufferFinding find_in(const BufferView& view, Tree tree,
                                           BytesView key) noexcept {
  return view.version ? find_in(*view.version, view.sequence, tree, key) : BufferFinding{};
}

}  // namespace varve::detail
