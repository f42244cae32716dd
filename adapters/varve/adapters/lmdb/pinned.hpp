// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/lmdb/read_node.hpp>
#include <varve/concepts/bytes.hpp>

#include <lmdb.h>

#include <utility>

namespace varve {

/// A value of an LMDB store: a view into the mapped page, and the reading transaction that keeps
/// the page. It may be destroyed by another thread than the one that read it.
///
/// While it lives, the pages that have been overwritten since are not used again; keep it for
/// moments, not for minutes.
class LmdbPinned {
 public:
  LmdbPinned(lmdb::ReadNode& node, const MDB_val& value) noexcept
      : node_(&node), view_(static_cast<const char*>(value.mv_data), value.mv_size) {}

  LmdbPinned(LmdbPinned&& other) noexcept
      : node_(std::exchange(other.node_, &lmdb::no_node)), view_(std::exchange(other.view_, {})) {}

  LmdbPinned& operator=(LmdbPinned&& other) noexcept {
    LmdbPinned old(std::move(*this));
    view_ = std::exchange(other.view_, {});
    node_ = std::exchange(other.node_, &lmdb::no_node);
    return *this;
  }

  LmdbPinned(const LmdbPinned&) = delete;
  LmdbPinned& operator=(const LmdbPinned&) = delete;

  ~LmdbPinned() { lmdb::give_back(*node_); }

  [[nodiscard]] BytesView view() const noexcept { return view_; }

 private:
  lmdb::ReadNode* node_;
  BytesView view_;
};

}  // namespace varve
