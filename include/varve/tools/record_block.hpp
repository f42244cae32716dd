// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/entry.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace varve {

/// Records one after another in one piece of memory, to be handed from thread to thread or put
/// aside in a temporary file: `u32 key size | u32 value size | key | value`, in the machine's own
/// byte order. Never kept beyond the process.
class RecordBlock {
 public:
  /// Views into the block are valid until it changes.
  class Reader {
   public:
    explicit Reader(BytesView bytes) noexcept : left_(bytes) {}

    [[nodiscard]] bool valid() const noexcept { return !left_.empty(); }

    [[nodiscard]] Entry entry() const noexcept {
      return {left_.substr(head_bytes, key_size()),
              left_.substr(head_bytes + key_size(), value_size())};
    }

    void next() noexcept { left_.remove_prefix(head_bytes + key_size() + value_size()); }

   private:
    [[nodiscard]] std::size_t size_at(std::size_t offset) const noexcept {
      std::uint32_t size = 0;
      std::memcpy(&size, left_.data() + offset, sizeof size);
      return size;
    }
    [[nodiscard]] std::size_t key_size() const noexcept { return size_at(0); }
    [[nodiscard]] std::size_t value_size() const noexcept { return size_at(sizeof(std::uint32_t)); }

    BytesView left_;
  };

  static constexpr std::size_t head_bytes = 2 * sizeof(std::uint32_t);

  /// Key and value are each smaller than 4 GiB, as in a `WriteBatch`.
  void add(BytesView key, BytesView value) {
    const std::uint32_t sizes[] = {static_cast<std::uint32_t>(key.size()),
                                   static_cast<std::uint32_t>(value.size())};
    char head[head_bytes];
    std::memcpy(head, sizes, head_bytes);
    bytes_.append(head, head_bytes).append(key).append(value);
  }

  [[nodiscard]] BytesView bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  [[nodiscard]] Reader read() const noexcept { return Reader(bytes_); }
  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }
  void clear() noexcept { bytes_.clear(); }

 private:
  std::string bytes_;
};

}  // namespace varve
