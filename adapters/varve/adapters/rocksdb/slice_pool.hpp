// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rocksdb/slice.h>

#include <array>
#include <cstddef>

namespace varve::detail::rocks {

/// Slices that this thread uses again. A new one for each read costs more than all the rest of the
/// adapter, and an allocation where RocksDB copies the value out of its memory.
class SlicePool {
 public:
  [[nodiscard]] static rocksdb::PinnableSlice* take() {
    if (spare_.count == 0) [[unlikely]]
      return make();
    return spare_.slices[--spare_.count];
  }

  static void give(rocksdb::PinnableSlice* slice) noexcept {
    if (slice->size() > kept_bytes || spare_.count == capacity) [[unlikely]] {
      delete slice;
      return;
    }
    slice->Reset();
    spare_.slices[spare_.count++] = slice;
  }

 private:
  static constexpr std::size_t capacity = 64;
  static constexpr std::size_t kept_bytes = 4096;  ///< a slice that held more may own more

  /// Trivial, so that reaching it costs no check of whether it was made.
  struct Spare {
    std::size_t count;
    std::array<rocksdb::PinnableSlice*, capacity> slices;
  };

  struct AtThreadExit {
    AtThreadExit() noexcept {}
    ~AtThreadExit() {
      while (spare_.count != 0) delete spare_.slices[--spare_.count];
    }
  };

  [[gnu::cold, gnu::noinline]] static rocksdb::PinnableSlice* make() {
    static thread_local const AtThreadExit at_exit;
    static_cast<void>(at_exit);
    return new rocksdb::PinnableSlice;
  }

  static inline thread_local constinit Spare spare_{};
};

}  // namespace varve::detail::rocks
