// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace varve::detail::cache {

/// What a cache hands out: a small value copied into the owner itself, or a share in a large one.
/// Neither allocates.
class Value {
 public:
  static constexpr std::size_t inline_words = 31;
  static constexpr std::size_t inline_bytes = inline_words * sizeof(std::uint64_t);

  Value() noexcept {}  // NOLINT: the words are uninitialised, which is what makes it cheap
  Value(Value&& other) noexcept { take(other); }
  Value& operator=(Value&& other) noexcept {
    take(other);
    return *this;
  }
  ~Value() = default;

  [[nodiscard]] BytesView view() const noexcept {
    if (shared_) return *shared_;
    return {reinterpret_cast<const char*>(words_) + offset_, size_};
  }

  /// Copies up to `inline_words` words, word by word, as they are.
  void copy(const std::atomic<std::uint64_t>* words, std::size_t count) noexcept {
#pragma GCC unroll 4
    for (std::size_t i = 0; i != count; ++i) words_[i] = words[i].load(std::memory_order_acquire);
  }
  [[nodiscard]] const char* bytes() const noexcept { return reinterpret_cast<const char*>(words_); }
  void select(std::size_t offset, std::size_t size) noexcept {
    offset_ = static_cast<std::uint32_t>(offset);
    size_ = static_cast<std::uint32_t>(size);
  }
  void share(std::shared_ptr<const std::string> value) noexcept { shared_ = std::move(value); }

 private:
  void take(Value& other) noexcept {
    if (this == &other) return;
    offset_ = other.offset_;
    size_ = other.size_;
    shared_ = std::move(other.shared_);
    if (!shared_) std::memcpy(words_, other.words_, offset_ + size_);
  }

  std::shared_ptr<const std::string> shared_;
  std::uint32_t offset_ = 0;
  std::uint32_t size_ = 0;
  std::uint64_t words_[inline_words];
};

/// What looking up a key came to.
enum class Found : std::uint8_t { nothing, value, absence };

/// A key as a cache knows it: its tree (low half) with the tree's generation (high half), its
/// bytes, and the hash of tree and bytes.
struct Key {
  std::uint64_t identity;
  BytesView bytes;
  std::uint64_t hash;
};

}  // namespace varve::detail::cache
