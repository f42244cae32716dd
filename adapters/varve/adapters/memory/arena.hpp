// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/adapters/memory/intrusive_list.hpp>
#include <varve/adapters/memory/poison.hpp>
#include <varve/adapters/memory/regions.hpp>
#include <varve/adapters/memory/size_class.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace varve::detail::memory {

/// Where nodes and records live: blocks of one size class fill pages of 64 KiB, pages fill regions
/// of 2 MiB, so that lookups stay within few (huge) pages of the processor's tables. An empty page
/// serves any class, an empty region goes back to the system. Blocks above 16 KiB are the general
/// allocator's. Its destructor frees every block.
///
/// Belongs to one thread at a time, but for `bytes_held`.
class Arena {
 public:
  explicit Arena(bool huge_pages) noexcept : huge_pages_(huge_pages) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  ~Arena() {
    while (Region* const region = regions_.front()) release(region);
    while (Large* const large = large_.front()) free_large(large);
  }

  /// Aligned for pointers. Throws `std::bad_alloc`.
  [[nodiscard]] void* allocate(std::size_t bytes) {
    if (bytes > largest_class_bytes) [[unlikely]]
      return allocate_large(bytes);
    const std::size_t index = size_class(bytes);
    Page* page = open_[index].front();
    if (page == nullptr) [[unlikely]]
      page = open_page(index);
    std::byte* block = page->freed;
    if (block != nullptr) {
      unpoison(block, page->block_bytes);
      page->freed = *reinterpret_cast<std::byte**>(block);
    } else {
      block = page->fresh;
      page->fresh += page->block_bytes;
      unpoison(block, page->block_bytes);
    }
    if (++page->used == page->capacity) open_[index].remove(page);
    return block;
  }

  /// `bytes` as they were given to `allocate`.
  void free(void* pointer, std::size_t bytes) noexcept {
    if (bytes > largest_class_bytes) [[unlikely]]
      return free_large(static_cast<Large*>(pointer) - 1);
    auto* const block = static_cast<std::byte*>(pointer);
    Page* const page = page_of(block);
    *reinterpret_cast<std::byte**>(block) = page->freed;
    page->freed = block;
    poison(block + sizeof(std::byte*), page->block_bytes - sizeof(std::byte*));
    const std::size_t index = size_class(bytes);
    if (page->used-- == page->capacity) open_[index].push_front(page);
    if (page->used == 0) [[unlikely]]
      close_page(page, index);
  }

  /// Takes over every block of `other`.
  void adopt(Arena& other) noexcept {
    regions_.take(other.regions_);
    large_.take(other.large_);
    empty_pages_.take(other.empty_pages_);
    for (std::size_t i = 0; i != size_class_count; ++i) open_[i].take(other.open_[i]);
    add_bytes(other.bytes_held());
    other.bytes_.store(0, std::memory_order_relaxed);
  }

  /// What is taken from the system. Safe from any thread.
  [[nodiscard]] std::uint64_t bytes_held() const noexcept {
    return bytes_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t page_bytes = std::size_t{64} << 10U;
  static constexpr std::size_t pages_a_region = region_bytes / page_bytes;
  static constexpr std::size_t region_head_bytes = 4096;

  struct Page : Linked<Page> {
    std::byte* freed = nullptr;
    std::byte* fresh = nullptr;
    std::uint32_t block_bytes = 0;
    std::uint16_t capacity = 0;
    std::uint16_t used = 0;
  };

  struct Region : Linked<Region> {
    std::array<Page, pages_a_region> pages;
    std::size_t used_pages = 0;
  };
  static_assert(sizeof(Region) <= region_head_bytes);

  struct alignas(16) Large : Linked<Large> {
    std::size_t bytes = 0;
  };

  static Region* region_of(const void* inside) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(inside);
    return reinterpret_cast<Region*>(address - address % region_bytes);
  }

  static Page* page_of(const void* block) noexcept {
    const std::size_t offset = reinterpret_cast<std::uintptr_t>(block) % region_bytes;
    return &region_of(block)->pages[offset / page_bytes];
  }

  void add_bytes(std::uint64_t bytes) noexcept {
    bytes_.store(bytes_held() + bytes, std::memory_order_relaxed);
  }

  [[gnu::noinline]] Page* open_page(std::size_t index) {
    if (empty_pages_.front() == nullptr) add_region();
    Page* const page = empty_pages_.front();
    empty_pages_.remove(page);
    Region* const region = region_of(page);
    ++region->used_pages;
    const auto number = static_cast<std::size_t>(page - region->pages.data());
    const std::size_t head = number == 0 ? region_head_bytes : 0;
    page->freed = nullptr;
    page->fresh = reinterpret_cast<std::byte*>(region) + number * page_bytes + head;
    page->block_bytes = static_cast<std::uint32_t>(size_class_bytes(index));
    page->capacity = static_cast<std::uint16_t>((page_bytes - head) / page->block_bytes);
    poison(page->fresh, page_bytes - head);
    open_[index].push_front(page);
    return page;
  }

  // One empty region is kept, so that a store which hovers at an edge does not map and unmap.
  [[gnu::noinline]] void close_page(Page* page, std::size_t index) noexcept {
    open_[index].remove(page);
    empty_pages_.push_front(page);
    Region* const region = region_of(page);
    if (--region->used_pages != 0) return;
    if (spare_ == nullptr || spare_->used_pages != 0) {
      spare_ = region;
    } else if (spare_ != region) {
      for (Page& each : region->pages) empty_pages_.remove(&each);
      release(region);
    }
  }

  // The first region does without a huge page: a small store should not cost one.
  void add_region() {
    std::byte* const mapped = map_region(huge_pages_ && regions_.front() != nullptr);
    auto* const region = ::new (mapped) Region;
    regions_.push_front(region);
    for (std::size_t i = pages_a_region; i-- != 0;) empty_pages_.push_front(&region->pages[i]);
    add_bytes(region_bytes);
  }

  void release(Region* region) noexcept {
    regions_.remove(region);
    unpoison(region, region_bytes);
    unmap_region(reinterpret_cast<std::byte*>(region));
    add_bytes(0 - std::uint64_t{region_bytes});
  }

  [[gnu::noinline]] void* allocate_large(std::size_t bytes) {
    auto* const large = ::new (::operator new(sizeof(Large) + bytes)) Large;
    large->bytes = bytes;
    large_.push_front(large);
    add_bytes(sizeof(Large) + bytes);
    return large + 1;
  }

  [[gnu::noinline]] void free_large(Large* large) noexcept {
    large_.remove(large);
    add_bytes(0 - std::uint64_t{sizeof(Large) + large->bytes});
    ::operator delete(large);
  }

  std::array<List<Page>, size_class_count> open_{};  ///< by class, the pages with room
  List<Page> empty_pages_;
  List<Region> regions_;
  List<Large> large_;
  Region* spare_ = nullptr;
  std::atomic<std::uint64_t> bytes_{0};
  bool huge_pages_;
};

}  // namespace varve::detail::memory
