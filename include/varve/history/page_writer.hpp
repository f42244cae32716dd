// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/history/height_writer.hpp>
#include <varve/history/page_versions.hpp>
#include <varve/merkle/trie_update.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail::history {

/// Adds the pages that an update of the trie changes to the height that does it, each with the
/// heights of those below it. `Pages` are the `StoredPages` before.
template <class Pages>
class PageWriter {
 public:
  /// The heights below each page that is written.
  using Written = std::vector<std::pair<BytesView, HeightsBelow>>;

  PageWriter(Pages& pages, HeightWriter& height, Written& written) noexcept
      : pages_(pages), height_(height), written_(written) {}

  /// The changes are in the order of their keys. So those below a page follow each other, behind
  /// those below the pages before it; and the page above one that changes changes too.
  void add(std::span<const merkle::PageChange> changes) {
    std::size_t next = 1;
    for (const merkle::PageChange& change : changes) {
      const std::size_t first = next;
      while (next < changes.size() && is_below(changes[next].key, change.key)) ++next;
      if (change.before) height_.replace_page(change.key, pages_.height_of(change.key));
      if (change.after) write(change, changes.subspan(first, next - first));
    }
  }

 private:
  void write(const merkle::PageChange& change, std::span<const merkle::PageChange> changed_below) {
    HeightsBelow below{};
    const unsigned slots = slots_with_pages(*change.after);
    unsigned changed = 0;
    for (const merkle::PageChange& page : changed_below) changed |= 1U << slot_of(page.key);
    if ((slots & ~changed) != 0) below = pages_.below(change.key);
    for (const merkle::PageChange& page : changed_below) {
      below[slot_of(page.key)] = height_.number();
    }
    put_page_version(value_, height_.number(), *change.after, below);
    height_.add_page(change.key, value_);
    if (slots != 0) written_.emplace_back(change.key, below);
  }

  Pages& pages_;
  HeightWriter& height_;
  Written& written_;
  std::string value_;
};

}  // namespace varve::detail::history
