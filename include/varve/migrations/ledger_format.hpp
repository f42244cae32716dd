// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/packed.hpp>
#include <varve/codecs/versions/tag.hpp>
#include <varve/concepts/error.hpp>
#include <varve/io/crc32c.hpp>
#include <varve/migrations/ledger_records.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

// The bytes of the ledger's records: docs/formats/ledger.md. Do not change.
namespace varve::detail {

inline constexpr BytesView ledger_tree = "varve.ledger";
inline constexpr BytesView ledger_head_key = "head";
inline constexpr BytesView ledger_run_key = "run";
inline constexpr BytesView ledger_scrub_key = "scrub";
inline constexpr BytesView ledger_step_prefix = "step/";
inline constexpr BytesView ledger_tree_prefix = "tree/";
inline constexpr BytesView ledger_height_prefix = "height/";
inline constexpr BytesView ledger_refusal_prefix = "refused/";
inline constexpr BytesView ledger_magic = "varveldg";
/// Of the ledger as a whole: which records there are.
inline constexpr std::uint32_t ledger_format = 1;
/// Of each record: its members.
inline constexpr std::size_t ledger_record_format = 1;

/// Eight bytes, the highest first, so that the order of the keys is that of the
/// numbers.
[[nodiscard]] inline std::string numbered_key(BytesView prefix, std::uint64_t number) {
  std::string key(prefix);
  for (unsigned shift = 64; shift != 0; shift -= 8) {
    key.push_back(static_cast<char>(number >> (shift - 8)));
  }
  return key;
}

[[nodiscard]] inline std::uint64_t number_of_key(BytesView prefix, BytesView key) noexcept {
  std::uint64_t number = 0;
  for (const char c : key.substr(prefix.size())) {
    number = number << 8U | static_cast<unsigned char>(c);
  }
  return number;
}

/// A key for people, with its number in digits.
[[nodiscard]] inline std::string readable_ledger_key(BytesView key) {
  for (const BytesView prefix : {ledger_step_prefix, ledger_height_prefix, ledger_refusal_prefix}) {
    if (key.substr(0, prefix.size()) != prefix) continue;
    return std::string(prefix) + std::to_string(number_of_key(prefix, key));
  }
  return std::string(key);
}

[[noreturn]] inline void damaged_ledger(BytesView key, const char* what) {
  throw Error(ErrorKind::corruption,
              {.message = "the record '" + readable_ledger_key(key) + "' of the ledger " + what +
                          ": restore the store from a backup",
               .operation = "open",
               .tree = std::string(ledger_tree),
               .layer = "migrated"});
}

[[noreturn]] inline void refuse_newer_ledger(const std::string& what, std::size_t found,
                                             std::size_t known) {
  throw Error(ErrorKind::schema_newer,
              {.message = what + " has format " + std::to_string(found) +
                          " and this program reads formats up to " + std::to_string(known) +
                          ": open the store with the program that wrote it, or a newer one",
               .operation = "open",
               .tree = std::string(ledger_tree),
               .layer = "migrated"});
}

/// Four bytes, the lowest first.
inline void append_u32(std::string& to, std::uint32_t number) {
  for (unsigned shift = 0; shift != 32; shift += 8)
    to.push_back(static_cast<char>(number >> shift));
}

[[nodiscard]] inline std::uint32_t u32_at(BytesView bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (unsigned i = 0; i != 4; ++i) {
    number |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8U * i);
  }
  return number;
}

/// A checksum that covers the key, then the bytes.
[[nodiscard]] inline std::string sealed_record(BytesView key, BytesView body) {
  std::string bytes;
  append_u32(bytes, crc32c(body, crc32c(key)));
  return bytes.append(body);
}

[[nodiscard]] inline BytesView unsealed_record(BytesView key, BytesView bytes) {
  if (bytes.size() < 4) damaged_ledger(key, "is cut off");
  const BytesView body = bytes.substr(4);
  if (u32_at(bytes, 0) != crc32c(body, crc32c(key))) damaged_ledger(key, "is damaged");
  return body;
}

/// Appends the number of the format, then the members.
template <class Record>
void append_members(std::string& body, const Record& record) {
  body.append(versions::tag_of<ledger_record_format>().view());
  Packed::encode(record, body);
}

template <class Record>
[[nodiscard]] Record members_of(BytesView key, BytesView body) {
  std::size_t format = 0;
  try {
    const versions::Tagged record = versions::take_tag(body);
    format = record.version;
    if (format <= ledger_record_format) return Packed::decode<Record>(record.bytes);
  } catch (const Error&) {
    damaged_ledger(key, "cannot be read");
  }
  refuse_newer_ledger("the record '" + readable_ledger_key(key) + "' of the ledger", format,
                      ledger_record_format);
}

/// The record under this key as it is stored.
template <class Record>
[[nodiscard]] std::string ledger_bytes(BytesView key, const Record& record) {
  std::string body;
  append_members(body, record);
  return sealed_record(key, body);
}

[[nodiscard]] inline std::string ledger_bytes(BytesView key, const LedgerHead& head) {
  std::string body(ledger_magic);
  append_u32(body, ledger_format);
  append_u32(body, ledger_format);
  append_members(body, head);
  return sealed_record(key, body);
}

template <class Record>
[[nodiscard]] Record ledger_record(BytesView key, BytesView bytes) {
  return members_of<Record>(key, unsealed_record(key, bytes));
}

template <>
[[nodiscard]] inline LedgerHead ledger_record<LedgerHead>(BytesView key, BytesView bytes) {
  const BytesView body = unsealed_record(key, bytes);
  constexpr std::size_t fixed = 16;
  if (body.size() < fixed || body.substr(0, 8) != ledger_magic) {
    damaged_ledger(key, "is no head of a ledger");
  }
  if (u32_at(body, 12) > ledger_format) {
    refuse_newer_ledger("the ledger", u32_at(body, 8), ledger_format);
  }
  return members_of<LedgerHead>(key, body.substr(fixed));
}

}  // namespace varve::detail
