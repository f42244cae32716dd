// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/file_system.hpp>
#include <varve/io/crc32c.hpp>
#include <varve/io/durable_file.hpp>
#include <varve/io/random_bytes.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

namespace varve {

/// The file that says which engine holds a store: docs/formats/store-directory.md.
struct Authority {
  std::string engine;  ///< `name` of the engine, and of its directory below the store's
  std::string uuid;    ///< 32 hexadecimal digits, drawn when the store was made
  std::uint64_t epoch = 1;

  friend bool operator==(const Authority&, const Authority&) = default;
};

namespace detail {

inline constexpr const char* authority_file = "AUTHORITY";
inline constexpr std::size_t authority_max_bytes = 4096;

inline std::string to_hex(std::uint64_t number, int digits) {
  std::string text(static_cast<std::size_t>(digits), '0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, number >>= 4U) {
    *at = "0123456789abcdef"[number & 15U];
  }
  return text;
}

inline std::string authority_text(const Authority& authority) {
  std::string text = "varve-store 1\nengine " + authority.engine + "\nuuid " + authority.uuid +
                     "\nepoch " + std::to_string(authority.epoch) + "\n";
  return text + "crc32c " + to_hex(crc32c(text), 8) + "\n";
}

/// The rest of the line that starts with `word`, which is taken off `text`; nothing where it does
/// not start so.
inline std::optional<std::string> take_line(BytesView& text, BytesView word) {
  const std::size_t end = text.find('\n');
  if (end == BytesView::npos || text.substr(0, word.size()) != word) return std::nullopt;
  const std::string rest(text.substr(word.size(), end - word.size()));
  text.remove_prefix(end + 1);
  return rest;
}

inline std::optional<Authority> parse_authority(BytesView text) {
  BytesView left = text;
  const auto magic = take_line(left, "varve-store 1");
  const auto engine = take_line(left, "engine ");
  const auto uuid = take_line(left, "uuid ");
  const auto epoch = take_line(left, "epoch ");
  if (!magic || !engine || !uuid || !epoch) return std::nullopt;
  Authority authority{.engine = *engine, .uuid = *uuid};
  const char* const end = epoch->data() + epoch->size();
  const auto [stopped, failure] = std::from_chars(epoch->data(), end, authority.epoch);
  if (failure != std::errc() || stopped != end) return std::nullopt;
  if (authority_text(authority) != text) return std::nullopt;
  return authority;
}

}  // namespace detail

/// What the store in `directory` says of itself; nothing where there is no store. Throws
/// `corruption` for a file that is damaged or was written by a newer program.
template <FileSystem FS>
[[nodiscard]] std::optional<Authority> read_authority(FS& fs, const std::string& directory) {
  const std::string path = directory + "/" + detail::authority_file;
  const auto text = read_small_file(fs, path, detail::authority_max_bytes);
  if (!text) return std::nullopt;
  auto authority = detail::parse_authority(*text);
  if (authority) return authority;
  throw Error(ErrorKind::corruption,
              {.message = "'" + path +
                          "' is damaged or was written by a newer program; it names the engine "
                          "that holds the store: restore it from a backup",
               .operation = "open",
               .layer = "store"});
}

/// Makes `authority` the word of the store in `directory`, durably.
template <FileSystem FS>
void write_authority(FS& fs, const std::string& directory, const Authority& authority) {
  replace_file(fs, directory, detail::authority_file, detail::authority_text(authority));
}

/// An authority for a new store that `engine` holds.
[[nodiscard]] inline Authority new_authority(BytesView engine) {
  const std::string uuid = detail::to_hex(random_bits(), 16) + detail::to_hex(random_bits(), 16);
  return {.engine = std::string(engine), .uuid = uuid};
}

}  // namespace varve
