// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_reader.hpp>
#include <varve/history/height.hpp>
#include <varve/history/height_error.hpp>
#include <varve/history/records.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

// What a state of the store says of its heights.
namespace varve::detail::history {

template <KvReader R>
[[nodiscard]] Head head_of(const R& reader, Tree heights) {
  auto head = read_head(reader, heights);
  if (!head) refuse_bytes(heights_tree, "the head");
  return *std::move(head);
}

inline void check_kept(Height height, Height oldest, Height latest, const char* operation) {
  if (height > latest) {
    throw HeightError(HeightFault::not_reached, height, oldest, latest, operation);
  }
  if (height < oldest) throw HeightError(HeightFault::pruned, height, oldest, latest, operation);
}

/// Whether the tree was there when the reader's state was.
template <KvReader R>
[[nodiscard]] bool is_there(const R& reader, Tree tree) {
  try {
    static_cast<void>(reader.contains(tree, "whether it is there"));
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::invalid_argument) throw;
    return false;
  }
}

/// The records that heights above `low` up to `high` changed, each as a `Key{tree, key}`, in order,
/// without those of trees that are gone.
template <class Key, KvReader R>
[[nodiscard]] std::vector<Key> changed_between(const R& reader, Tree heights, Height low,
                                               Height high) {
  std::vector<Key> keys;
  if (low == high) return keys;
  for (auto scan = scan_lists(reader, heights, {low.value + 1, 0}, high.value); scan.valid();
       scan.next()) {
    const auto [place, list] = scan.entry();
    if (list_place(place).of_pages()) continue;
    visit_list(place, list, [&](Tree tree, BytesView key) {
      keys.push_back({tree, std::string(key)});
    });
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::vector<Tree> gone;
  for (std::size_t i = 0; i != keys.size(); ++i) {
    if (i != 0 && keys[i].tree == keys[i - 1].tree) continue;
    if (!is_there(reader, keys[i].tree)) gone.push_back(keys[i].tree);
  }
  std::erase_if(keys, [&](const Key& key) {
    return std::find(gone.begin(), gone.end(), key.tree) != gone.end();
  });
  return keys;
}

}  // namespace varve::detail::history
