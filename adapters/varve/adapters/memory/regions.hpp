// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace varve::detail::memory {

/// What the arena takes from the system at a time: the size, and the alignment, of a huge page.
inline constexpr std::size_t region_bytes = std::size_t{2} << 20U;

/// A region of zeros. Throws `std::bad_alloc`.
[[nodiscard]] inline std::byte* map_region(bool huge_page) {
#if defined(__linux__)
  void* const mapped =
      ::mmap(nullptr, 2 * region_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* const begin = static_cast<std::byte*>(mapped);
  const std::size_t lead = (0 - reinterpret_cast<std::uintptr_t>(begin)) % region_bytes;
  if (lead != 0) ::munmap(begin, lead);
  ::munmap(begin + lead + region_bytes, region_bytes - lead);
  if (huge_page) ::madvise(begin + lead, region_bytes, MADV_HUGEPAGE);
  return begin + lead;
#else
  static_cast<void>(huge_page);
  return static_cast<std::byte*>(::operator new(region_bytes, std::align_val_t{region_bytes}));
#endif
}

inline void unmap_region(std::byte* region) noexcept {
#if defined(__linux__)
  ::munmap(region, region_bytes);
#else
  ::operator delete(region, std::align_val_t{region_bytes});
#endif
}

}  // namespace varve::detail::memory
