// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace varve::testing::detail {

/// Folds eight bytes into a hash. Four of them run side by side over a page.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t word) noexcept {
  hash = (hash ^ word) * 0x9fb21c651e98df25U;
  return hash ^ (hash >> 32U);
}

[[nodiscard]] inline std::uint64_t hash_bytes(std::uint64_t hash, BytesView bytes) noexcept {
  std::uint64_t word = 0;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    std::memcpy(&word, bytes.data(), 8);
    hash = mix(hash, word);
  }
  word = bytes.size() + 1;
  for (const char c : bytes) word = (word << 8U) | static_cast<unsigned char>(c);
  return mix(hash, word);
}

/// The contents of a simulated file. A copy shares its pages until one of the two is written; pages
/// of zeros take no memory.
class DiskBytes {
 public:
  static constexpr std::size_t page_bytes = 4096;

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  [[nodiscard]] std::size_t read(std::uint64_t offset, std::span<char> buffer) const noexcept {
    if (offset >= size_) return 0;
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size_ - offset));
    each_page(offset, size,
              [&](std::size_t page, std::size_t within, std::size_t at, std::size_t count) {
                if (const Page* const found = find(page)) {
                  std::memcpy(buffer.data() + at, found->bytes.data() + within, count);
                } else {
                  std::memset(buffer.data() + at, 0, count);
                }
              });
    return size;
  }

  void write(std::uint64_t offset, BytesView bytes) {
    size_ = std::max(size_, offset + bytes.size());
    each_page(offset, bytes.size(),
              [&](std::size_t page, std::size_t within, std::size_t at, std::size_t count) {
                if (find(page) == nullptr && is_zero(bytes.substr(at, count))) return;
                std::memcpy(own(page).bytes.data() + within, bytes.data() + at, count);
              });
  }

  /// `write` of so many zeros.
  void write_zeros(std::uint64_t offset, std::uint64_t count) {
    size_ = std::max(size_, offset + count);
    clear(offset, offset + count);
  }

  void resize(std::uint64_t size) {
    if (size < size_) clear(size, size_);
    size_ = size;
  }

  [[nodiscard]] std::uint64_t hash() const noexcept {
    std::uint64_t hash = mix(0x51ed270b, size_);
    for (std::size_t page = 0; pages_ && page < pages_->size(); ++page) {
      if (const Page* const found = find(page)) hash = mix(mix(hash, page), found->hashed());
    }
    return hash;
  }

  [[nodiscard]] static bool is_zero(BytesView bytes) noexcept {
    return bytes.empty() || (bytes.front() == '\0' &&
                             std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
  }

 private:
  struct Page {
    std::array<char, page_bytes> bytes{};
    mutable std::uint64_t hash = 0;

    [[nodiscard]] std::uint64_t hashed() const noexcept {
      if (hash != 0) return hash;
      std::array<std::uint64_t, 4> lanes{1, 2, 3, 4};
      for (std::size_t at = 0; at < page_bytes; at += 32) {
        for (std::size_t lane = 0; lane < 4; ++lane) {
          std::uint64_t word = 0;
          std::memcpy(&word, bytes.data() + at + 8 * lane, 8);
          lanes[lane] = mix(lanes[lane], word);
        }
      }
      for (const std::uint64_t lane : lanes) hash = mix(hash, lane);
      return hash;
    }
  };
  using Pages = std::vector<std::shared_ptr<Page>>;

  template <class Visit>
  static void each_page(std::uint64_t offset, std::size_t size, Visit visit) {
    for (std::size_t at = 0; at < size;) {
      const auto within = static_cast<std::size_t>((offset + at) % page_bytes);
      const std::size_t count = std::min(size - at, page_bytes - within);
      visit(static_cast<std::size_t>((offset + at) / page_bytes), within, at, count);
      at += count;
    }
  }

  [[nodiscard]] const Page* find(std::size_t page) const noexcept {
    return pages_ && page < pages_->size() ? (*pages_)[page].get() : nullptr;
  }

  /// The page, to be changed: unshared, and made where it was all zeros.
  Page& own(std::size_t page) {
    if (!pages_) pages_ = std::make_shared<Pages>();
    if (pages_.use_count() > 1) pages_ = std::make_shared<Pages>(*pages_);
    if (page >= pages_->size()) pages_->resize(page + 1);
    std::shared_ptr<Page>& at = (*pages_)[page];
    if (!at) {
      at = std::make_shared<Page>();
    } else if (at.use_count() > 1) {
      at = std::make_shared<Page>(*at);
    }
    at->hash = 0;
    return *at;
  }

  void clear(std::uint64_t from, std::uint64_t to) {
    if (!pages_) return;
    to = std::min<std::uint64_t>(to, pages_->size() * page_bytes);
    if (from >= to) return;
    each_page(from, static_cast<std::size_t>(to - from),
              [&](std::size_t page, std::size_t within, std::size_t, std::size_t count) {
                if (find(page) == nullptr) return;
                std::memset(own(page).bytes.data() + within, 0, count);
              });
  }

  std::shared_ptr<Pages> pages_;
  std::uint64_t size_ = 0;
};

}  // namespace varve::testing::detail
