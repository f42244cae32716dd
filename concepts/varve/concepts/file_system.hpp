// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace varve {

/// How a file is opened. `create` makes a file that must not exist yet.
enum class OpenMode : std::uint8_t { read, write, create };

/// What a write that goes through to the disk is best a multiple of.
inline constexpr std::size_t io_block_bytes = 4096;

/// An open file. Closed by its destructor, which syncs nothing. Every failure is an `Error`.
///
/// Expression                 Semantics
/// f.write_at(offset, bytes)  writes all of `bytes`, or throws
/// f.read_at(offset, buffer)  the number of bytes read: fewer than asked for only at the end
/// f.sync()                   returns when what was written is on disk; after a failure the written
///                            pages are lost, and a later success promises nothing for them
/// f.write_through(o, bytes)  `write_at` that returns when these bytes, not others, are on disk;
///                            fails as `sync` does. Fastest inside the file, where offset, size
///                            and address are multiples of `io_block_bytes`
/// f.truncate(size)           cuts or extends with zeros
/// f.size()                   bytes
template <class F>
concept FileHandle = std::movable<F> && requires(F& file, const F& looked_at, std::uint64_t offset,
                                                 BytesView bytes, std::span<char> buffer) {
  { file.write_at(offset, bytes) } -> std::same_as<void>;
  { looked_at.read_at(offset, buffer) } -> std::same_as<std::size_t>;
  { file.write_through(offset, bytes) } -> std::same_as<void>;
  { file.sync() } -> std::same_as<void>;
  { file.truncate(offset) } -> std::same_as<void>;
  { looked_at.size() } -> std::same_as<std::uint64_t>;
};

/// What logs and backups are written against, so that a simulated disk can stand in for the real
/// one. docs/concepts/file_system.md.
///
/// A path is a `BytesView` in the encoding of the system. A file that was created, renamed or
/// removed is so after power loss only once `sync_directory` of its directory has returned.
/// Directories are made 0700 and files 0600, whatever the umask. `lock(path)` holds an exclusive
/// lock over processes while what it returns lives, or throws `busy` and names the holder.
template <class FS>
concept FileSystem = requires(FS& fs, BytesView path, OpenMode mode) {
  { fs.open(path, mode) } -> FileHandle;
  { fs.exists(path) } -> std::same_as<bool>;
  { fs.rename(path, path) } -> std::same_as<void>;
  { fs.remove(path) } -> std::same_as<void>;
  { fs.create_directory(path) } -> std::same_as<void>;
  { fs.sync_directory(path) } -> std::same_as<void>;
  { fs.list(path) } -> std::same_as<std::vector<std::string>>;
  { fs.free_bytes(path) } -> std::same_as<std::uint64_t>;
  { fs.lock(path) } -> std::movable;
};

/// The loud twin of `FileSystem`.
template <class FS>
consteval bool assert_file_system() {
  static_assert(
      requires(FS& fs, BytesView path) {
        { fs.open(path, OpenMode::read) } -> FileHandle;
      }, "a FileSystem has open(path, OpenMode) that returns a FileHandle");
  static_assert(
      requires(FS& fs, BytesView path) {
        { fs.exists(path) } -> std::same_as<bool>;
        { fs.rename(path, path) } -> std::same_as<void>;
        { fs.remove(path) } -> std::same_as<void>;
        { fs.list(path) } -> std::same_as<std::vector<std::string>>;
      }, "a FileSystem has exists, rename, remove and list");
  static_assert(
      requires(FS& fs, BytesView path) {
        { fs.create_directory(path) } -> std::same_as<void>;
        { fs.sync_directory(path) } -> std::same_as<void>;
      }, "a FileSystem has create_directory and sync_directory");
  static_assert(
      requires(FS& fs, BytesView path) {
        { fs.free_bytes(path) } -> std::same_as<std::uint64_t>;
      }, "a FileSystem has free_bytes(path)");
  static_assert(
      requires(FS& fs, BytesView path) {
        { fs.lock(path) } -> std::movable;
      }, "a FileSystem has lock(path) that returns the held lock");
  return FileSystem<FS>;
}

}  // namespace varve
