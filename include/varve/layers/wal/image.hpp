// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/file_system.hpp>
#include <varve/concepts/refinements.hpp>
#include <varve/io/crc32c.hpp>
#include <varve/layers/wal/entries.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// The image of a volatile engine: docs/formats/wal-image.md.
namespace varve::detail {

inline constexpr BytesView image_magic = "varve-image 2\n";
inline constexpr const char* image_file = "image";
inline constexpr std::size_t image_head_bytes = 8 + 4;
inline constexpr std::size_t image_block_bytes = std::size_t{1} << 20U;

/// What an image says of itself before its records.
struct ImageHead {
  std::uint64_t sequence = 0;     ///< the last one whose effect is in the image
  std::uint32_t last_number = 0;  ///< the largest number that a tree was given
  std::vector<TreeInfo> trees{};  ///< by their numbers
};

/// Has a name for each number, so that a head cannot say more numbers than it has bytes; an empty
/// one for a tree that was dropped.
[[nodiscard]] inline std::string image_head_payload(const ImageHead& head) {
  std::string payload(image_magic);
  append_number(payload, head.sequence);
  append_number(payload, head.last_number);
  auto at = head.trees.begin();
  for (std::uint32_t number = 1; number <= head.last_number; ++number) {
    const bool there = at != head.trees.end() && at->tree.number() == number;
    const BytesView name = there ? BytesView((at++)->name) : BytesView();
    append_number(payload, static_cast<std::uint32_t>(name.size()));
    payload.append(name);
  }
  return payload;
}

[[nodiscard]] inline ImageHead parse_image_head(BytesView payload) {
  if (payload.substr(0, image_magic.size()) != image_magic) {
    throw_bad_entry(
        "the image of the log is none, or a program of another version wrote it: use that one");
  }
  payload.remove_prefix(image_magic.size());
  ImageHead head;
  head.sequence = take_number<std::uint64_t>(payload);
  head.last_number = take_number<std::uint32_t>(payload);
  if (head.last_number > payload.size() / sizeof(std::uint32_t)) {
    throw_bad_entry("the image of the log says more trees than it has");
  }
  for (std::uint32_t number = 1; number <= head.last_number; ++number) {
    const auto size = take_number<std::uint32_t>(payload);
    if (size > payload.size()) throw_bad_entry("a name in the image of the log is cut off");
    const BytesView name = payload.substr(0, size);
    if (!name.empty()) head.trees.push_back({Tree(number, name), std::string(name)});
    payload.remove_prefix(size);
  }
  if (!payload.empty()) throw_bad_entry("the head of the image of the log is too long");
  return head;
}

/// Of a block: which one it is, so that none can stand for another, and what is in it.
[[nodiscard]] inline std::uint32_t image_checksum(std::uint64_t number, BytesView payload) {
  std::string place;
  append_number(place, number);
  append_number(place, std::uint64_t{payload.size()});
  return crc32c(payload, crc32c(place));
}

/// Writes an image aside and puts it in the place of the one before, durably and at once.
template <class FS>
class ImageWriter {
 public:
  ImageWriter(FS& files, std::string directory)
      : files_(files), directory_(std::move(directory)), file_(make(files, aside())) {}

  /// All that `reader` shows of the trees of `head`.
  template <KvReader Reader>
  void write(const ImageHead& head, const Reader& reader) {
    write_block(image_head_payload(head));
    WriteBatch batch;
    for (const TreeInfo& info : head.trees) {
      for (auto scan = reader.scan(info.tree, KeyRange::all()); scan.valid(); scan.next()) {
        const Entry entry = scan.entry();
        batch.put(info.tree, entry.key, entry.value);
        if (batch.bytes().size() < image_block_bytes) continue;
        write_block(batch.bytes());
        batch.clear();
      }
    }
    if (!batch.empty()) write_block(batch.bytes());
    write_block({});
  }

  void put_in_place() {
    file_.sync();
    files_.rename(aside(), directory_ + "/" + image_file);
    files_.sync_directory(directory_);
  }

 private:
  static auto make(FS& files, const std::string& path) {
    if (files.exists(path)) files.remove(path);
    return files.open(path, OpenMode::create);
  }

  [[nodiscard]] std::string aside() const { return directory_ + "/" + image_file + ".new"; }

  void write_block(BytesView payload) {
    std::string block;
    block.reserve(image_head_bytes + payload.size());
    append_number(block, std::uint64_t{payload.size()});
    append_number(block, image_checksum(number_++, payload));
    block.append(payload);
    file_.write_at(offset_, block);
    offset_ += block.size();
  }

  FS& files_;
  std::string directory_;
  decltype(make(std::declval<FS&>(), std::string())) file_;
  std::uint64_t offset_ = 0;
  std::uint64_t number_ = 0;
};

/// Reads an image. Every byte is checked before it is believed; what is wrong is `corruption`.
template <class FS>
class ImageReader {
 public:
  ImageReader(FS& files, const std::string& path)
      : path_(path), file_(files.open(path, OpenMode::read)), left_(file_.size()) {}

  [[nodiscard]] ImageHead head() { return parse_image_head(read_block()); }

  /// The next records; nothing at the end.
  [[nodiscard]] std::optional<WriteBatch> next() {
    const std::string& payload = read_block();
    if (!payload.empty()) return WriteBatch::from_bytes(payload);
    if (left_ != 0) fail("goes on behind its end");
    return std::nullopt;
  }

 private:
  const std::string& read_block() {
    block_.resize(image_head_bytes);
    read(block_);
    BytesView front(block_);
    const auto size = take_number<std::uint64_t>(front);
    const auto checksum = take_number<std::uint32_t>(front);
    if (size > left_) fail("is cut off");
    block_.resize(static_cast<std::size_t>(size));
    read(block_);
    if (image_checksum(number_++, block_) != checksum) fail("is damaged");
    return block_;
  }

  void read(std::string& buffer) {
    if (buffer.size() > left_ || file_.read_at(offset_, buffer) != buffer.size()) {
      fail("is cut off");
    }
    offset_ += buffer.size();
    left_ -= buffer.size();
  }

  [[noreturn]] void fail(const char* what) const {
    throw_bad_entry("'" + path_ + "' " + what + "; restore the store from a backup");
  }

  std::string path_;
  decltype(std::declval<FS&>().open(BytesView(), OpenMode::read)) file_;
  std::uint64_t left_;
  std::uint64_t offset_ = 0;
  std::uint64_t number_ = 0;
  std::string block_;
};

}  // namespace varve::detail
