// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/durability.hpp>
#include <varve/concepts/kv_engine.hpp>
#include <varve/concepts/tree.hpp>
#include <varve/concepts/write_batch.hpp>
#include <varve/history/format.hpp>

#include <cstdint>
#include <string>

namespace varve::detail::history {

/// What the first root has no memory for, in the tree of the pages under keys that no page has:
/// a `merkle::BlockStore`.
template <KvEngine Next>
class AsideBlocks {
 public:
  AsideBlocks(Next& next, Tree pages) noexcept : next_(next), pages_(pages) {}

  void put(std::uint64_t number, BytesView block) {
    next_.write(WriteBatch().put(pages_, key_of(number), block), Durability::buffered);
    any_ = true;
  }

  [[nodiscard]] auto get(std::uint64_t number) const { return next_.get(pages_, key_of(number)); }

  /// All go with this batch.
  void erase(WriteBatch& batch) const {
    if (any_) batch.erase_range(pages_, KeyRange::from(mark));
  }

 private:
  /// The highest height, and the depth of no page.
  static constexpr BytesView mark = "\xff\xff\xff\xff\xff\xff\xff\xff\xff";

  static std::string key_of(std::uint64_t number) {
    std::string key(mark);
    append_number(key, number);
    return key;
  }

  Next& next_;
  Tree pages_;
  bool any_ = false;
};

}  // namespace varve::detail::history
