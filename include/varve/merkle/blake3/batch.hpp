// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/blake3/dispatch.hpp>
#include <varve/merkle/digest.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace varve::merkle::blake3 {

inline constexpr std::size_t most_lanes = 16;

inline constexpr std::array<std::uint32_t, most_lanes> whole_blocks = [] {
  std::array<std::uint32_t, most_lanes> sizes{};
  sizes.fill(block_bytes);
  return sizes;
}();

/// Runs of `job` over `count` messages of whole blocks, `stride` bytes apart. Where fewer are left
/// than there are lanes, the last stands in the others.
inline void hash_strided(LaneJob job, const std::byte* first, std::size_t stride, std::size_t count,
                         Digest* out) noexcept {
  const std::size_t limit = lanes();
  std::array<const std::byte*, most_lanes> starts;
  std::array<const std::byte*, most_lanes> lasts;
  job.starts = starts.data();
  job.lasts = lasts.data();
  job.last_sizes = whole_blocks.data();
  for (std::size_t at = 0; at < count;) {
    const Width width = width_for(count - at, limit);
    const std::size_t here = std::min(width.lanes, count - at);
    for (std::size_t lane = 0; lane < width.lanes; ++lane) {
      starts[lane] = first + (at + std::min(lane, here - 1)) * stride;
      lasts[lane] = starts[lane] + (job.blocks - 1) * block_bytes;
    }
    if (here == width.lanes) {
      width.run(job, out + at);
    } else {
      std::array<Digest, most_lanes> all;
      width.run(job, all.data());
      std::copy_n(all.data(), here, out + at);
    }
    job.counter += here * job.step;
    at += here;
  }
}

/// out[i] is the digest of the 64 bytes of pairs[i] as a whole message, under `key`: `flags` is its
/// mode, or `parent` for an inner node of a long message.
inline void hash_pairs(const Words& key, std::uint32_t flags, std::span<const DigestPair> pairs,
                       Digest* out) noexcept {
  LaneJob job{};
  job.key = &key;
  job.blocks = 1;
  job.flags = flags;
  hash_strided(job, reinterpret_cast<const std::byte*>(pairs.data()), block_bytes, pairs.size(),
               out);
}

/// out[i] is the chaining value of the whole chunk i at `bytes`, which has the number counter + i
/// in its message.
inline void hash_chunks(const Words& key, std::uint32_t mode, std::uint64_t counter,
                        const std::byte* bytes, std::span<Digest> out) noexcept {
  LaneJob job{};
  job.key = &key;
  job.blocks = chunk_bytes / block_bytes;
  job.counter = counter;
  job.step = 1;
  job.flags = mode;
  job.first_flags = chunk_start;
  job.last_flags = chunk_end;
  hash_strided(job, bytes, chunk_bytes, out.size(), out.data());
}

/// The chaining value of the subtree over the chunks that have these chaining values.
[[nodiscard]] inline Words join_all(const Words& key, std::uint32_t mode,
                                    std::array<Digest, most_lanes> values) noexcept {
  std::array<DigestPair, most_lanes / 2> pairs;
  for (std::size_t count = most_lanes / 2; count > 0; count /= 2) {
    for (std::size_t i = 0; i < count; ++i) pairs[i] = {values[2 * i], values[2 * i + 1]};
    hash_pairs(key, mode | parent, {pairs.data(), count}, values.data());
  }
  return to_words(values[0]);
}

/// Messages of at most a chunk, which wait until there are enough of equally many blocks to fill
/// the lanes. `take` and `flush` write digests to out[i].
class MessageQueue {
 public:
  MessageQueue(const Words& key, std::uint32_t mode, Digest* out) noexcept
      : key_(&key), out_(out), mode_(mode), limit_(lanes()) {}

  /// `message` stays where it is until `flush`.
  void take(BytesView message, std::size_t i) noexcept {
    const std::size_t blocks = std::max<std::size_t>(1, (message.size() + 63) / block_bytes);
    Line& line = lines_[blocks - 1];
    line.messages[line.count] = message;
    line.places[line.count] = i;
    if (++line.count == limit_) run(line, blocks);
  }

  void flush() noexcept {
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      if (lines_[i].count > 0) run(lines_[i], i + 1);
    }
  }

 private:
  struct Line {
    std::size_t count = 0;
    std::array<BytesView, most_lanes> messages;
    std::array<std::size_t, most_lanes> places;
  };

  void run(Line& line, std::size_t blocks) noexcept {
    std::array<const std::byte*, most_lanes> starts;
    std::array<const std::byte*, most_lanes> lasts;
    std::array<std::uint32_t, most_lanes> sizes;
    std::array<std::array<std::byte, block_bytes>, most_lanes> padded;
    std::array<Digest, most_lanes> digests;
    const Width width = width_for(line.count, limit_);
    for (std::size_t lane = 0; lane < width.lanes; ++lane) {
      const BytesView message = line.messages[std::min(lane, line.count - 1)];
      starts[lane] = reinterpret_cast<const std::byte*>(message.data());
      const std::size_t before = (blocks - 1) * block_bytes;
      const std::size_t size = message.size() - before;
      sizes[lane] = static_cast<std::uint32_t>(size);
      lasts[lane] = starts[lane] + before;
      if (size < block_bytes) {
        padded[lane] = {};
        if (size > 0) std::memcpy(padded[lane].data(), lasts[lane], size);
        lasts[lane] = padded[lane].data();
      }
    }
    LaneJob job{};
    job.key = key_;
    job.starts = starts.data();
    job.lasts = lasts.data();
    job.last_sizes = sizes.data();
    job.blocks = blocks;
    job.flags = mode_;
    job.first_flags = chunk_start;
    job.last_flags = chunk_end | root;
    width.run(job, digests.data());
    for (std::size_t lane = 0; lane < line.count; ++lane) out_[line.places[lane]] = digests[lane];
    line.count = 0;
  }

  const Words* key_;
  Digest* out_;
  std::uint32_t mode_;
  std::size_t limit_;
  std::array<Line, chunk_bytes / block_bytes> lines_;
};

}  // namespace varve::merkle::blake3
