// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <utility>

namespace varve::detail::cache {

/// Zeroed memory from the system that can be given back while its addresses stay valid: whoever
/// still reads it finds zeros.
class Pages {
 public:
  explicit Pages(std::size_t bytes) : bytes_(bytes) {
    if (bytes == 0) return;
    memory_ = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() {
    if (memory_ != nullptr) ::munmap(memory_, bytes_);
  }

  [[nodiscard]] char* data() const noexcept { return static_cast<char*>(memory_); }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }

  void give_back() noexcept {
    if (memory_ != nullptr) static_cast<void>(::madvise(memory_, bytes_, MADV_DONTNEED));
  }

 private:
  std::size_t bytes_;
  void* memory_ = nullptr;
};

}  // namespace varve::detail::cache
