// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/fixed_text.hpp>
#include <varve/concepts/bytes.hpp>
#include <varve/concepts/error.hpp>

#include <charconv>
#include <cstddef>
#include <string>
#include <utility>

// The number in front of a record: docs/formats/versions.md. Do not change.
namespace varve::detail::versions {

inline constexpr std::size_t max_version = 0x3fff;

[[nodiscard]] constexpr unsigned char first_byte_of_tag(std::size_t version) noexcept {
  return static_cast<unsigned char>(version < 0x80 ? version : (version & 0x7fU) | 0x80U);
}

template <std::size_t version>
consteval auto tag_of() {
  FixedText < version<0x80 ? 1 : 2> tag;
  tag.text[0] = static_cast<char>(first_byte_of_tag(version));
  if constexpr (version >= 0x80) tag.text[1] = static_cast<char>(version >> 7U);
  return tag;
}

/// The same of a number that is known only at run time.
[[nodiscard]] inline std::string tag_bytes(std::size_t version) {
  std::string tag(1, static_cast<char>(first_byte_of_tag(version)));
  if (version >= 0x80) tag.push_back(static_cast<char>(version >> 7U));
  return tag;
}

[[noreturn]] inline void refuse_record(ErrorKind kind, std::string message,
                                       const char* operation = "decode") {
  throw Error(kind, {.message = std::move(message), .operation = operation, .layer = "versions"});
}

[[noreturn]] inline void refuse_newer(std::size_t version, std::size_t newest) {
  refuse_record(ErrorKind::schema_newer, "the record is of version " + std::to_string(version) +
                                             ", and this program knows versions up to " +
                                             std::to_string(newest) +
                                             ": a newer program wrote it; read it with that one");
}

[[noreturn]] inline void refuse_newer_store(std::size_t version, std::size_t newest) {
  refuse_record(ErrorKind::schema_newer,
                "a newer program has written records of versions up to " + std::to_string(version) +
                    ", and this program knows versions up to " + std::to_string(newest) +
                    ": open the store with the newer one",
                "open");
}

[[noreturn]] inline void refuse_too_old(std::size_t version, std::size_t oldest,
                                        const char* operation = "decode") {
  refuse_record(ErrorKind::schema_too_old,
                "the record is of version " + std::to_string(version) +
                    ", and this program reads versions from " + std::to_string(oldest) +
                    " on: bring it up to date with a program that still reads it",
                operation);
}

[[noreturn]] inline void refuse_ambiguous() {
  refuse_record(ErrorKind::invalid_argument,
                "the probe takes the bytes of this value for an untagged record, so it could not "
                "be read again: give a probe that recognises untagged records alone",
                "encode");
}

[[noreturn]] inline void refuse_stored(BytesView codec, BytesView stored) {
  refuse_record(ErrorKind::schema_diverged,
                "the records were written by the codec '" + std::string(codec) + "' as '" +
                    std::string(stored) +
                    "', which is none of the versions of this program: a version that was released "
                    "must stay as it was; add a new one instead",
                "open");
}

struct Tagged {
  std::size_t version;
  BytesView bytes;  ///< less the tag
};

[[nodiscard]] inline Tagged take_tag(BytesView bytes) {
  const auto byte = [&](std::size_t at) -> std::size_t {
    if (at >= bytes.size()) {
      refuse_record(ErrorKind::corruption, "the record ends within the number of its version");
    }
    return static_cast<unsigned char>(bytes[at]);
  };
  const std::size_t low = byte(0);
  if (low == 0) {
    refuse_record(ErrorKind::corruption, "the record begins with 0, which is no version");
  }
  if (low < 0x80) return {low, bytes.substr(1)};
  const std::size_t high = byte(1);
  if (high == 0 || high >= 0x80) {
    refuse_record(ErrorKind::corruption, "the number of the record's version is malformed");
  }
  return {(low & 0x7fU) | high << 7U, bytes.substr(2)};
}

/// Takes " NUMBER=SIZE:IDENTITY" again and again from the identity that a store has.
class StoredVersions {
 public:
  explicit StoredVersions(BytesView stored) noexcept : left_(stored) {}

  [[nodiscard]] bool at_end() const noexcept { return left_.empty(); }

  [[nodiscard]] std::pair<std::size_t, BytesView> take() {
    const std::size_t version = number(' ', '=');
    const std::size_t size = number('\0', ':');
    if (size > left_.size()) refuse();
    const BytesView layout = left_.substr(0, size);
    left_.remove_prefix(size);
    return {version, layout};
  }

 private:
  [[noreturn]] static void refuse() {
    refuse_record(ErrorKind::corruption, "the identity that the store has of this codec is damaged",
                  "open");
  }

  /// The number between `before`, if there is one, and `after`.
  std::size_t number(char before, char after) {
    if (before != '\0') {
      if (left_.empty() || left_.front() != before) refuse();
      left_.remove_prefix(1);
    }
    std::size_t value = 0;
    const char* const end = left_.data() + left_.size();
    const auto [at, failed] = std::from_chars(left_.data(), end, value);
    if (failed != std::errc() || at == end || *at != after) refuse();
    left_.remove_prefix(static_cast<std::size_t>(at - left_.data()) + 1);
    return value;
  }

  BytesView left_;
};

}  // namespace varve::detail::versions
