// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/error.hpp>
#include <varve/concepts/key_range.hpp>
#include <varve/concepts/tree.hpp>
#include <varve/io/crc32c.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

// How history lies in the reserved trees: docs/formats/history.md.
namespace varve::detail::history {

inline constexpr BytesView entries_tree = "varve.history";
inline constexpr BytesView heights_tree = "varve.heights";
inline constexpr BytesView pages_tree = "varve.trie";

[[nodiscard]] constexpr bool is_own_name(BytesView name) noexcept {
  return name == entries_tree || name == heights_tree || name == pages_tree;
}

[[noreturn]] inline void refuse_bytes(BytesView tree, const std::string& what) {
  throw Error(ErrorKind::corruption,
              {.message = what + " is not what was written: restore the store from a copy",
               .operation = "read",
               .tree = std::string(tree),
               .layer = "versioned"});
}

template <class Number>
void append_number(std::string& to, Number number) {
  for (std::size_t shift = sizeof(Number) * 8; shift != 0;) {
    shift -= 8;
    to.push_back(static_cast<char>((number >> shift) & 0xffU));
  }
}

/// The number that the first bytes spell, the highest first.
template <class Number>
[[nodiscard]] Number number_at(const char* bytes) noexcept {
  Number number = 0;
  for (std::size_t i = 0; i != sizeof(Number); ++i) {
    number = static_cast<Number>((number << 8U) | static_cast<unsigned char>(bytes[i]));
  }
  return number;
}

/// Takes fields from the front of stored bytes; `good` says whether all were there.
class FieldReader {
 public:
  explicit FieldReader(BytesView bytes) noexcept : left_(bytes) {}

  template <class Number>
  [[nodiscard]] Number number() noexcept {
    if (left_.size() < sizeof(Number)) return fail(), Number{};
    const auto value = number_at<Number>(left_.data());
    left_.remove_prefix(sizeof(Number));
    return value;
  }

  [[nodiscard]] BytesView bytes() noexcept {
    const auto size = number<std::uint32_t>();
    if (left_.size() < size) return fail(), BytesView{};
    const BytesView taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }

  [[nodiscard]] bool at_end() const noexcept { return left_.empty(); }
  [[nodiscard]] bool good() const noexcept { return good_; }

 private:
  void fail() noexcept {
    good_ = false;
    left_ = {};
  }

  BytesView left_;
  bool good_ = true;
};

inline void append_bytes(std::string& to, BytesView bytes) {
  append_number(to, static_cast<std::uint32_t>(bytes.size()));
  to.append(bytes);
}

/// A record of the heights: the checksum of its key and body, and the body.
[[nodiscard]] inline std::string sealed(BytesView key, BytesView body) {
  std::string value;
  value.reserve(4 + body.size());
  append_number(value, crc32c(body, crc32c(key)));
  return value.append(body);
}

/// The body of a record of the heights.
[[nodiscard]] inline BytesView unsealed(BytesView key, BytesView value) {
  if (value.size() < 4 ||
      number_at<std::uint32_t>(value.data()) != crc32c(value.substr(4), crc32c(key))) {
    refuse_bytes(heights_tree, "a record");
  }
  return value.substr(4);
}

// Keys of entries: the tree's id, the key in groups of eight, the height.

inline constexpr std::size_t group_bytes = 8;
inline constexpr char more_follow = static_cast<char>(group_bytes + 1);
inline constexpr std::size_t height_bytes = 8;

/// The longest key whose entries fit into keys of `stored` bytes.
[[nodiscard]] constexpr std::uint64_t longest_key(std::uint64_t stored) noexcept {
  constexpr std::uint64_t around = 4 + height_bytes;
  return stored <= around ? 0 : (stored - around) / (group_bytes + 1) * group_bytes;
}

/// Of no two keys is one's spelling a prefix of the other's, and they sort as the keys do.
inline void append_grouped(std::string& to, BytesView key) {
  for (; key.size() > group_bytes; key.remove_prefix(group_bytes)) {
    to.append(key.substr(0, group_bytes)).push_back(more_follow);
  }
  to.append(key).append(group_bytes - key.size(), '\0').push_back(static_cast<char>(key.size()));
}

/// What all entries of a key begin with.
[[nodiscard]] inline std::string entry_prefix(Tree tree, BytesView key) {
  std::string prefix;
  prefix.reserve(4 + (key.size() / group_bytes + 1) * (group_bytes + 1) + height_bytes);
  append_number(prefix, tree.id());
  append_grouped(prefix, key);
  return prefix;
}

[[nodiscard]] inline std::string entry_key(Tree tree, BytesView key, std::uint64_t height) {
  std::string spelled = entry_prefix(tree, key);
  append_number(spelled, height);
  return spelled;
}

struct EntryPlace {
  BytesView prefix;  ///< tree and key, as they are stored
  std::uint64_t height = 0;
};

[[nodiscard]] inline EntryPlace entry_place(BytesView stored) {
  if (stored.size() < 4 + group_bytes + 1 + height_bytes) refuse_bytes(entries_tree, "a key");
  const std::size_t at = stored.size() - height_bytes;
  return {stored.substr(0, at), number_at<std::uint64_t>(stored.data() + at)};
}

/// The key that the prefix of an entry spells.
inline void key_of_prefix(BytesView prefix, std::string& key) {
  key.clear();
  prefix.remove_prefix(4);
  for (; prefix.size() >= group_bytes + 1; prefix.remove_prefix(group_bytes + 1)) {
    const char mark = prefix[group_bytes];
    const bool last = prefix.size() == group_bytes + 1;
    if (last != (mark != more_follow) || mark < 0 || mark > more_follow) break;
    key.append(prefix.substr(0, last ? static_cast<std::size_t>(mark) : group_bytes));
    if (last) return;
  }
  refuse_bytes(entries_tree, "a key");
}

/// The ends of the entries of a range of keys.
class EntryBounds {
 public:
  EntryBounds(Tree tree, const KeyBounds& keys) {
    append_number(first_, tree.id());
    last_ = first_;
    append_grouped(first_, keys.first());
    if (keys.bounded()) {
      append_grouped(last_, keys.last());
    } else {
      last_.append(group_bytes + 1, '\xff');  // No mark is as high.
    }
  }

  [[nodiscard]] BytesView first() const noexcept { return first_; }
  [[nodiscard]] BytesView last() const noexcept { return last_; }

 private:
  std::string first_;
  std::string last_;
};

// Values of entries: what the key held before the height.

/// What a key held, as its entry says.
[[nodiscard]] inline std::optional<BytesView> held_before(BytesView value) {
  if (value.size() == 1 && value.front() == '\0') return std::nullopt;
  if (value.empty() || value.front() != '\1') refuse_bytes(entries_tree, "an entry");
  return value.substr(1);
}

// Keys of the heights.

inline constexpr BytesView head_key = "h";

[[nodiscard]] inline std::string height_key(std::uint64_t height) {
  std::string key(1, 'r');
  append_number(key, height);
  return key;
}

[[nodiscard]] inline std::string list_key(std::uint64_t height, std::uint32_t part) {
  std::string key(1, 'c');
  append_number(key, height);
  append_number(key, part);
  return key;
}

/// Of whether a tree is part of the root.
[[nodiscard]] inline std::string tree_key(Tree tree) {
  std::string key(1, 't');
  append_number(key, tree.id());
  return key;
}

inline constexpr BytesView drop_mark = "d";

/// Of a tree that is to be dropped.
[[nodiscard]] inline std::string drop_key(Tree tree) {
  std::string key(drop_mark);
  append_number(key, tree.id());
  return key;
}

}  // namespace varve::detail::history
