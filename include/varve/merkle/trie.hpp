// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/block_store.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/edited_page.hpp>
#include <varve/merkle/page.hpp>
#include <varve/merkle/page_cache.hpp>
#include <varve/merkle/proof.hpp>
#include <varve/merkle/suite.hpp>
#include <varve/merkle/trie_build.hpp>
#include <varve/merkle/trie_change.hpp>
#include <varve/merkle/trie_edit.hpp>
#include <varve/merkle/trie_neighbours.hpp>
#include <varve/merkle/trie_options.hpp>
#include <varve/merkle/trie_pages.hpp>
#include <varve/merkle/trie_path.hpp>
#include <varve/merkle/trie_summary.hpp>
#include <varve/merkle/trie_update.hpp>
#include <varve/merkle/trie_walk.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <type_traits>

namespace varve::merkle {

/// The trie of a commitment, over its pages in a store. The object holds nothing but a cache: pages
/// are read from a reader and handed out in a `TrieUpdate`, and the caller writes them in the batch
/// of the data that they commit to.
///
///   auto update = trie.update(reader, changes);
///   ... the pages of the update and the data go to the store in one batch ...
///   trie.accept(update);
///
/// The root and the pages are functions of the content: the order of changes, how they are dealt
/// out to updates, threads and memory make no difference.
///
/// Errors   corruption, naming the page, where a page is not what was written; what a reader
/// throws. Threads  `update`, `accept`, `forget` and moves: one at a time. The static functions:
/// any number
///          at once, each with a reader of its own.
template <Suite S>
class Trie {
 public:
  explicit Trie(TrieOptions options = {}) : options_(options), cache_(options.cache_bytes) {}

  /// What `changes` make of the state that `reader` sees, which is the newest one. They come in any
  /// order; of one key the last counts. Nothing is kept of an update that is not accepted.
  template <class R>
    requires TriePages<std::remove_reference_t<R>>
  [[nodiscard]] TrieUpdate update(R&& reader, std::span<const Change> changes) {
    pages_.clear();  // of an update that failed
    detail::TrieEdit<S, std::remove_reference_t<R>> edit(reader, cache_, pages_, options_);
    TrieUpdate update = edit.run(changes);
    pages_.clear();
    return update;
  }

  /// The store holds the pages of this update now. Updates are accepted in the order in which they
  /// were written.
  void accept(const TrieUpdate& update) noexcept {
    try {
      const auto pages = update.pages();
      for (std::size_t i = 0; i != pages.size(); ++i) {
        constexpr std::size_t ahead = 8;
        if (i + ahead < pages.size()) cache_.prefetch(PageCache::hash_of(pages[i + ahead].key));
        const PageChange& page = pages[i];
        if (page.after) {
          cache_.put(page.key, *page.after);
        } else {
          cache_.erase(page.key);
        }
      }
      for (const PageChange& page : update.read()) cache_.put(page.key, *page.after);
    } catch (...) {
      forget();  // without memory there is no cache, and nothing is lost
    }
  }

  /// To be called when pages were written in another way (a rollback), or when nobody knows whether
  /// those of an update were written: nothing is held in memory any longer.
  void forget() noexcept { cache_.clear(); }

  /// What the pages in memory take up.
  [[nodiscard]] std::size_t cached_bytes() const noexcept { return cache_.bytes(); }
  [[nodiscard]] const TrieOptions& options() const noexcept { return options_; }

  /// The root of the pages that `reader` shows, of whatever height.
  template <class R>
    requires TriePages<std::remove_reference_t<R>>
  [[nodiscard]] static Digest root(R&& reader) {
    Page page;
    return read_page(reader, page) ? detail::hash_of<S>(page) : S::empty;
  }

  /// How many keys there are.
  template <class R>
    requires TriePages<std::remove_reference_t<R>>
  [[nodiscard]] static std::uint64_t count(R&& reader) {
    Page page;
    return read_page(reader, page) ? page.count() : 0;
  }

  /// The digest of the value of `key`, where there is one. Reads; does not hash.
  template <class R>
    requires TriePages<std::remove_reference_t<R>>
  [[nodiscard]] static std::optional<Digest> find(R&& reader, const Digest& key) {
    return detail::find_in_trie(reader, key);
  }

  /// The leaves on both sides of `key`. Reads; does not hash: their proofs vouch for them.
  template <class R>
    requires TriePages<std::remove_reference_t<R>>
  [[nodiscard]] static Neighbours neighbours(R&& reader, const Digest& key) {
    return detail::neighbours_in_trie(reader, key);
  }

  /// The proof that `key` is there, or is not, under `root(reader)`. Every page on the way is
  /// checked: a proof that is handed out holds.
  template <class R>
    requires TriePages<std::remove_reference_t<R>>
  [[nodiscard]] static MerkleProof prove(R&& reader, const Digest& key) {
    return detail::prove_in_trie<S>(reader, key);
  }

  /// Calls `visit(key, value)` for every leaf, in the order of the keys, and answers what the trie
  /// comes to. Every page and every count is checked, all of them against the answered root.
  template <class R, std::invocable<const Digest&, const Digest&> Visit>
    requires TriePages<std::remove_reference_t<R>>
  static TrieSummary walk(R&& reader, Visit&& visit) {
    return detail::TrieWalk<S, std::remove_reference_t<R>>(reader).run(visit);
  }

  /// Builds a trie from scratch.
  ///
  /// `source(add)` is called once, and calls `add(key, value)` once for each key, in any order.
  /// Every page goes to `write(key, page)` once, the root page last. The leaves are sorted in
  /// memory, 96 bytes each; where that is more than `memory_bytes`, in parts that are put aside in
  /// `blocks`, 64 bytes a leaf in blocks of up to 64 KiB, and read once more.
  ///
  /// Errors  invalid_argument where a key comes twice; what source, `write` and `blocks` throw.
  template <class Source, std::invocable<BytesView, BytesView> Write, class Blocks>
    requires BlockStore<std::remove_reference_t<Blocks>>
  static TrieSummary build(Source&& source, Write&& write, Blocks&& blocks,
                           std::size_t memory_bytes = std::size_t{256} << 20U) {
    return detail::build_trie<S>(source, write, blocks, memory_bytes);
  }

  /// The same, with memory for all leaves.
  template <class Source, std::invocable<BytesView, BytesView> Write>
  static TrieSummary build(Source&& source, Write&& write) {
    detail::NoBlocks none;
    return detail::build_trie<S>(source, write, none, std::numeric_limits<std::size_t>::max());
  }

 private:
  TrieOptions options_;
  PageCache cache_;
  detail::EditedPages pages_;
};

}  // namespace varve::merkle
