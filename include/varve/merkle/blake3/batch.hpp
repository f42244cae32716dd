// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/merkle/blake3/dispatch.hpp>
#include <varve/merkle/digest.hpp>
#include <varve/merkle/hash_job.hpp>

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

/// Runs of `job`, once all that differs from message to message is known. Where fewer messages are
/// left than there are lanes, the last stands in the others.
class LaneRun {
 public:
  explicit LaneRun(const LaneJob& job) noexcept : job_(job) {
    job_.starts = starts_.data();
    job_.last_lows = lows_.data();
    job_.last_highs = highs_.data();
    job_.outs = outs_.data();
    job_.last_sizes = whole_blocks.data();
  }

  /// `set(i, start, low, high, out)` says where message i of `count` stands.
  template <class Set>
  void operator()(std::size_t count, Set&& set) noexcept {
    const std::size_t limit = lanes();
    for (std::size_t at = 0; at < count;) {
      const Width width = width_for(count - at, limit);
      const std::size_t here = std::min(width.lanes, count - at);
      for (std::size_t lane = 0; lane < here; ++lane) {
        set(at + lane, starts_[lane], lows_[lane], highs_[lane], outs_[lane]);
      }
      for (std::size_t lane = here; lane < width.lanes; ++lane) {
        starts_[lane] = starts_[here - 1];
        lows_[lane] = lows_[here - 1];
        highs_[lane] = highs_[here - 1];
        outs_[lane] = unused_.data();
      }
      width.run(job_);
      job_.counter += here * job_.step;
      at += here;
    }
  }

 private:
  LaneJob job_;
  std::array<const std::byte*, most_lanes> starts_;
  std::array<const std::byte*, most_lanes> lows_;
  std::array<const std::byte*, most_lanes> highs_;
  std::array<std::byte*, most_lanes> outs_;
  Digest unused_;
};

/// Each job is a whole message of 64 bytes, under `key`: `flags` is its mode, or `parent` for an
/// inner node of a long message.
inline void hash_pairs(const Words& key, std::uint32_t flags,
                       std::span<const HashJob> jobs) noexcept {
  LaneJob job{};
  job.key = &key;
  job.blocks = 1;
  job.flags = flags;
  LaneRun run(job);
  run(jobs.size(), [&](std::size_t i, auto& start, auto& low, auto& high, auto& out) {
    start = low = jobs[i].left;
    high = jobs[i].right;
    out = jobs[i].out;
  });
}

/// out[i] is the chaining value of the whole chunk i at `bytes`, which has the number counter + i
/// in its message.
inline void hash_chunks(const Words& key, std::uint32_t mode, std::uint64_t counter,
                        const std::byte* bytes, std::span<Digest> digests) noexcept {
  LaneJob job{};
  job.key = &key;
  job.blocks = chunk_bytes / block_bytes;
  job.counter = counter;
  job.step = 1;
  job.flags = mode;
  job.first_flags = chunk_start;
  job.last_flags = chunk_end;
  LaneRun run(job);
  run(digests.size(), [&](std::size_t i, auto& start, auto& low, auto& high, auto& out) {
    start = bytes + i * chunk_bytes;
    low = start + chunk_bytes - block_bytes;
    high = low + half_bytes;
    out = digests[i].data();
  });
}

/// The chaining value of the subtree over the chunks that have these chaining values.
[[nodiscard]] inline Words join_all(const Words& key, std::uint32_t mode,
                                    std::array<Digest, most_lanes> values) noexcept {
  std::array<HashJob, most_lanes / 2> pairs;
  for (std::size_t count = most_lanes / 2; count > 0; count /= 2) {
    for (std::size_t i = 0; i < count; ++i) {
      pairs[i] = {values[2 * i].data(), values[2 * i + 1].data(), values[2 * i].data()};
    }
    hash_pairs(key, mode | parent, {pairs.data(), count});
    for (std::size_t i = 1; i < count; ++i) values[i] = values[2 * i];
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
    std::array<const std::byte*, most_lanes> lows;
    std::array<const std::byte*, most_lanes> highs;
    std::array<std::byte*, most_lanes> outs;
    std::array<std::uint32_t, most_lanes> sizes;
    std::array<std::array<std::byte, block_bytes>, most_lanes> padded;
    Digest unused;
    const Width width = width_for(line.count, limit_);
    for (std::size_t lane = 0; lane < width.lanes; ++lane) {
      const BytesView message = line.messages[std::min(lane, line.count - 1)];
      starts[lane] = reinterpret_cast<const std::byte*>(message.data());
      const std::size_t before = (blocks - 1) * block_bytes;
      const std::size_t size = message.size() - before;
      sizes[lane] = static_cast<std::uint32_t>(size);
      lows[lane] = starts[lane] + before;
      if (size < block_bytes) {
        padded[lane] = {};
        if (size > 0) std::memcpy(padded[lane].data(), lows[lane], size);
        lows[lane] = padded[lane].data();
      }
      highs[lane] = lows[lane] + half_bytes;
      outs[lane] = lane < line.count ? out_[line.places[lane]].data() : unused.data();
    }
    LaneJob job{};
    job.key = key_;
    job.starts = starts.data();
    job.last_lows = lows.data();
    job.last_highs = highs.data();
    job.outs = outs.data();
    job.last_sizes = sizes.data();
    job.blocks = blocks;
    job.flags = mode_;
    job.first_flags = chunk_start;
    job.last_flags = chunk_end | root;
    width.run(job);
    line.count = 0;
  }

  const Words* key_;
  Digest* out_;
  std::uint32_t mode_;
  std::size_t limit_;
  std::array<Line, chunk_bytes / block_bytes> lines_;
};

}  // namespace varve::merkle::blake3
