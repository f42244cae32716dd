// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_reader.hpp>
#include <varve/history/format.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail::history {

/// The key under which a page of the trie lies as a height left it. Of one page the latest comes
/// first; the key of no page is the beginning of another's.
[[nodiscard]] inline std::string page_version_key(BytesView page, std::uint64_t height) {
  std::string key;
  key.reserve(page.size() + height_bytes);
  key.append(page);
  append_number(key, ~height);
  return key;
}

/// A page as it is stored: the height that wrote it, and what it holds, which is nothing where that
/// height took it away.
struct PageVersion {
  std::uint64_t height = 0;
  std::string bytes;
};

/// The page as of a height; nothing where none was written until then.
template <KvReader R>
[[nodiscard]] std::optional<PageVersion> page_at(const R& reader, Tree pages, BytesView page,
                                                 std::uint64_t height) {
  const std::string first = page_version_key(page, height);
  const std::string last = page_version_key(page, 0) + '\0';
  const auto scan = reader.scan(pages, KeyRange::between(first, last));
  if (!scan.valid()) return std::nullopt;
  const auto [key, value] = scan.entry();
  if (key.size() != first.size()) refuse_bytes(pages_tree, "a key");
  return PageVersion{~number_at<std::uint64_t>(key.data() + page.size()), std::string(value)};
}

/// Which height wrote the page last, of those pages that were used lately: 16 bytes each, in a
/// table that does not grow. What it has lost is looked for in the store.
class PageHeights {
 public:
  explicit PageHeights(std::size_t most_pages) noexcept {
    while (sets_ * ways_of_set < most_pages) sets_ *= 2;
  }

  void note(BytesView page, std::uint64_t height) noexcept {
    const std::uint64_t name = name_of(page);
    if (name == 0 || !has_table()) return;
    Set& set = set_of(name);
    Way* free = nullptr;
    for (Way& way : set.ways) {
      if (way.name == name || (way.name == 0 && free == nullptr)) free = &way;
      if (way.name == name) break;
    }
    if (free == nullptr) free = &set.ways[set.next++ % ways_of_set];
    *free = {name, height};
  }

  [[nodiscard]] std::optional<std::uint64_t> find(BytesView page) const noexcept {
    const std::uint64_t name = name_of(page);
    if (name == 0 || table_.empty()) return std::nullopt;
    for (const Way& way : table_[place_of(name)].ways) {
      if (way.name == name) return way.height;
    }
    return std::nullopt;
  }

  void forget() noexcept { table_ = {}; }

 private:
  static constexpr std::size_t ways_of_set = 8;

  struct Way {
    std::uint64_t name = 0;  ///< of a page; 0: free
    std::uint64_t height = 0;
  };
  struct Set {
    std::array<Way, ways_of_set> ways{};
    std::size_t next = 0;  ///< the way that is given up next
  };

  /// The key itself. 0 for one that is longer than this has room for: a page below 14 nibbles that
  /// two keys share, of which there are hardly any.
  static std::uint64_t name_of(BytesView page) noexcept {
    if (page.size() > sizeof(std::uint64_t)) return 0;
    std::uint64_t name = 0;
    for (const char byte : page) name = name << 8U | static_cast<unsigned char>(byte);
    return name | std::uint64_t{page.size()} << 60U;
  }

  /// Without memory for it nothing is remembered, and nothing is lost.
  [[nodiscard]] bool has_table() noexcept {
    if (!table_.empty()) return true;
    try {
      table_.resize(sets_);
    } catch (const std::bad_alloc&) {
      return false;
    }
    return true;
  }

  [[nodiscard]] std::size_t place_of(std::uint64_t name) const noexcept {
    return static_cast<std::size_t>((name * 0x9e3779b97f4a7c15U) >> 32U) & (sets_ - 1);
  }
  [[nodiscard]] Set& set_of(std::uint64_t name) noexcept { return table_[place_of(name)]; }

  std::size_t sets_ = 1;
  std::vector<Set> table_;
};

/// The pages of the trie as of a height: what a `merkle::Trie` reads.
template <KvReader R>
class PagesAt {
 public:
  /// Where `heights` is given it is told which height wrote each page.
  PagesAt(const R& reader, Tree pages, std::uint64_t height,
          PageHeights* heights = nullptr) noexcept
      : reader_(&reader), pages_(pages), height_(height), heights_(heights) {}

  [[nodiscard]] std::optional<std::string> page(BytesView key) const {
    auto found = page_at(*reader_, pages_, key, height_);
    if (!found || found->bytes.empty()) return std::nullopt;
    if (heights_ != nullptr) heights_->note(key, found->height);
    return std::move(found->bytes);
  }

 private:
  const R* reader_;
  Tree pages_;
  std::uint64_t height_;
  PageHeights* heights_;
};

}  // namespace varve::detail::history
