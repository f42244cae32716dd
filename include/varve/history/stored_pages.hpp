// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_reader.hpp>
#include <varve/history/page_versions.hpp>
#include <varve/history/records.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail::history {

/// The heights below the pages on one way down the trie.
class PathHeights {
 public:
  void note(BytesView page, const HeightsBelow& below) {
    if (path_.size() <= depth_of(page)) path_.resize(depth_of(page) + 1);
    path_[depth_of(page)] = {std::string(page), below};
  }

  [[nodiscard]] const HeightsBelow* find(BytesView page) const noexcept {
    if (path_.size() <= depth_of(page) || path_[depth_of(page)].first != page) return nullptr;
    return &path_[depth_of(page)].second;
  }

 private:
  std::vector<std::pair<std::string, HeightsBelow>> path_;
};

/// The height that wrote the root page which the height of the record has; none where there is no
/// such page.
[[nodiscard]] inline std::optional<std::uint64_t> root_page_of(
    const HeightRecord& record) noexcept {
  if (record.keys == 0) return std::nullopt;
  return record.root_page;
}

/// The pages of the trie as a height left them: what a `merkle::Trie` reads. Which height wrote a
/// page says the page above. `Heights` remembers it: `PathHeights`, or a `PageHeights&`.
template <KvReader R, class Heights = PathHeights>
class StoredPages {
 public:
  /// Owns the bytes of a page.
  class Page {
   public:
    [[nodiscard]] BytesView view() const noexcept { return value_.view().substr(begin_); }

   private:
    friend class StoredPages;
    Page(pinned_t<R> value, std::size_t begin) noexcept : value_(std::move(value)), begin_(begin) {}

    pinned_t<R> value_;
    std::size_t begin_;
  };

  /// `root_page` is the height that wrote the root page; none where there is no page.
  StoredPages(const R& reader, Tree pages, std::optional<std::uint64_t> root_page,
              Heights heights = {})
      : reader_(&reader),
        pages_(pages),
        root_page_(root_page),
        heights_(static_cast<Heights&&>(heights)) {}

  [[nodiscard]] std::optional<Page> page(BytesView key) {
    if (!root_page_) return std::nullopt;
    const std::uint64_t height = height_of(key);
    auto value = reader_->get(pages_, page_version_key(height, key));
    if (!value && depth_of(key) == 0) refuse_bytes(pages_tree, "the root page");
    if (!value) return std::nullopt;
    const BytesView page = note(key, height, value->view()).page;
    const std::size_t begin = value->view().size() - page.size();
    return Page(*std::move(value), begin);
  }

  /// The height that wrote the page, which is there.
  [[nodiscard]] std::uint64_t height_of(BytesView key) {
    if (depth_of(key) == 0) return root_page_.value_or(0);
    return below(page_above(key))[slot_of(key)];
  }

  /// The heights that wrote the pages below one that is there.
  [[nodiscard]] HeightsBelow below(BytesView key) {
    if (const HeightsBelow* const known = heights_.find(key)) return *known;
    const std::uint64_t height = height_of(key);
    const auto value = reader_->get(pages_, page_version_key(height, key));
    if (!value) refuse_bytes(pages_tree, "a page");
    return note(key, height, value->view()).below;
  }

 private:
  PageVersion note(BytesView key, std::uint64_t height, BytesView value) {
    PageVersion version = parse_page_version(height, value);
    if (slots_with_pages(version.page) != 0) heights_.note(key, version.below);
    return version;
  }

  const R* reader_;
  Tree pages_;
  std::optional<std::uint64_t> root_page_;
  Heights heights_;
};

}  // namespace varve::detail::history
