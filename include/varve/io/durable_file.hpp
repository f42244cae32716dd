// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/file_system.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace varve {

/// The whole of a file of at most `max_bytes`, or nothing where there is no such file. Throws
/// `corruption` for a longer one.
template <FileSystem FS>
[[nodiscard]] std::optional<std::string> read_small_file(FS& fs, const std::string& path,
                                                         std::size_t max_bytes) {
  if (!fs.exists(path)) return std::nullopt;
  auto file = fs.open(path, OpenMode::read);
  const std::uint64_t size = file.size();
  if (size > max_bytes) {
    throw Error(ErrorKind::corruption,
                {.message = "'" + path + "' has " + std::to_string(size) + " bytes where at most " +
                            std::to_string(max_bytes) + " are expected",
                 .operation = "read",
                 .layer = "file_system"});
  }
  std::string bytes(static_cast<std::size_t>(size), '\0');
  bytes.resize(file.read_at(0, bytes));
  return bytes;
}

/// Makes the directory and those above it that are missing, so that they are there after a crash;
/// also one that an attempt left which was cut short before it was synced.
template <FileSystem FS>
void make_directory(FS& fs, const std::string& path) {
  if (path.find_first_not_of('/') == std::string::npos) return;
  const std::size_t slash = path.find_last_not_of('/') == std::string::npos
                                ? std::string::npos
                                : path.rfind('/', path.find_last_not_of('/'));
  const std::string above = slash == std::string::npos ? "" : path.substr(0, slash);
  if (!fs.exists(path)) {
    make_directory(fs, above);
    fs.create_directory(path);
  }
  fs.sync_directory(slash == 0 ? "/" : above);
}

/// Makes the file `name` in `directory` hold `bytes`, durably and at once: after a crash it holds
/// what it held before, or all of `bytes`. What is left of an attempt that was cut short is
/// replaced.
template <FileSystem FS>
void replace_file(FS& fs, const std::string& directory, const std::string& name, BytesView bytes) {
  const std::string path = directory + "/" + name;
  const std::string aside = path + ".new";
  if (fs.exists(aside)) fs.remove(aside);
  auto file = fs.open(aside, OpenMode::create);
  file.write_at(0, bytes);
  file.sync();
  fs.rename(aside, path);
  fs.sync_directory(directory);
}

}  // namespace varve
