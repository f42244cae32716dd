// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace varve {

struct MemoryOptions {
  std::uint64_t max_key_bytes = 64U << 10U;
  std::uint64_t max_value_bytes = 1U << 30U;
  std::uint64_t max_batch_bytes = 4ULL << 30U;

  /// Asks the system for huge pages, where it has them to give.
  bool huge_pages = true;

  /// The widest vector instructions used where the processor has them: 512, 256, or 0 for none.
  std::uint32_t max_vector_bits = 512;

  template <class Visit>
  void visit_fields(Visit&& visit) const {
    visit("max_key_bytes", max_key_bytes);
    visit("max_value_bytes", max_value_bytes);
    visit("max_batch_bytes", max_batch_bytes);
    visit("huge_pages", huge_pages);
    visit("max_vector_bits", max_vector_bits);
  }
};

}  // namespace varve
