// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/edited_page.hpp>
#include <varve/merkle/key_order.hpp>
#include <varve/merkle/page.hpp>
#include <varve/merkle/page_cache.hpp>
#include <varve/merkle/page_hasher.hpp>
#include <varve/merkle/page_key.hpp>
#include <varve/merkle/suite.hpp>
#include <varve/merkle/trie_change.hpp>
#include <varve/merkle/trie_options.hpp>
#include <varve/merkle/trie_pages.hpp>
#include <varve/merkle/trie_update.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <future>
#include <iterator>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace varve::merkle::detail {

/// One update of a trie: reads the pages on the way of the changes level by level, changes them in
/// memory, hashes those that are changed from the deepest level to the root, and writes their
/// stored form down. The cache gets what was read.
template <Suite S, TriePages R>
class TrieEdit {
 public:
  TrieEdit(R& reader, PageCache& cache, EditedPages& pages, const TrieOptions& options) noexcept
      : reader_(reader), cache_(cache), pages_(pages), options_(options) {}

  [[nodiscard]] TrieUpdate run(std::span<const Change> changes) {
    const Places places = last_of_each(in_key_order<&Change::key>(changes));
    groups_.resize(places.size() < worth_threads ? 1 : threads());
    bytes_.reserve(std::min(changes.size() * bytes_a_change, most_reserved));
    EditedPage& root = pages_.add({}, nullptr);
    root.changes = places;
    read_all(root);
    apply(root, groups_.front());
    return finish(root);
  }

 private:
  using Places = std::vector<KeyPlace<Change>>;
  using SomePlaces = std::span<const KeyPlace<Change>>;

  /// So many changes take a thread longer than it takes to start one.
  static constexpr std::size_t worth_threads = 2048;

  /// What the pages of a change take among a million keys, before and after.
  static constexpr std::size_t bytes_a_change = 3072;
  static constexpr std::size_t most_reserved = std::size_t{8} << 20U;

  /// The changed pages below some slots of the root page, by their depth, in the order of their
  /// keys. Those of one group need nothing of another.
  struct Group {
    std::array<std::vector<EditedPage*>, PageKey::max_depth + 1> levels;
  };

  [[nodiscard]] std::size_t threads() const noexcept {
    const std::size_t wanted = options_.threads != 0
                                   ? options_.threads
                                   : std::min(4U, std::thread::hardware_concurrency());
    return std::clamp<std::size_t>(wanted, 1, Page::slots);
  }

  static Places last_of_each(Places places) {
    auto kept = places.begin();
    for (auto at = places.begin(); at != places.end(); ++at) {
      const auto next = at + 1;
      const bool again = next != places.end() && next->prefix == at->prefix &&
                         compare(next->item->key, at->item->key) == 0;
      if (!again) *kept++ = *at;
    }
    places.erase(kept, places.end());
    return places;
  }

  static unsigned nibble(const KeyPlace<Change>& place, std::size_t depth) noexcept {
    return depth < 16 ? static_cast<unsigned>(place.prefix >> (60 - 4 * depth)) & 15U
                      : nibble_of(place.item->key, depth);
  }

  /// Calls `visit(slot, changes)` for each slot of the page that has changes.
  template <class Visit>
  static void each_slot(const EditedPage& page, Visit&& visit) {
    const std::size_t depth = page.key.depth();
    for (SomePlaces rest = page.changes; !rest.empty();) {
      const unsigned slot = nibble(rest.front(), depth);
      std::size_t size = 1;
      while (size != rest.size() && nibble(rest[size], depth) == slot) ++size;
      visit(slot, rest.first(size));
      rest = rest.subspan(size);
    }
  }

  void read_all(EditedPage& root) {
    read(root);
    std::vector<EditedPage*> level{&root};
    for (std::vector<EditedPage*> next; !level.empty(); level.swap(next), next.clear()) {
      keep_read();
      for (EditedPage* const page : level) {
        each_slot(*page, [&](unsigned slot, SomePlaces changes) {
          if (!page->holds_page(slot)) return;
          EditedPage& child = pages_.add(page->key.below(slot), page);
          cache_.prefetch(child.key.view());
          page->below[slot] = &child;
          child.changes = changes;
          next.push_back(&child);
        });
      }
      for (std::size_t i = 0; i != next.size(); ++i) {
        constexpr std::size_t ahead = 8;
        if (i + ahead < next.size()) cache_.prefetch_nearer(next[i + ahead]->key.view());
        read(*next[i]);
      }
    }
  }

  void read(EditedPage& page) {
    const BytesView key = page.key.view();
    if (const auto kept = cache_.find(key)) {
      decode(page, *kept);
      return;
    }
    const auto stored = reader_.page(key);
    if (stored) {
      decode(page, view_of(*stored));
      read_.push_back(&page);
    } else if (page.above != nullptr) {
      throw damaged_page(page.key, "is missing");
    }
  }

  void decode(EditedPage& page, BytesView stored) {
    page.decode(stored);
    if (page.above != nullptr) check_count(page, page.above->counts[page.key.slot()]);
    page.before = bytes_.size();
    page.before_size = stored.size();
    bytes_.insert(bytes_.end(), stored.begin(), stored.end());
  }

  /// The cache gets nothing that is not known to be sound.
  void keep_read() {
    if (options_.check_pages) {
      hasher_(std::span<EditedPage* const>(read_), [](const EditedPage& page, const Digest& hash) {
        if (page.above == nullptr) return;
        check_hash(page, hash, page.above->entries[page.key.slot()].first);
      });
    }
    for (const EditedPage* const page : read_) cache_.put(page->key.view(), before(*page));
    read_.clear();
  }

  [[nodiscard]] BytesView before(const EditedPage& page) const noexcept {
    return {bytes_.data() + page.before, page.before_size};
  }

  void apply(EditedPage& page, Group& group) {
    each_slot(page, [&](unsigned slot, SomePlaces changes) {
      Group& own = page.above == nullptr ? groups_[slot * groups_.size() / Page::slots] : group;
      if (EditedPage* const child = page.below[slot]) {
        apply(*child, own);
        if (!child->changed) return;
        take_over(page, slot, *child);
      } else {
        if (!merge(page.holds_leaf(slot) ? &page.entries[slot] : nullptr, changes)) return;
        fill(page, slot, merged_, own);
      }
      page.changed = true;
    });
    if (page.changed && page.above != nullptr) group.levels[page.key.depth()].push_back(&page);
  }

  static void take_over(EditedPage& page, unsigned slot, const EditedPage& child) noexcept {
    if (!child.gone()) {
      page.set_page(slot, child.count());
    } else if (child.occupied != 0) {
      page.set_leaf(slot, child.entries[static_cast<unsigned>(std::countr_zero(child.leaves))]);
    } else {
      page.clear(slot);
    }
  }

  /// What a slot without a page holds afterwards goes to `merged_`. Whether it is anything new.
  bool merge(const DigestPair* held, SomePlaces changes) {
    merged_.clear();
    bool changed = false;
    for (const auto& place : changes) {
      const Change& change = *place.item;
      const int order = held == nullptr ? 1 : compare(held->first, change.key);
      if (held != nullptr && order < 0) merged_.push_back(*held);
      const bool same = order == 0 && change.value && *change.value == held->second;
      changed = changed || (!same && (order == 0 || change.value));
      if (order <= 0) held = nullptr;
      if (change.value) merged_.push_back({change.key, *change.value});
    }
    if (held != nullptr) merged_.push_back(*held);
    return changed;
  }

  /// The slot gets these leaves, and as many new pages below it as they need.
  void fill(EditedPage& page, unsigned slot, std::span<const DigestPair> leaves, Group& group) {
    if (leaves.empty()) return page.clear(slot);
    if (leaves.size() == 1) return page.set_leaf(slot, leaves.front());
    EditedPage& child = pages_.add(page.key.below(slot), &page);
    child.changed = true;
    const std::size_t depth = child.key.depth();
    for (auto rest = leaves; !rest.empty();) {
      const unsigned next = nibble_of(rest.front().first, depth);
      std::size_t size = 1;
      while (size != rest.size() && nibble_of(rest[size].first, depth) == next) ++size;
      fill(child, next, rest.first(size), group);
      rest = rest.subspan(size);
    }
    page.set_page(slot, leaves.size());
    group.levels[depth].push_back(&child);
  }

  static void hash(const Group& group, PageHasher<S>& hasher) {
    std::vector<EditedPage*> left;
    for (std::size_t depth = group.levels.size(); depth-- != 0;) {
      left.clear();
      std::copy_if(group.levels[depth].begin(), group.levels[depth].end(), std::back_inserter(left),
                   [](const EditedPage* page) { return !page->gone(); });
      hasher(std::span<EditedPage* const>(left), [](EditedPage& page, const Digest& hash) {
        page.above->entries[page.key.slot()].first = hash;
      });
    }
  }

  void hash_groups() {
    std::vector<std::future<void>> helpers;
    std::size_t started = 1;
    try {
      for (; started < groups_.size(); ++started) {
        helpers.push_back(std::async(std::launch::async, [&group = groups_[started]] {
          PageHasher<S> hasher;
          hash(group, hasher);
        }));
      }
    } catch (const std::system_error&) {
      // No thread is to be had: the rest is done here.
    }
    hash(groups_.front(), hasher_);
    for (std::size_t i = started; i < groups_.size(); ++i) hash(groups_[i], hasher_);
    for (auto& helper : helpers) helper.get();
  }

  [[nodiscard]] TrieUpdate finish(EditedPage& root) {
    hash_groups();
    Digest hash_of_root = S::empty;
    EditedPage* const only = &root;
    hasher_(std::span<EditedPage* const>(&only, 1),
            [&](const EditedPage&, const Digest& hash) { hash_of_root = hash; });
    std::vector<EditedPage*> changed;
    if (root.changed) changed.push_back(&root);
    for (std::size_t depth = 1; depth <= PageKey::max_depth; ++depth) {
      for (const Group& group : groups_) {
        changed.insert(changed.end(), group.levels[depth].begin(), group.levels[depth].end());
      }
    }
    std::vector<PageChange> changes = write_down(changed);
    return {hash_of_root, root.count(), std::move(changes), std::move(bytes_)};
  }

  std::vector<PageChange> write_down(const std::vector<EditedPage*>& changed) {
    std::size_t room = bytes_.size();
    for (const EditedPage* const page : changed) {
      room += page->key.view().size() + (page->gone() ? 0 : page->most_stored_bytes());
    }
    bytes_.reserve(room);  // from here on the views stay
    std::vector<PageChange> changes;
    changes.reserve(changed.size());
    char stored[Page::max_bytes];
    for (const EditedPage* const page : changed) {
      PageChange change{append(page->key.view()), {}, {}};
      if (page->before_size != 0) change.before = before(*page);
      if (!page->gone()) change.after = append({stored, page->encode(stored)});
      changes.push_back(change);
    }
    return changes;
  }

  BytesView append(BytesView bytes) {
    const std::size_t at = bytes_.size();
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return {bytes_.data() + at, bytes.size()};
  }

  R& reader_;
  PageCache& cache_;
  EditedPages& pages_;
  const TrieOptions& options_;
  std::vector<Group> groups_;
  std::vector<EditedPage*> read_;   ///< pages of this level that the cache did not have
  std::vector<DigestPair> merged_;  ///< the leaves of the slot at hand
  std::vector<char> bytes_;         ///< stored forms, before and after
  PageHasher<S> hasher_;
};

}  // namespace varve::merkle::detail
