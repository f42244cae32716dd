// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/write_batch.hpp>
#include <varve/history/page_versions.hpp>
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

/// Adds to a batch what a height leaves in history: an entry for each record that it changes, each
/// page that it writes, the lists of both, and its own record.
class HeightWriter {
 public:
  HeightWriter(WriteBatch& out, const OwnTrees& trees, std::uint64_t height) noexcept
      : out_(out), trees_(trees), height_(height) {}

  /// Of records, all of which come before the first page.
  void add(Tree tree, BytesView key, const std::optional<BytesView>& before) {
    value_.assign(1, before ? '\1' : '\0');
    if (before) value_.append(*before);
    put(trees_.entries, entry_key(tree, key, height_), value_);
    append_to_list(list_, tree, key);
    listed();
  }

  /// A page that holds `after` from the height on, or is gone.
  void add_page(const ListedPage& page, const std::optional<BytesView>& after) {
    if (part_ < first_of_pages) {
      end_list();
      part_ = first_of_pages;
    }
    put(trees_.pages, page_version_key(page.key, height_), after.value_or(BytesView{}));
    append_to_list(list_, page);
    listed();
  }

  /// Of the height: what it came to, with the root where there is one.
  HeightRecord finish(std::uint64_t keys, std::string root) {
    end_list();
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

  void listed() {
    ++record_.entries;
    if (++listed_ == list_length) end_list();
  }

  void end_list() {
    if (listed_ == 0) return;
    const std::string key = list_key(height_, part_++);
    put(trees_.heights, key, sealed(key, list_));
    list_.clear();
    listed_ = 0;
  }

  WriteBatch& out_;
  const OwnTrees& trees_;
  std::uint64_t height_;
  HeightRecord record_;
  std::string value_;
  std::string list_;
  std::size_t listed_ = 0;
  std::uint32_t part_ = 0;
};

}  // namespace varve::detail::history
