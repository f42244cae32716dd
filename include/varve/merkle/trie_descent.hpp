// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/byte_pool.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/edited_page.hpp>
#include <varve/merkle/key_order.hpp>
#include <varve/merkle/page_cache.hpp>
#include <varve/merkle/page_hasher.hpp>
#include <varve/merkle/page_key.hpp>
#include <varve/merkle/stored_page.hpp>
#include <varve/merkle/suite.hpp>
#include <varve/merkle/trie_change.hpp>
#include <varve/merkle/trie_options.hpp>
#include <varve/merkle/trie_pages.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace varve::merkle::detail {

/// The way of an update down the trie: the pages on the way of the changes are read where they lie,
/// level by level, and each learns what its slots get.
template <Suite S, TriePages R>
class TrieDescent {
 public:
  TrieDescent(R& reader, PageCache& cache, EditedPages& pages, BytePool& bytes,
              PageHasher<S>& hasher, const TrieOptions& options) noexcept
      : reader_(reader),
        cache_(cache),
        pages_(pages),
        bytes_(bytes),
        hasher_(hasher),
        options_(options) {}

  /// The changes are in the order of their keys, and each key comes once. They stay where they are
  /// as long as the pages are edited.
  void run(std::span<const KeyPlace<Change>> changes) {
    EditedPage& root = pages_[0].emplace_back();
    root.cache_hash = PageCache::hash_of(root.key.view());
    root.changes = changes;
    std::size_t& depths = pages_.depths;
    for (; depths <= PageKey::max_depth && !pages_[depths].empty(); ++depths) go_down(depths);
  }

 private:
  using SomePlaces = std::span<const KeyPlace<Change>>;

  static unsigned nibble(const KeyPlace<Change>& place, std::size_t depth) noexcept {
    return depth < 16 ? static_cast<unsigned>(place.prefix >> (60 - 4 * depth)) & 15U
                      : nibble_of(place.item->key, depth);
  }
  static unsigned nibble(const DigestPair& leaf, std::size_t depth) noexcept {
    return nibble_of(leaf.first, depth);
  }

  /// Calls `visit(slot, items)` for each slot of a page at `depth` to which some of `all` belong.
  template <class T, class Visit>
  static void each_slot(std::span<T> all, std::size_t depth, Visit&& visit) {
    while (!all.empty()) {
      const unsigned slot = nibble(all.front(), depth);
      std::size_t size = 1;
      while (size != all.size() && nibble(all[size], depth) == slot) ++size;
      visit(slot, all.first(size));
      all = all.subspan(size);
    }
  }

  void go_down(std::size_t depth) {
    auto& level = pages_[depth];
    for (std::size_t i = 0; i != level.size(); ++i) {
      constexpr std::size_t ahead = 12;
      if (i + ahead < level.size()) cache_.prefetch_nearer(level[i + ahead].cache_hash);
      if (level[i].leaf_count == 0) read(level[i]);
    }
    if (options_.check_pages && depth != 0) check_read(level);
    for (EditedPage& page : level) {
      page.first_put = static_cast<std::uint32_t>(pages_.puts.size());
      if (page.leaf_count != 0) {
        plan_new(page);
      } else {
        plan(page);
      }
    }
  }

  void read(EditedPage& page) {
    const BytesView key = page.key.view();
    if (const auto kept = cache_.find(key, page.cache_hash)) {
      page.before = StoredPage(page.key, *kept);
    } else if (const auto stored = reader_.page(key)) {
      page.before = StoredPage(page.key, bytes_.copy(view_of(*stored)));
      page.from_store = true;
    } else if (page.key.depth() != 0) {
      throw damaged_page(page.key, "is missing");
    }
    if (page.key.depth() != 0) check_count(page.key, page.before.count, page.count_above);
  }

  void check_read(const std::vector<EditedPage>& level) {
    hashed_.clear();
    owners_.clear();
    for (const EditedPage& page : level) {
      if (!page.from_store) continue;
      hashed_.push_back(&page.before);
      owners_.push_back(&page);
    }
    hasher_(std::span(std::as_const(hashed_)), [&](std::size_t i, const Digest& hash) {
      check_hash(owners_[i]->key, hash.data(), owners_[i]->hash_above);
    });
  }

  /// The page below `slot`, which is edited as well.
  EditedPage& add_below(EditedPage& page, unsigned slot) {
    auto& level = pages_[page.key.depth() + 1];
    if (page.below == 0) page.first_below = static_cast<std::uint32_t>(level.size());
    page.below = with(page.below, slot);
    EditedPage& child = level.emplace_back();
    child.key = page.key.below(slot);
    child.count_above = page.before.count_of(slot);
    return child;
  }

  void plan(EditedPage& page) {
    each_slot(page.changes, page.key.depth(), [&](unsigned slot, SomePlaces changes) {
      if ((page.before.pages() >> slot & 1U) != 0) {
        EditedPage& child = add_below(page, slot);
        child.cache_hash = PageCache::hash_of(child.key.view());
        child.hash_above = page.before.at(slot);
        child.changes = changes;
        cache_.prefetch(child.cache_hash);
        return;
      }
      const bool held = (page.before.leaves >> slot & 1U) != 0;
      const std::size_t first = pages_.leaves.size();
      const bool changed = merge(held ? page.before.at(slot) : nullptr, changes);
      page.changed = page.changed || changed;
      const std::size_t size = pages_.leaves.size() - first;
      if (changed && size == 0) page.erased = with(page.erased, slot);
      if (changed && size == 1) put(page, slot, pages_.leaves.back());
      if (changed && size > 1) add_new(page, slot, first, size);
      if (!changed || size < 2) pages_.leaves.resize(first);
    });
  }

  /// A page that is made of leaves alone.
  void plan_new(EditedPage& page) {
    page.changed = true;
    const std::span all = std::span(pages_.leaves).subspan(page.first_leaf, page.leaf_count);
    each_slot(all, page.key.depth(), [&](unsigned slot, std::span<DigestPair> some) {
      if (some.size() == 1) return put(page, slot, some.front());
      add_new(page, slot, static_cast<std::size_t>(some.data() - pages_.leaves.data()),
              some.size());
    });
  }

  void put(EditedPage& page, unsigned slot, const DigestPair& leaf) {
    page.put = with(page.put, slot);
    pages_.puts.push_back(leaf);
  }

  void add_new(EditedPage& page, unsigned slot, std::size_t first, std::size_t size) {
    EditedPage& child = add_below(page, slot);
    child.first_leaf = static_cast<std::uint32_t>(first);
    child.leaf_count = static_cast<std::uint32_t>(size);
  }

  /// What a slot without a page holds afterwards is added to `pages_.leaves`. Whether it is
  /// anything new.
  bool merge(const std::byte* held_bytes, SomePlaces changes) {
    DigestPair held;
    bool is_held = held_bytes != nullptr;
    if (is_held) std::memcpy(static_cast<void*>(&held), held_bytes, sizeof(held));
    bool changed = false;
    for (const auto& place : changes) {
      const Change& change = *place.item;
      const int order = is_held ? compare(held.first, change.key) : 1;
      if (is_held && order < 0) pages_.leaves.push_back(held);
      const bool same = order == 0 && change.value && *change.value == held.second;
      changed = changed || (!same && (order == 0 || change.value));
      if (order <= 0) is_held = false;
      if (change.value) pages_.leaves.push_back({change.key, *change.value});
    }
    if (is_held) pages_.leaves.push_back(held);
    return changed;
  }

  static std::uint16_t with(std::uint16_t mask, unsigned slot) noexcept {
    return static_cast<std::uint16_t>(mask | 1U << slot);
  }

  R& reader_;
  PageCache& cache_;
  EditedPages& pages_;
  BytePool& bytes_;
  PageHasher<S>& hasher_;
  const TrieOptions& options_;
  std::vector<const StoredPage*> hashed_;
  std::vector<const EditedPage*> owners_;
};

}  // namespace varve::merkle::detail
