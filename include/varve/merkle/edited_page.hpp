// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/merkle/key_order.hpp>
#include <varve/merkle/page.hpp>
#include <varve/merkle/page_key.hpp>
#include <varve/merkle/trie_change.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace varve::merkle::detail {

/// A page on the way of a change.
struct EditedPage : Page {
  EditedPage* above = nullptr;
  std::array<EditedPage*, slots> below{};       ///< those that are edited as well
  std::span<const KeyPlace<Change>> changes{};  ///< of the keys that belong below this page
  std::size_t before = 0;                       ///< where its stored form lies among the bytes
  std::size_t before_size = 0;                  ///< 0: it is not stored
  bool changed = false;

  /// Whether so few keys are left that the page above holds what there is.
  [[nodiscard]] bool gone() const noexcept { return count() < (above == nullptr ? 1U : 2U); }
};

/// Edited pages, which stay where they are. Their memory serves the next update.
class EditedPages {
 public:
  [[nodiscard]] EditedPage& add(const PageKey& key, EditedPage* above) {
    if (used_ == chunks_.size() * chunk) chunks_.push_back(std::make_unique<EditedPage[]>(chunk));
    EditedPage& page = chunks_[used_ / chunk][used_ % chunk];
    ++used_;
    page.key = key;
    page.occupied = page.leaves = 0;
    page.above = above;
    page.below.fill(nullptr);
    page.changes = {};
    page.before = page.before_size = 0;
    page.changed = false;
    return page;
  }

  /// All are free again. What an unusually large update took is given back.
  void clear() noexcept {
    used_ = 0;
    if (chunks_.size() > most_kept) chunks_.resize(most_kept);
  }

 private:
  static constexpr std::size_t chunk = 128;
  static constexpr std::size_t most_kept = 64;

  std::vector<std::unique_ptr<EditedPage[]>> chunks_;
  std::size_t used_ = 0;
};

}  // namespace varve::merkle::detail
