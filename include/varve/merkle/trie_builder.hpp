// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/key_order.hpp>
#include <varve/merkle/page.hpp>
#include <varve/merkle/page_hasher.hpp>
#include <varve/merkle/page_key.hpp>
#include <varve/merkle/suite.hpp>
#include <varve/merkle/trie_summary.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace varve::merkle {

/// Builds a trie from scratch out of leaves that come in the order of their keys: a thousand pages
/// in memory, however large it becomes.
///
/// `write(key, page)` gets every page once, those below before those above. What it throws leaves
/// the builder of no further use.
///
/// Threads  one at a time.
template <Suite S, std::invocable<BytesView, BytesView> Write>
class TrieBuilder {
 public:
  explicit TrieBuilder(Write write) : write_(std::move(write)) {}

  /// Errors  invalid_argument where the key is not above the one before it.
  void add(const Digest& key, const Digest& value) {
    if (held_) {
      if (compare(held_->first, key) >= 0) {
        throw Error(ErrorKind::invalid_argument,
                    {.message = compare(held_->first, key) == 0
                                    ? "a key was given twice: give each key once"
                                    : "a key was given after a greater one: sort the keys first",
                     .operation = "build",
                     .tree = "varve.trie",
                     .layer = "merkle"});
      }
      const std::size_t shared = common_bits(held_->first, key) / 4;
      place(shared);
      shared_ = shared;
    }
    held_ = DigestPair{key, value};
  }

  /// The last call: what was added is written.
  [[nodiscard]] TrieSummary finish() {
    if (!held_) return {S::empty, 0, 0};
    place(0);
    summary_.count = path_[0]->count();
    close();
    flush();
    return summary_;
  }

 private:
  static constexpr std::size_t most_waiting = 1024;

  struct Open : Page {
    Open* above = nullptr;
  };

  /// The held leaf lies in the page of what it shares with the leaf before or with the one behind
  /// it, whichever is more. The pages that the one behind it does not share are complete.
  void place(std::size_t shared_behind) {
    const std::size_t depth = std::max(shared_, shared_behind);
    while (open_ <= depth) open(held_->first);
    path_[depth]->set_leaf(nibble_of(held_->first, depth), *held_);
    while (open_ > shared_behind + 1) close();
    if (waiting_count_ >= most_waiting) flush();
  }

  void open(const Digest& on_the_way_to) {
    if (free_.empty()) {
      pool_.push_back(std::make_unique<Open>());
      free_.push_back(pool_.back().get());
    }
    Open* const page = free_.back();
    free_.pop_back();
    page->key = PageKey(on_the_way_to, open_);
    page->occupied = page->leaves = 0;
    page->above = open_ == 0 ? nullptr : path_[open_ - 1];
    path_[open_++] = page;
  }

  void close() {
    Open* const page = path_[--open_];
    if (page->above != nullptr) page->above->set_page(page->key.slot(), page->count());
    waiting_[open_].push_back(page);
    ++waiting_count_;
  }

  /// The complete pages get their hashes, the deepest first, and are written.
  void flush() {
    char stored[Page::max_bytes];
    for (std::size_t depth = waiting_.size(); depth-- != 0;) {
      std::vector<Open*>& pages = waiting_[depth];
      hasher_(std::span(std::as_const(pages)), [&](std::size_t i, const Digest& hash) {
        const Open& page = *pages[i];
        (page.above != nullptr ? page.above->entries[page.key.slot()].first : summary_.root) = hash;
        write_(page.key.view(), BytesView(stored, page.encode(stored)));
      });
      summary_.pages += pages.size();
      free_.insert(free_.end(), pages.begin(), pages.end());
      pages.clear();
    }
    waiting_count_ = 0;
  }

  Write write_;
  std::optional<DigestPair> held_;
  std::size_t shared_ = 0;  ///< nibbles that the held leaf shares with the one before it
  std::array<Open*, PageKey::max_depth + 1> path_{};
  std::size_t open_ = 0;  ///< pages of the path that are open
  std::array<std::vector<Open*>, PageKey::max_depth + 1> waiting_;
  std::size_t waiting_count_ = 0;
  std::vector<std::unique_ptr<Open>> pool_;
  std::vector<Open*> free_;
  PageHasher<S> hasher_;
  TrieSummary summary_;
};

}  // namespace varve::merkle
