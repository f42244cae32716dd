// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define VARVE_MEMORY_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VARVE_MEMORY_POISONS 1
#endif
#endif

#if defined(VARVE_MEMORY_POISONS)
#include <sanitizer/asan_interface.h>
#endif

namespace varve::detail::memory {

/// Under AddressSanitizer, whoever touches these bytes is caught.
inline void poison([[maybe_unused]] const void* bytes, [[maybe_unused]] std::size_t size) noexcept {
#if defined(VARVE_MEMORY_POISONS)
  __asan_poison_memory_region(bytes, size);
#endif
}

inline void unpoison([[maybe_unused]] const void* bytes,
                     [[maybe_unused]] std::size_t size) noexcept {
#if defined(VARVE_MEMORY_POISONS)
  __asan_unpoison_memory_region(bytes, size);
#endif
}

}  // namespace varve::detail::memory
