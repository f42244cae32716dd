// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace varve::detail::memory {

/// A key and its value in one block, never changed once a version shows it. Inner nodes keep their
/// separators as records without a value.
struct Record {
  std::uint64_t birth;  ///< the number of the first version that can show it
  std::uint32_t key_bytes;
  std::uint32_t value_bytes;

  [[nodiscard]] BytesView key() const noexcept { return {bytes(), key_bytes}; }
  [[nodiscard]] BytesView value() const noexcept { return {bytes() + key_bytes, value_bytes}; }
  [[nodiscard]] std::size_t size() const noexcept {
    return sizeof(Record) + key_bytes + value_bytes;
  }

  [[nodiscard]] const char* bytes() const noexcept {
    return reinterpret_cast<const char*>(this + 1);
  }
};

template <class Arena>
[[nodiscard]] Record* make_record(Arena& arena, std::uint64_t birth, BytesView key,
                                  BytesView value) {
  void* const block = arena.allocate(sizeof(Record) + key.size() + value.size());
  auto* const record =
      ::new (block) Record{.birth = birth,
                           .key_bytes = static_cast<std::uint32_t>(key.size()),
                           .value_bytes = static_cast<std::uint32_t>(value.size())};
  auto* const bytes = reinterpret_cast<char*>(record + 1);
  if (!key.empty()) std::memcpy(bytes, key.data(), key.size());
  if (!value.empty()) std::memcpy(bytes + key.size(), value.data(), value.size());
  return record;
}

}  // namespace varve::detail::memory
