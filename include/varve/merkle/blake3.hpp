// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/blake3/batch.hpp>
#include <varve/merkle/blake3/compress.hpp>
#include <varve/merkle/digest.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace varve::merkle {

/// BLAKE3, in its three modes. A model of `Hasher`. Long updates are hashed several chunks at once.
class Blake3Hasher {
 public:
  static constexpr BytesView name = "blake3";
  static constexpr std::size_t size = 32;

  Blake3Hasher() noexcept : Blake3Hasher(blake3::iv, 0) {}

  /// A message authentication code.
  [[nodiscard]] static Blake3Hasher keyed(const Digest& key) noexcept {
    return Blake3Hasher(blake3::to_words(key), blake3::keyed_hash);
  }

  /// A hash, or a key, for one purpose, which `context` names: hard-coded and globally unique.
  [[nodiscard]] static Blake3Hasher derive_key(BytesView context) noexcept {
    Blake3Hasher of_context(blake3::iv, blake3::derive_key_context);
    of_context.update(context);
    return with_context_key(blake3::to_words(of_context.finish()));
  }

  /// As `derive_key`, with what the context was hashed to.
  [[nodiscard]] static Blake3Hasher with_context_key(const blake3::Words& key) noexcept {
    return Blake3Hasher(key, blake3::derive_key_material);
  }

  void update(BytesView bytes) noexcept {
    while (!bytes.empty()) {
      if (chunk_size() == blake3::chunk_bytes) finish_chunk();
      const std::size_t chunks = chunk_size() > 0 ? 0 : whole_chunks(bytes.size());
      if (chunks > 1) {
        take_chunks(reinterpret_cast<const std::byte*>(bytes.data()), chunks);
        bytes.remove_prefix(chunks * blake3::chunk_bytes);
      } else {
        const std::size_t here = std::min(bytes.size(), blake3::chunk_bytes - chunk_size());
        fill_chunk(bytes.substr(0, here));
        bytes.remove_prefix(here);
      }
    }
  }

  [[nodiscard]] Digest finish() const noexcept {
    Digest digest{};
    finish(digest);
    return digest;
  }

  /// Fills `out` with the extended output, of any length. Its first 32 bytes are the digest.
  void finish(std::span<std::byte> out) const noexcept {
    const Output last = root_output();
    for (std::uint64_t counter = 0; !out.empty(); ++counter) {
      const blake3::Block words = blake3::compress_wide(last.chain, last.block, counter, last.size,
                                                        last.flags | blake3::root);
      const std::size_t here = std::min(out.size(), blake3::block_bytes);
      for (std::size_t i = 0; i < here; ++i) {
        out[i] = static_cast<std::byte>(words[i / 4] >> (i % 4 * 8) & 0xffU);
      }
      out = out.subspan(here);
    }
  }

 private:
  /// What is left to compress: twice over, as a chaining value or as the root.
  struct Output {
    blake3::Words chain;
    std::uint32_t block[16];
    std::size_t size;
    std::uint32_t flags;
  };

  static constexpr std::size_t most_levels = 54;

  Blake3Hasher(const blake3::Words& key, std::uint32_t mode) noexcept
      : key_(key), chain_(key), mode_(mode) {}

  [[nodiscard]] std::size_t chunk_size() const noexcept {
    return blocks_ * blake3::block_bytes + block_size_;
  }

  [[nodiscard]] std::uint32_t start_flag() const noexcept {
    return blocks_ == 0 ? blake3::chunk_start : 0;
  }

  /// How many whole chunks of `bytes` are taken at once. More bytes come after them, for only then
  /// is it known that none of them is the root.
  [[nodiscard]] static std::size_t whole_chunks(std::size_t bytes) noexcept {
    return std::min(blake3::most_lanes, (bytes - 1) / blake3::chunk_bytes);
  }

  void take_chunks(const std::byte* bytes, std::size_t chunks) noexcept {
    std::array<Digest, blake3::most_lanes> values;
    blake3::hash_chunks(key_, mode_, chunk_, bytes, {values.data(), chunks});
    if (chunks == blake3::most_lanes && chunk_ % blake3::most_lanes == 0) {
      return push(blake3::join_all(key_, mode_, values), chunks);
    }
    for (std::size_t i = 0; i < chunks; ++i) push(blake3::to_words(values[i]), 1);
  }

  void fill_chunk(BytesView bytes) noexcept {
    while (!bytes.empty()) {
      if (block_size_ == blake3::block_bytes) {
        std::uint32_t m[16];
        blake3::load_block(m, block_.data(), blake3::block_bytes);
        chain_ = blake3::compress(chain_, m, chunk_, blake3::block_bytes, mode_ | start_flag());
        ++blocks_;
        block_size_ = 0;
      }
      const std::size_t here = std::min(bytes.size(), blake3::block_bytes - block_size_);
      std::memcpy(block_.data() + block_size_, bytes.data(), here);
      block_size_ += here;
      bytes.remove_prefix(here);
    }
  }

  [[nodiscard]] Output chunk_output() const noexcept {
    Output output{chain_, {}, block_size_, mode_ | start_flag() | blake3::chunk_end};
    blake3::load_block(output.block, block_.data(), block_size_);
    return output;
  }

  [[nodiscard]] blake3::Words chaining_value(const Output& output,
                                             std::uint64_t counter) const noexcept {
    return blake3::compress(output.chain, output.block, counter, output.size, output.flags);
  }

  void finish_chunk() noexcept {
    push(chaining_value(chunk_output(), chunk_), 1);
    chain_ = key_;
    blocks_ = 0;
    block_size_ = 0;
  }

  /// Adds a subtree of `chunks` chunks, and joins what it makes whole.
  void push(blake3::Words value, std::uint64_t chunks) noexcept {
    chunk_ += chunks;
    for (std::uint64_t whole = chunk_ / chunks; whole % 2 == 0; whole /= 2) {
      value = blake3::join(key_, levels_[--level_], value, mode_);
    }
    levels_[level_++] = value;
  }

  /// A chunk that is not the only one is counted; the root, whatever it is, has the counter of
  /// the output.
  [[nodiscard]] Output root_output() const noexcept {
    Output output = chunk_output();
    std::uint64_t counter = chunk_;
    for (std::size_t level = level_; level-- > 0; counter = 0) {
      const blake3::Words right = chaining_value(output, counter);
      output = Output{key_, {}, blake3::block_bytes, mode_ | blake3::parent};
      for (std::size_t i = 0; i < 8; ++i) {
        output.block[i] = levels_[level][i];
        output.block[i + 8] = right[i];
      }
    }
    return output;
  }

  blake3::Words key_;
  blake3::Words chain_;
  std::array<std::byte, blake3::block_bytes> block_{};
  std::uint32_t mode_;
  std::size_t block_size_ = 0;
  std::size_t blocks_ = 0;   ///< of the present chunk, that are compressed
  std::uint64_t chunk_ = 0;  ///< the number of the present chunk
  std::size_t level_ = 0;
  std::array<blake3::Words, most_levels> levels_;
};

}  // namespace varve::merkle
