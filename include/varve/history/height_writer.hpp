// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/write_batch.hpp>
#include <varve/history/records.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace varve::detail::history {

/// The reserved trees of the layer.
struct OwnTrees {
  Tree entries;
  Tree heights;
  Tree pages;

  [[nodiscard]] bool has(Tree tree) const noexcept {
    return tree == entries || tree == heights || tree == pages;
  }
};

/// Adds to a batch what a height leaves in history: an entry and a place in a list for each record
/// that it changes, and its own record.
class HeightWriter {
 public:
  HeightWriter(WriteBatch& out, const OwnTrees& trees, std::uint64_t height) noexcept
      : out_(out), trees_(trees), height_(height) {}

  void add(Tree tree, BytesView key, const std::optional<BytesView>& before) {
    put(trees_.entries, entry_key(tree, key, height_), entry_value(before));
    ++record_.entries;
    append_to_list(list_, tree, key);
    if (++listed_ == list_length) end_list();
  }

  /// Of the height: what it came to, with the root where there is one.
  HeightRecord finish(std::uint64_t keys, std::string root) {
    if (listed_ != 0) end_list();
    record_.keys = keys;
    record_.root = std::move(root);
    const std::string key = height_key(height_);
    out_.put(trees_.heights, key, to_bytes(key, record_));
    return std::move(record_);
  }

 private:
  void put(Tree tree, BytesView key, BytesView value) {
    out_.put(tree, key, value);
    record_.bytes += key.size() + value.size();
  }

  void end_list() {
    const std::string key = list_key(height_, parts_++);
    put(trees_.heights, key, sealed(key, list_));
    list_.clear();
    listed_ = 0;
  }

  WriteBatch& out_;
  const OwnTrees& trees_;
  std::uint64_t height_;
  HeightRecord record_;
  std::string list_;
  std::size_t listed_ = 0;
  std::uint32_t parts_ = 0;
};

}  // namespace varve::detail::history
