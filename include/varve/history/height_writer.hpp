// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/write_batch.hpp>
#include <varve/history/page_versions.hpp>
#include <varve/history/records.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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
/// page that it writes, the lists of these records and of the pages that are replaced, and its own
/// record.
class HeightWriter {
 public:
  HeightWriter(WriteBatch& out, const OwnTrees& trees, std::uint64_t height) noexcept
      : out_(out), trees_(trees), height_(height) {}

  [[nodiscard]] std::uint64_t number() const noexcept { return height_; }

  void add(Tree tree, BytesView key, const std::optional<BytesView>& before) {
    value_.assign(1, before ? '\1' : '\0');
    if (before) value_.append(*before);
    put(trees_.entries, entry_key(tree, key, height_), value_);
    append_to_list(list_, tree, key);
    listed();
  }

  void add_page(BytesView page, BytesView value) {
    put(trees_.pages, page_version_key(height_, page), value);
  }

  /// A page is another from the height on, or gone. `written` is the height that had written it.
  void replace_page(BytesView page, std::uint64_t written) {
    replaced_.push_back(page_version_key(written, page));
  }

  /// Of the height: what it came to, with the root where there is one.
  HeightRecord finish(std::uint64_t keys, std::string root, std::uint64_t root_page) {
    end_list();
    list_pages();
    record_.keys = keys;
    record_.root_page = root_page;
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

  /// In the order in which they lie, in which they are to be removed.
  void list_pages() {
    std::sort(replaced_.begin(), replaced_.end());
    part_ = first_of_pages;
    for (const std::string& page : replaced_) {
      append_bytes(list_, page);
      listed();
    }
    end_list();
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
  std::vector<std::string> replaced_;  ///< pages, by where they lie
  std::size_t listed_ = 0;
  std::uint32_t part_ = 0;
};

}  // namespace varve::detail::history
