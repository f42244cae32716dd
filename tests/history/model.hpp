// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/history/height_error.hpp>
#include <varve/history/reading.hpp>
#include <varve/history/records.hpp>
#include <varve/history/stored_pages.hpp>
#include <varve/layers/versioned.hpp>
#include <varve/merkle/suites.hpp>
#include <varve/merkle/trie.hpp>
#include <varve/testing/model/random.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// History by brute force: the whole contents at every height.
namespace varve_test::past {

using varve::BytesView;
using varve::Height;
using varve::HeightError;
using varve::HeightFault;
using varve::KeyRange;
using varve::Order;
using varve::Tree;
using varve::WriteBatch;
using varve::testing::Random;

inline constexpr std::size_t tree_count = 3;

using Records = std::map<std::string, std::string>;
using Contents = std::vector<Records>;  // by tree

inline std::string tree_name(std::size_t number) {
  return "tree " + std::to_string(number);
}

/// Keys that are hard on the spelling of entries: around groups of eight, with zeros and 0xFF, and
/// prefixes of each other.
inline std::string hard_key(Random& random) {
  constexpr char bytes[] = {'\0', '\1', '\x08', '\x09', '\x0a', '\xff', 'k'};
  const std::uint32_t kind = random.below(4);
  std::string key(kind == 0   ? 1 + random.below(3)
                  : kind == 1 ? 7 + random.below(3)
                              : 15 + random.below(3),
                  bytes[random.below(sizeof bytes)]);
  if (random.one_in(2)) key.back() = bytes[random.below(sizeof bytes)];
  return key;
}

class Model {
 public:
  Model(std::uint64_t base, std::uint64_t retain, Contents contents = Contents(tree_count))
      : retain_(retain), floor_(base) {
    heights_[base] = std::move(contents);
  }

  [[nodiscard]] std::uint64_t latest() const { return heights_.rbegin()->first; }
  [[nodiscard]] std::uint64_t oldest() const { return heights_.begin()->first; }
  [[nodiscard]] std::uint64_t floor() const { return std::max(floor_, oldest()); }
  [[nodiscard]] const std::map<std::uint64_t, Contents>& heights() const { return heights_; }
  [[nodiscard]] const Contents& now() const { return heights_.rbegin()->second; }
  [[nodiscard]] const Contents& at(std::uint64_t height) const {
    return std::prev(heights_.upper_bound(height))->second;
  }

  void commit(std::uint64_t height, Contents contents) {
    heights_[height] = std::move(contents);
    while (heights_.size() > retain_) heights_.erase(heights_.begin());
  }

  void rollback(std::uint64_t height) {
    heights_.erase(heights_.upper_bound(height), heights_.end());
  }

  /// Whether the height has a root, and one of what is left of it: no tree went after it.
  [[nodiscard]] bool has_root(std::uint64_t height) const { return height >= floor_; }

  /// The store gets roots, from its latest height on.
  void join_roots() { floor_ = latest(); }

  /// With roots a drop is a height of its own where the tree has records.
  void drop(std::size_t tree, bool with_roots) {
    if (with_roots && !now()[tree].empty()) {
      Contents contents = now();
      contents[tree].clear();
      commit(latest() + 1, std::move(contents));
    }
    for (auto& [height, contents] : heights_) contents[tree].clear();
    floor_ = latest();
  }

 private:
  std::uint64_t retain_;
  std::uint64_t floor_ = 0;
  std::map<std::uint64_t, Contents> heights_;
};

using Trees = std::vector<Tree>;

template <class Store>
Trees open_trees(Store& store) {
  Trees trees;
  for (std::size_t i = 0; i != tree_count; ++i) trees.push_back(store.open_tree(tree_name(i)));
  return trees;
}

/// What `reader` holds, read forwards and, to compare, backwards.
template <class R>
std::optional<Contents> read(const R& reader, const Trees& trees) {
  Contents contents(tree_count);
  for (std::size_t i = 0; i != trees.size(); ++i) {
    std::vector<std::pair<std::string, std::string>> forwards;
    for (auto scan = reader.scan(trees[i], KeyRange::all()); scan.valid(); scan.next()) {
      forwards.emplace_back(scan.entry().key, scan.entry().value);
    }
    auto next = forwards.rbegin();
    for (auto scan = reader.scan(trees[i], KeyRange::all(), Order::descending); scan.valid();
         scan.next(), ++next) {
      if (next == forwards.rend() || next->first != scan.entry().key ||
          next->second != scan.entry().value) {
        return std::nullopt;
      }
    }
    if (next != forwards.rend()) return std::nullopt;
    contents[i] = Records(forwards.begin(), forwards.end());
    if (contents[i].size() != forwards.size()) return std::nullopt;
  }
  return contents;
}

/// The root by its definition: docs/formats/trie.md.
using Leaf = std::pair<varve::merkle::Digest, varve::merkle::Digest>;

inline varve::StateRoot root_of_leaves(const std::vector<Leaf>& leaves, std::size_t depth) {
  using varve::merkle::Blake3;
  if (leaves.empty()) return Blake3::empty;
  if (leaves.size() == 1) return Blake3::leaf(leaves.front().first, leaves.front().second);
  std::vector<Leaf> sides[2];
  for (const Leaf& leaf : leaves) {
    sides[varve::merkle::bit_of(leaf.first, depth) ? 1 : 0].push_back(leaf);
  }
  return Blake3::node(root_of_leaves(sides[0], depth + 1), root_of_leaves(sides[1], depth + 1));
}

inline varve::StateRoot root_of(const Contents& contents) {
  using varve::merkle::Blake3;
  std::vector<Leaf> leaves;
  for (std::size_t i = 0; i != contents.size(); ++i) {
    for (const auto& [key, value] : contents[i]) {
      leaves.emplace_back(Blake3::key_digest(tree_name(i), key), Blake3::value_digest(value));
    }
  }
  return root_of_leaves(leaves, 0);
}

/// How the store and the model differ, at any height; empty where they do not.
template <class Store>
std::string difference(const Store& store, const Trees& trees, const Model& model) {
  if (store.latest().value != model.latest()) {
    return "the latest height is " + std::to_string(store.latest().value) + ", not " +
           std::to_string(model.latest());
  }
  if (store.oldest().value != model.oldest()) {
    return "the oldest height is " + std::to_string(store.oldest().value) + ", not " +
           std::to_string(model.oldest());
  }
  if (read(store, trees) != model.now()) return "the latest state differs";
  for (const auto& [height, contents] : model.heights()) {
    if (read(store.at(Height{height}), trees) != contents) {
      return "the state at height " + std::to_string(height) + " differs";
    }
    if constexpr (requires { store.root(Height{height}); }) {
      if (model.has_root(height) && store.root(Height{height}) != root_of(contents)) {
        return "the root of height " + std::to_string(height) + " differs";
      }
    }
  }
  return {};
}

/// How the pages that are stored differ from those that somebody needs: those that the lists say
/// were replaced, and those of the latest height.
template <class R>
std::string disorder_of_pages(const R& reader, std::set<std::string> replaced) {
  namespace history = varve::detail::history;
  const Tree tree = *reader.find_tree("varve.trie");
  std::set<std::string> latest;
  for (auto scan = reader.scan(tree, KeyRange::all()); scan.valid(); scan.next()) {
    const BytesView key = scan.entry().key;
    if (replaced.erase(std::string(key)) != 0) continue;
    if (!latest.emplace(key.substr(history::height_bytes)).second) {
      return "a page is kept that nobody needs";
    }
  }
  if (!replaced.empty()) return "a page that is listed is missing";
  const Tree heights = *reader.find_tree("varve.heights");
  const std::uint64_t height = history::head_of(reader, heights).latest;
  const auto found =
      history::nearest_height(reader, heights, height, height, varve::Order::descending);
  if (!found) return "the latest height has no record";
  history::StoredPages pages(reader, tree, history::root_page_of(found->record));
  const auto walked = varve::merkle::Trie<varve::merkle::Blake3>::walk(
      pages, [](const varve::merkle::Digest&, const varve::merkle::Digest&) {});
  return walked.pages == latest.size() ? std::string() : "pages are kept that nobody needs";
}

/// How what the store keeps differs from what it says it keeps; empty where it does not.
template <class Store>
std::string disorder(const Store& store) {
  namespace history = varve::detail::history;
  const auto& next = store.next();
  const auto statistics = store.statistics();
  const auto tree = *next.find_tree("varve.heights");
  std::uint64_t records = 0;
  std::set<std::string> pages;
  for (auto scan = next.scan(tree, KeyRange::prefix("c")); scan.valid(); scan.next()) {
    const auto [key, value] = scan.entry();
    if (history::list_place(key).of_pages()) {
      history::visit_pages(key, value, [&](BytesView page) { pages.emplace(page); });
    } else {
      records += history::visit_list(key, value, [](Tree, BytesView) {});
    }
  }
  const std::uint64_t entries = varve::count(next, *next.find_tree("varve.history"));
  if (entries != records || records + pages.size() != statistics.entries + statistics.waiting) {
    return std::to_string(entries) + " entries and " + std::to_string(pages.size()) +
           " replaced pages are listed, " + std::to_string(records) + " entries are listed, " +
           std::to_string(statistics.entries) + " of both are needed and " +
           std::to_string(statistics.waiting) + " wait";
  }
  std::uint64_t heights = 0;
  for (auto scan = next.scan(tree, KeyRange::prefix("r")); scan.valid(); scan.next()) ++heights;
  if (heights != statistics.heights) {
    return std::to_string(heights) + " heights are stored, not " +
           std::to_string(statistics.heights);
  }
  return disorder_of_pages(next, std::move(pages));
}

/// Adds random changes to the batch, and does them to the contents.
inline std::size_t change(Random& random, const Trees& trees, Contents& contents,
                          WriteBatch& batch) {
  const std::size_t changes = random.one_in(8) ? 0 : 1 + random.below(12);
  for (std::size_t i = 0; i != changes; ++i) {
    const std::size_t tree = random.below(tree_count);
    const std::string key = hard_key(random);
    switch (random.below(10)) {
      case 0:
      case 1:
      case 2:
        batch.erase(trees[tree], key);
        contents[tree].erase(key);
        break;
      case 3: {
        const std::string last = hard_key(random);
        const KeyRange range = random.one_in(8)   ? KeyRange::from(key)
                               : random.one_in(2) ? KeyRange::prefix(key)
                                                  : KeyRange::between(key, last);
        batch.erase_range(trees[tree], range);
        std::erase_if(contents[tree], [&](const auto& each) { return range.contains(each.first); });
        break;
      }
      default: {
        const std::string value(random.below(4) * random.below(8),
                                static_cast<char>('a' + random.below(3)));
        batch.put(trees[tree], key, value);
        contents[tree][key] = value;
      }
    }
  }
  return changes;
}

}  // namespace varve_test::past
