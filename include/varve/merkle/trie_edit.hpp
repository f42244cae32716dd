// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
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
#include <varve/merkle/trie_descent.hpp>
#include <varve/merkle/trie_options.hpp>
#include <varve/merkle/trie_pages.hpp>
#include <varve/merkle/trie_update.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <future>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace varve::merkle::detail {

/// One update of a trie, level by level: down, and up again, where each page learns what is left of
/// it, and those that are changed are laid out anew and hashed, from the deepest level to the root.
template <Suite S, TriePages R>
class TrieEdit {
 public:
  TrieEdit(R& reader, PageCache& cache, EditedPages& pages, const TrieOptions& options) noexcept
      : reader_(reader), cache_(cache), pages_(pages), options_(options) {}

  [[nodiscard]] TrieUpdate run(std::span<const Change> changes) {
    const Places places = last_of_each(in_key_order<&Change::key>(changes));
    bytes_ = BytePool(std::min(places.size() * bytes_a_change, most_expected));
    TrieDescent<S, R>(reader_, cache_, pages_, bytes_, hasher_, options_).run(places);
    for (std::size_t depth = pages_.depths; depth-- != 0;) {
      for (EditedPage& page : pages_[depth]) settle(page);
    }
    hash_below_root(places.size() < worth_threads ? 1 : threads());
    return write_down();
  }

 private:
  using Places = std::vector<KeyPlace<Change>>;

  static constexpr unsigned slots = StoredPage::slots;
  /// So many changes take a thread longer than it takes to start one.
  static constexpr std::size_t worth_threads = 2048;

  /// What the pages of a change take among a million keys.
  static constexpr std::size_t bytes_a_change = 1536;
  static constexpr std::size_t most_expected = std::size_t{8} << 20U;

  [[nodiscard]] std::size_t threads() const noexcept {
    const std::size_t wanted = options_.threads != 0
                                   ? options_.threads
                                   : std::min(4U, std::thread::hardware_concurrency());
    return std::clamp<std::size_t>(wanted, 1, slots);
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

  static unsigned lowest(unsigned mask) noexcept {
    return static_cast<unsigned>(std::countr_zero(mask));
  }

  /// The page below `slot`, where it is changed.
  [[nodiscard]] const EditedPage* changed_below(const EditedPage& page, unsigned slot) noexcept {
    if ((page.below >> slot & 1U) == 0) return nullptr;
    const std::size_t at = page.first_below + EditedPage::rank(page.below, slot);
    const EditedPage& child = pages_[page.key.depth() + 1][at];
    return child.changed ? &child : nullptr;
  }

  /// What `slot` holds afterwards: a leaf, or a hash.
  [[nodiscard]] const std::byte* source(const EditedPage& page, unsigned slot) noexcept {
    if (const EditedPage* const child = changed_below(page, slot)) {
      return child->lone != nullptr ? child->lone : child->hash.data();
    }
    if ((page.put >> slot & 1U) == 0) return page.before.at(slot);
    return pages_.puts[page.first_put + EditedPage::rank(page.put, slot)].first.data();
  }

  /// What is left of a page, once that is known of those below it.
  void settle(EditedPage& page) {
    StoredPage& after = page.after;
    unsigned occupied = (page.before.occupied & ~page.erased) | page.put;
    unsigned leaves = (page.before.leaves & ~page.erased) | page.put;
    after.count = page.before.count + static_cast<unsigned>(std::popcount(occupied)) -
                  static_cast<unsigned>(std::popcount(page.before.occupied));
    for (unsigned rest = page.below; rest != 0; rest &= rest - 1) {
      const unsigned slot = lowest(rest);
      const EditedPage* const child = changed_below(page, slot);
      if (child == nullptr) continue;
      page.changed = true;
      after.count += child->after.count - child->count_above;
      occupied &= ~(1U << slot);
      leaves &= ~(1U << slot);
      if (child->after.count != 0) occupied |= 1U << slot;
      if (child->lone != nullptr) leaves |= 1U << slot;
    }
    if (!page.changed) return;
    after.occupied = static_cast<std::uint16_t>(occupied);
    after.leaves = static_cast<std::uint16_t>(leaves);
    if (after.count == 0) return;
    if (after.count == 1 && page.key.depth() != 0) {
      page.lone = source(page, lowest(occupied));
      return;
    }
    const auto digits = static_cast<std::size_t>(std::bit_width(after.count) + 6) / 7;
    const auto bytes_of = [](unsigned mask, std::size_t each) {
      return static_cast<std::size_t>(std::popcount(mask)) * each;
    };
    page.room = reinterpret_cast<std::byte*>(
        bytes_.take(4 + bytes_of(leaves, sizeof(DigestPair)) +
                    bytes_of(occupied ^ leaves, sizeof(Digest) + digits)));
  }

  void lay_out(EditedPage& page) noexcept {
    StoredPage& after = page.after;
    std::byte* out = StoredPage::put_head(page.room, after.occupied, after.leaves);
    for (unsigned rest = after.occupied; rest != 0; rest &= rest - 1) {
      const unsigned slot = lowest(rest);
      after.places[slot] = static_cast<std::uint16_t>(out - page.room);
      if ((after.leaves >> slot & 1U) != 0) {
        out = StoredPage::put_leaf(out, source(page, slot));
        continue;
      }
      const EditedPage* const child = changed_below(page, slot);
      out =
          StoredPage::put_page(out, source(page, slot),
                               child != nullptr ? child->after.count : page.before.count_of(slot));
    }
    after.bytes = page.room;
    after.size = static_cast<std::uint16_t>(out - page.room);
  }

  /// The pages of a depth below the share `part` of `parts` of the slots of the root page. Those of
  /// one share need nothing of another.
  [[nodiscard]] std::span<EditedPage> share(std::size_t depth, std::size_t part,
                                            std::size_t parts) noexcept {
    auto& level = pages_[depth];
    const auto first_of = [&](std::size_t wanted) {
      return std::partition_point(level.begin(), level.end(), [&](const EditedPage& page) {
        const auto byte = static_cast<unsigned char>(page.key.view()[1]);
        return (byte >> 4U) * parts / slots < wanted;
      });
    };
    return {first_of(part), first_of(part + 1)};
  }

  void hash_share(std::size_t part, std::size_t parts, PageHasher<S>& hasher) {
    constexpr std::size_t at_once = PageHasher<S>::group;  // laid out and hashed while it is near
    std::vector<const StoredPage*> forms;
    std::vector<EditedPage*> owners;
    const auto hash_them = [&] {
      hasher(std::span(std::as_const(forms)),
             [&](std::size_t i, const Digest& hash) { owners[i]->hash = hash; });
      forms.clear();
      owners.clear();
    };
    for (std::size_t depth = pages_.depths; depth-- > 1;) {
      for (EditedPage& page : share(depth, part, parts)) {
        if (page.room == nullptr) continue;
        lay_out(page);
        forms.push_back(&page.after);
        owners.push_back(&page);
        if (forms.size() == at_once) hash_them();
      }
      hash_them();
    }
  }

  void hash_below_root(std::size_t parts) {
    std::vector<std::future<void>> helpers;
    std::size_t started = 1;
    try {
      for (; started < parts; ++started) {
        helpers.push_back(std::async(std::launch::async, [this, started, parts] {
          PageHasher<S> hasher;
          hash_share(started, parts, hasher);
        }));
      }
    } catch (const std::system_error&) {
      // No thread is to be had: the rest is done here.
    }
    hash_share(0, parts, hasher_);
    for (std::size_t part = started; part < parts; ++part) hash_share(part, parts, hasher_);
    for (auto& helper : helpers) helper.get();
  }

  [[nodiscard]] Digest hash_root() {
    EditedPage& root = pages_[0].front();
    if (root.room != nullptr) lay_out(root);
    const StoredPage* const form = root.changed ? &root.after : &root.before;
    Digest hash_of_root = S::empty;
    hasher_(std::span(&form, 1), [&](std::size_t, const Digest& hash) { hash_of_root = hash; });
    return hash_of_root;
  }

  [[nodiscard]] TrieUpdate write_down() {
    const Digest hash_of_root = hash_root();
    const EditedPage& root = pages_[0].front();
    std::vector<PageChange> changes;
    std::size_t most = 0;
    for (std::size_t depth = 0; depth != pages_.depths; ++depth) most += pages_[depth].size();
    changes.reserve(most);
    for (std::size_t depth = 0; depth != pages_.depths; ++depth) {
      for (EditedPage& page : pages_[depth]) {
        if (!page.changed) continue;
        PageChange& change = changes.emplace_back();
        change.key = bytes_.copy(page.key.view());
        if (page.before.bytes != nullptr) change.before = page.before.view();
        if (page.room != nullptr) change.after = page.after.view();
      }
    }
    const std::size_t changed = changes.size();
    for (std::size_t depth = 0; depth != pages_.depths; ++depth) {
      for (const EditedPage& page : pages_[depth]) {
        if (page.changed || !page.from_store) continue;
        const BytesView form = page.before.view();
        changes.push_back({bytes_.copy(page.key.view()), form, form});
      }
    }
    const std::uint64_t count = root.changed ? root.after.count : root.before.count;
    return {hash_of_root, count, std::move(changes), changed, std::move(bytes_)};
  }

  R& reader_;
  PageCache& cache_;
  EditedPages& pages_;
  const TrieOptions& options_;
  BytePool bytes_;  ///< stored forms, before and after
  PageHasher<S> hasher_;
};

}  // namespace varve::merkle::detail
