// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace varve {

struct BufferedOptions {
  /// A table that holds batches of this many bytes is handed down. Its memory is somewhat more: see
  /// `memory_bytes`. Less than `limits().max_batch_bytes` of the layer below counts too.
  std::uint64_t capacity_bytes = std::uint64_t{16} << 20U;

  /// A table whose oldest write is this old is handed down, in milliseconds.
  std::uint64_t max_age_ms = 1000;

  /// Full tables that may wait for the layer below; writers wait where there would be more. At
  /// least 1.
  std::size_t waiting_tables = 2;

  template <class Visit>
  void visit_fields(Visit&& visit) const {
    visit("capacity_bytes", capacity_bytes);
    visit("max_age_ms", max_age_ms);
    visit("waiting_tables", waiting_tables);
  }
};

}  // namespace varve
