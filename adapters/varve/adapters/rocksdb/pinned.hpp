// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <rocksdb/slice.h>

namespace varve {

namespace detail::rocks {

class Reads;

}  // namespace detail::rocks

/// A value where RocksDB keeps it: in a block of its cache, held there while this lives. Must die
/// before its engine. Belongs to one thread at a time.
class RocksPinned {
 public:
  RocksPinned() = default;

  [[nodiscard]] BytesView view() const noexcept { return {slice_.data(), slice_.size()}; }

 private:
  friend class detail::rocks::Reads;

  rocksdb::PinnableSlice slice_;
};

}  // namespace varve
