// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace varve::merkle {

/// Pages in their stored form, those that were used last. Two generations: what is used moves to
/// the young one; when that is half of what may be kept, the old one is dropped and the young one
/// ages.
///
/// Threads  one at a time.
class PageCache {
 public:
  explicit PageCache(std::size_t capacity_bytes) noexcept : capacity_bytes_(capacity_bytes) {}

  /// Valid until the next `find`, `put` or `erase`; null where the page is not kept.
  [[nodiscard]] const std::string* find(BytesView key) {
    if (const auto it = young_.find(key); it != young_.end()) return &it->second;
    const auto it = old_.find(key);
    if (it == old_.end()) return nullptr;
    const std::size_t bytes = cost(key, it->second);
    old_bytes_ -= bytes;
    const std::string* const page = &young_.insert(old_.extract(it)).position->second;
    grow(bytes);
    return page;
  }

  void put(BytesView key, BytesView page) {
    erase(key);
    const std::size_t bytes = cost(key, page);
    if (bytes > capacity_bytes_ / 2) return;
    young_.emplace(key, page);
    grow(bytes);
  }

  void erase(BytesView key) noexcept {
    if (const auto it = young_.find(key); it != young_.end()) {
      young_bytes_ -= cost(key, it->second);
      young_.erase(it);
    }
    if (const auto it = old_.find(key); it != old_.end()) {
      old_bytes_ -= cost(key, it->second);
      old_.erase(it);
    }
  }

  void clear() noexcept {
    young_.clear();
    old_.clear();
    young_bytes_ = old_bytes_ = 0;
  }

  [[nodiscard]] std::size_t bytes() const noexcept { return young_bytes_ + old_bytes_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(BytesView key) const noexcept { return std::hash<BytesView>{}(key); }
  };
  using Pages = std::unordered_map<std::string, std::string, Hash, std::equal_to<>>;

  /// With what a node of the map and its two strings take up.
  static std::size_t cost(BytesView key, BytesView page) noexcept {
    return 112 + key.size() + page.size();
  }

  /// Ages with the page that came last, so that it stays where it is.
  void grow(std::size_t bytes) noexcept {
    young_bytes_ += bytes;
    if (young_bytes_ <= capacity_bytes_ / 2) return;
    old_.swap(young_);
    young_.clear();
    old_bytes_ = std::exchange(young_bytes_, 0);
  }

  std::size_t capacity_bytes_;
  Pages young_;
  Pages old_;
  std::size_t young_bytes_ = 0;
  std::size_t old_bytes_ = 0;
};

}  // namespace varve::merkle
