// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_reader.hpp>
#include <varve/concepts/write_batch.hpp>
#include <varve/history/format.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail::history {

/// Where the history of a store stands. Written in the batch of every height.
struct Head {
  std::uint8_t format = 1;
  std::uint64_t oldest = 0;  ///< the lowest height that can be read
  std::uint64_t latest = 0;
  std::uint64_t floor = 0;          ///< no rollback goes below it
  std::uint64_t heights = 1;        ///< records of heights from the oldest on
  std::uint64_t entries = 0;        ///< of the heights above the oldest
  std::uint64_t bytes = 0;          ///< of those and of their lists
  std::uint64_t waiting = 0;        ///< entries up to the oldest, which are to be removed
  std::uint64_t pruned_height = 0;  ///< every list before this place is gone
  std::uint32_t pruned_part = 0;
  std::string commitment;  ///< by name

  friend bool operator==(const Head&, const Head&) = default;
};

[[nodiscard]] inline std::string to_bytes(const Head& head) {
  std::string body;
  append_number(body, head.format);
  for (const std::uint64_t number : {head.oldest, head.latest, head.floor, head.heights,
                                     head.entries, head.bytes, head.waiting, head.pruned_height}) {
    append_number(body, number);
  }
  append_number(body, head.pruned_part);
  append_bytes(body, head.commitment);
  return sealed(head_key, body);
}

[[nodiscard]] inline Head parse_head(BytesView value) {
  FieldReader fields(unsealed(head_key, value));
  Head head;
  head.format = fields.number<std::uint8_t>();
  for (std::uint64_t* const number :
       {&head.oldest, &head.latest, &head.floor, &head.heights, &head.entries, &head.bytes,
        &head.waiting, &head.pruned_height}) {
    *number = fields.number<std::uint64_t>();
  }
  head.pruned_part = fields.number<std::uint32_t>();
  head.commitment = fields.bytes();
  if (!fields.good() || !fields.at_end() || head.format != 1 || head.oldest > head.latest) {
    refuse_bytes(heights_tree, "the head");
  }
  return head;
}

/// Nothing where the tree has no head.
template <KvReader R>
[[nodiscard]] std::optional<Head> read_head(const R& reader, Tree heights) {
  const auto value = reader.get(heights, head_key);
  if (!value) return std::nullopt;
  return parse_head(value->view());
}

/// A committed height.
struct HeightRecord {
  std::uint64_t entries = 0;    ///< of the height
  std::uint64_t bytes = 0;      ///< of those, of the pages and of the lists
  std::uint64_t keys = 0;       ///< that the root is of
  std::uint64_t root_page = 0;  ///< the height that wrote the root page, where there are keys
  std::string root;             ///< empty where there is none

  friend bool operator==(const HeightRecord&, const HeightRecord&) = default;
};

[[nodiscard]] inline std::string to_bytes(BytesView key, const HeightRecord& record) {
  std::string body;
  append_number(body, record.entries);
  append_number(body, record.bytes);
  append_number(body, record.keys);
  append_number(body, record.root_page);
  append_bytes(body, record.root);
  return sealed(key, body);
}

[[nodiscard]] inline HeightRecord parse_height(BytesView key, BytesView value) {
  FieldReader fields(unsealed(key, value));
  HeightRecord record;
  record.entries = fields.number<std::uint64_t>();
  record.bytes = fields.number<std::uint64_t>();
  record.keys = fields.number<std::uint64_t>();
  record.root_page = fields.number<std::uint64_t>();
  record.root = fields.bytes();
  if (!fields.good() || !fields.at_end()) refuse_bytes(heights_tree, "the record of a height");
  return record;
}

struct NumberedHeight {
  std::uint64_t number = 0;
  HeightRecord record;
};

/// The nearest committed height of [from, to], from the side of `order`.
template <KvReader R>
[[nodiscard]] std::optional<NumberedHeight> nearest_height(const R& reader, Tree heights,
                                                           std::uint64_t from, std::uint64_t to,
                                                           Order order) {
  if (from > to) return std::nullopt;
  const std::string first = height_key(from);
  const std::string last = height_key(to) + '\0';
  const auto scan = reader.scan(heights, KeyRange::between(first, last), order);
  if (!scan.valid()) return std::nullopt;
  const auto [key, value] = scan.entry();
  if (key.size() != 9) refuse_bytes(heights_tree, "a key");
  return NumberedHeight{number_at<std::uint64_t>(key.data() + 1), parse_height(key, value)};
}

// A list: records that one height changed, or pages of the trie that it replaced, at most so many.

inline constexpr std::size_t list_length = 128;

/// The parts from here on list pages.
inline constexpr std::uint32_t first_of_pages = 0x8000'0000U;

inline void append_to_list(std::string& body, Tree tree, BytesView key) {
  append_number(body, tree.id());
  append_bytes(body, key);
}

/// Calls `visit(tree, key)` for each record of a list, and answers how many there are.
template <class Visit>
std::size_t visit_list(BytesView key, BytesView value, Visit&& visit) {
  FieldReader fields(unsealed(key, value));
  std::size_t count = 0;
  for (; !fields.at_end(); ++count) {
    const Tree tree = Tree::from_id(fields.number<std::uint32_t>());
    const BytesView changed = fields.bytes();
    if (!fields.good()) refuse_bytes(heights_tree, "a list");
    visit(tree, changed);
  }
  return count;
}

/// As `visit_list`, of pages: calls `visit(key)` with where each is stored.
template <class Visit>
std::size_t visit_pages(BytesView key, BytesView value, Visit&& visit) {
  FieldReader fields(unsealed(key, value));
  std::size_t count = 0;
  for (; !fields.at_end(); ++count) {
    const BytesView page = fields.bytes();
    if (!fields.good()) refuse_bytes(heights_tree, "a list");
    visit(page);
  }
  return count;
}

struct ListPlace {
  std::uint64_t height = 0;
  std::uint32_t part = 0;

  [[nodiscard]] bool of_pages() const noexcept { return part >= first_of_pages; }
};

[[nodiscard]] inline ListPlace list_place(BytesView key) {
  if (key.size() != 13) refuse_bytes(heights_tree, "a key");
  return {number_at<std::uint64_t>(key.data() + 1), number_at<std::uint32_t>(key.data() + 9)};
}

/// The lists of the heights from the place on up to the height.
template <KvReader R>
[[nodiscard]] auto scan_lists(const R& reader, Tree heights, ListPlace from, std::uint64_t to) {
  const std::string first = list_key(from.height, from.part);
  const std::string last = list_key(to, 0xffff'ffffU) + '\0';
  return reader.scan(heights, KeyRange::between(first, last));
}

}  // namespace varve::detail::history
