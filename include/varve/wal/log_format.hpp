// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>
#include <varve/concepts/file_system.hpp>
#include <varve/io/crc32c.hpp>
#include <varve/wal/log_entry.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

/// The bytes of a log: docs/formats/wal.md.
namespace varve::detail {

inline constexpr BytesView segment_magic = "varvelog";
inline constexpr std::uint32_t segment_version = 1;
inline constexpr std::size_t segment_head_bytes = 64;  ///< of which the last 4 are the checksum
inline constexpr std::size_t record_head_bytes = 32;
inline constexpr std::size_t zeros_ahead_bytes = std::size_t{8} << 20U;  ///< at most, of entries
inline constexpr std::uint64_t max_segment_number = std::uint64_t{1} << 62U;  ///< never reached

template <class Number>
void store_number(char* to, Number number) noexcept {
  for (std::size_t i = 0; i < sizeof number; ++i) {
    to[i] = static_cast<char>((number >> (8U * i)) & 0xffU);
  }
}

template <class Number>
[[nodiscard]] Number load_number(const char* from) noexcept {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) {
    number = static_cast<Number>(
        number | static_cast<Number>(Number{static_cast<unsigned char>(from[i])} << (8U * i)));
  }
  return number;
}

/// The first bytes of a segment.
struct SegmentHead {
  std::uint64_t log = 0;      ///< drawn when the log was made, the same in each of its segments
  std::uint64_t segment = 0;  ///< drawn when the segment was made
  std::uint64_t number = 0;   ///< of the segment in the log, from 1
  std::uint64_t first = 0;    ///< the sequence of the first entry in it
  std::uint64_t follows = 0;  ///< where the segments before it ended: the sequence after their last
  bool recycled = false;      ///< whether the file was a segment before, whose bytes it still has
};

[[nodiscard]] inline std::string encode(const SegmentHead& head) {
  std::string bytes(segment_head_bytes, '\0');
  std::memcpy(bytes.data(), segment_magic.data(), segment_magic.size());
  store_number(bytes.data() + 8, segment_version);
  store_number(bytes.data() + 16, head.log);
  store_number(bytes.data() + 24, head.segment);
  store_number(bytes.data() + 32, head.number);
  store_number(bytes.data() + 40, head.first);
  store_number(bytes.data() + 48, head.follows);
  store_number(bytes.data() + 56, std::uint32_t{head.recycled});
  store_number(bytes.data() + 60, crc32c(BytesView(bytes).substr(0, 60)));
  return bytes;
}

/// Nothing where the bytes are no whole head.
[[nodiscard]] inline std::optional<SegmentHead> decode_segment_head(BytesView bytes) {
  if (bytes.size() < segment_head_bytes || bytes.substr(0, 8) != segment_magic ||
      load_number<std::uint32_t>(bytes.data() + 60) != crc32c(bytes.substr(0, 60))) {
    return std::nullopt;
  }
  const auto version = load_number<std::uint32_t>(bytes.data() + 8);
  if (version != segment_version) {
    throw Error(
        ErrorKind::corruption,
        {.message = "the log has format " + std::to_string(version) + " and this program reads " +
                    std::to_string(segment_version) + ": use the program that wrote it",
         .operation = "open",
         .layer = "wal"});
  }
  return SegmentHead{.log = load_number<std::uint64_t>(bytes.data() + 16),
                     .segment = load_number<std::uint64_t>(bytes.data() + 24),
                     .number = load_number<std::uint64_t>(bytes.data() + 32),
                     .first = load_number<std::uint64_t>(bytes.data() + 40),
                     .follows = load_number<std::uint64_t>(bytes.data() + 48),
                     .recycled = load_number<std::uint32_t>(bytes.data() + 56) != 0};
}

/// What stands before the payload of an entry.
struct RecordHead {
  std::uint64_t sequence = 0;
  std::uint64_t durable = 0;  ///< every entry up to this was on disk when this one was written
  std::uint32_t size = 0;     ///< of the payload
  std::uint32_t payload_checksum = 0;
  LogEntryKind kind{};
};

/// The checksum of a head covers the segment that it was written to, so that what an earlier use of
/// the file left is never taken for an entry.
inline void append_record(std::string& to, const SegmentHead& segment, const RecordHead& head,
                          BytesView payload) {
  char bytes[record_head_bytes] = {};
  store_number(bytes + 4, crc32c(payload));
  store_number(bytes + 8, head.sequence);
  store_number(bytes + 16, head.durable);
  store_number(bytes + 24, static_cast<std::uint32_t>(payload.size()));
  bytes[28] = static_cast<char>(head.kind);
  char place[8];
  store_number(place, segment.segment);
  store_number(bytes, crc32c(BytesView(bytes + 4, record_head_bytes - 4),
                             crc32c(BytesView(place, sizeof place))));
  to.append(bytes, record_head_bytes).append(payload);
}

/// Nothing where there is no whole head of an entry of this segment.
[[nodiscard]] inline std::optional<RecordHead> decode_record_head(BytesView bytes,
                                                                  const SegmentHead& segment) {
  if (bytes.size() < record_head_bytes) return std::nullopt;
  char place[8];
  store_number(place, segment.segment);
  const std::uint32_t sum =
      crc32c(bytes.substr(4, record_head_bytes - 4), crc32c(BytesView(place, sizeof place)));
  if (load_number<std::uint32_t>(bytes.data()) != sum) return std::nullopt;
  return RecordHead{.sequence = load_number<std::uint64_t>(bytes.data() + 8),
                    .durable = load_number<std::uint64_t>(bytes.data() + 16),
                    .size = load_number<std::uint32_t>(bytes.data() + 24),
                    .payload_checksum = load_number<std::uint32_t>(bytes.data() + 4),
                    .kind = static_cast<LogEntryKind>(bytes[28])};
}

/// Whether the bytes at `at` may be the head of an entry: spares the checksum of most that are
/// none.
[[nodiscard]] inline bool may_be_record_head(BytesView bytes, std::size_t at) noexcept {
  if (bytes.size() < record_head_bytes || at > bytes.size() - record_head_bytes) return false;
  const auto kind = load_number<std::uint32_t>(bytes.data() + at + 28);
  return kind != 0 && kind < 256;
}

/// A whole entry in the bytes of a segment.
struct PlacedRecord {
  RecordHead head;
  std::size_t at = 0;

  [[nodiscard]] std::size_t payload() const noexcept { return at + record_head_bytes; }
  [[nodiscard]] std::size_t end() const noexcept { return payload() + head.size; }
};

/// The whole entry that stands at a place. Every length is checked before it is used.
[[nodiscard]] inline std::optional<PlacedRecord> record_at(BytesView bytes, std::size_t at,
                                                           const SegmentHead& segment) {
  if (at > bytes.size()) return std::nullopt;
  const BytesView left = bytes.substr(at);
  const auto head = decode_record_head(left, segment);
  if (!head || head->size > left.size() - record_head_bytes ||
      crc32c(left.substr(record_head_bytes, head->size)) != head->payload_checksum) {
    return std::nullopt;
  }
  return PlacedRecord{*head, at};
}

/// The whole entry `sequence`, at a place, or behind zeros where the next block begins.
[[nodiscard]] inline std::optional<PlacedRecord> find_record(BytesView bytes, std::size_t at,
                                                             const SegmentHead& segment,
                                                             std::uint64_t sequence) {
  auto found = record_at(bytes, at, segment);
  if (found && found->head.sequence == sequence) return found;
  const std::size_t block = (at + io_block_bytes - 1) / io_block_bytes * io_block_bytes;
  if (block == at || block >= bytes.size() ||
      bytes.substr(at, block - at).find_first_not_of('\0') != BytesView::npos) {
    return std::nullopt;
  }
  found = record_at(bytes, block, segment);
  if (found && found->head.sequence != sequence) return std::nullopt;
  return found;
}

[[nodiscard]] inline std::string segment_name(std::uint64_t number) {
  std::string digits = std::to_string(number);
  return std::string(20 - digits.size(), '0') + digits + ".log";
}

/// The numbers of the segments among `names`, in order.
[[nodiscard]] inline std::vector<std::uint64_t> segment_numbers(
    const std::vector<std::string>& names) {
  std::vector<std::uint64_t> numbers;
  for (const std::string& name : names) {
    std::uint64_t number = 0;
    const char* const end = name.data() + std::min<std::size_t>(name.size(), 20);
    if (std::from_chars(name.data(), end, number).ec == std::errc() &&
        number <= max_segment_number && name == segment_name(number)) {
      numbers.push_back(number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace varve::detail
