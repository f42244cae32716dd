// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/byte_pool.hpp>
#include <varve/merkle/digest.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace varve::merkle {

/// A page that is another afterwards. Never none on both sides, never the same on both.
struct PageChange {
  BytesView key;
  /// None: there was no such page. Lives until the trie accepts an update or makes another.
  std::optional<BytesView> before;
  std::optional<BytesView> after;  ///< none: there is no such page any more
};

/// What a set of changes makes of a trie. Nothing of it is written: the pages go into the batch of
/// the changes that they commit to.
class TrieUpdate {
 public:
  /// `bytes` is what the pages are views of. Behind the `changed` ones stand those that were only
  /// read.
  TrieUpdate(const Digest& root, std::uint64_t count, std::vector<PageChange> pages,
             std::size_t changed, BytePool bytes) noexcept
      : root_(root),
        count_(count),
        pages_(std::move(pages)),
        changed_(changed),
        bytes_(std::move(bytes)) {}

  // A copy would look into the bytes of the original.
  TrieUpdate(TrieUpdate&&) noexcept = default;
  TrieUpdate& operator=(TrieUpdate&&) noexcept = default;
  TrieUpdate(const TrieUpdate&) = delete;
  TrieUpdate& operator=(const TrieUpdate&) = delete;
  ~TrieUpdate() = default;

  /// The root afterwards; the suite's `empty` where no key is left.
  [[nodiscard]] const Digest& root() const noexcept { return root_; }
  /// The keys afterwards.
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// The pages that differ afterwards, in the order of their keys. They live as long as the update,
  /// wherever it is moved, but for what they were before. None where the changes change nothing.
  [[nodiscard]] std::span<const PageChange> pages() const noexcept {
    return std::span(pages_).first(changed_);
  }
  /// Pages that the store was asked for and that stay as they are.
  [[nodiscard]] std::span<const PageChange> read() const noexcept {
    return std::span(pages_).subspan(changed_);
  }

 private:
  Digest root_;
  std::uint64_t count_;
  std::vector<PageChange> pages_;
  std::size_t changed_;
  BytePool bytes_;
};

}  // namespace varve::merkle
