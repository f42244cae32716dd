// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/sha256/compress.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>

namespace varve::merkle {

/// SHA-256 (FIPS 180-4). A model of `Hasher`. With the processor's own instructions where it has
/// them.
class Sha256Hasher {
 public:
  static constexpr BytesView name = "sha256";
  static constexpr std::size_t size = 32;

  void update(BytesView bytes) noexcept {
    total_ += bytes.size();
    if (held_ > 0) {
      const std::size_t here = std::min(bytes.size(), block_.size() - held_);
      std::memcpy(block_.data() + held_, bytes.data(), here);
      held_ += here;
      bytes.remove_prefix(here);
      if (held_ < block_.size()) return;
      sha256::compress(state_, block_.data(), 1);
      held_ = 0;
    }
    const std::size_t whole = bytes.size() / block_.size();
    if (whole > 0) sha256::compress(state_, bytes.data(), whole);
    bytes.remove_prefix(whole * block_.size());
    if (!bytes.empty()) std::memcpy(block_.data(), bytes.data(), bytes.size());
    held_ = bytes.size();
  }

  [[nodiscard]] Digest finish() noexcept {
    constexpr std::size_t length_bytes = 8;
    block_[held_++] = '\x80';
    if (held_ > block_.size() - length_bytes) {
      std::fill(block_.begin() + held_, block_.end(), '\0');
      sha256::compress(state_, block_.data(), 1);
      held_ = 0;
    }
    std::fill(block_.begin() + held_, block_.end() - length_bytes, '\0');
    const std::uint64_t bits = total_ * 8;
    for (std::size_t i = 0; i < length_bytes; ++i) {
      block_[block_.size() - 1 - i] = static_cast<char>(bits >> (8 * i) & 0xffU);
    }
    sha256::compress(state_, block_.data(), 1);
    Digest digest{};
    for (std::size_t i = 0; i < size; ++i) {
      digest[i] = static_cast<std::byte>(state_[i / 4] >> (24 - i % 4 * 8) & 0xffU);
    }
    return digest;
  }

 private:
  sha256::State state_ = sha256::initial;
  std::array<char, sha256::block_bytes> block_{};
  std::size_t held_ = 0;
  std::uint64_t total_ = 0;
};

/// The SHA-256 of `parts`, one after another.
[[nodiscard]] inline Digest sha256_of(std::initializer_list<BytesView> parts) noexcept {
  Sha256Hasher hasher;
  for (const BytesView part : parts) hasher.update(part);
  return hasher.finish();
}

}  // namespace varve::merkle
