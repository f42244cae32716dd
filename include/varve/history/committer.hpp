// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/history/aside_blocks.hpp>
#include <varve/history/change_set.hpp>
#include <varve/history/height_writer.hpp>
#include <varve/history/options.hpp>
#include <varve/history/page_heights.hpp>
#include <varve/history/page_writer.hpp>
#include <varve/history/records.hpp>
#include <varve/history/stored_pages.hpp>
#include <varve/history/tree_names.hpp>
#include <varve/history/uncommitted.hpp>
#include <varve/merkle/leaf_batch.hpp>
#include <varve/merkle/suites.hpp>
#include <varve/merkle/trie.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace varve::detail::history {

[[nodiscard]] inline std::string to_bytes(const merkle::Digest& digest) {
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

[[nodiscard]] inline std::optional<merkle::Digest> to_digest(BytesView bytes) {
  merkle::Digest digest{};
  if (bytes.size() != digest.size()) return std::nullopt;
  std::memcpy(digest.data(), bytes.data(), digest.size());
  return digest;
}

/// Whether a tree is part of the root, where that was decided.
template <KvReader R>
[[nodiscard]] std::optional<bool> recorded_in_root(const R& reader, const OwnTrees& trees,
                                                   Tree tree) {
  const std::string key = tree_key(tree);
  const auto value = reader.get(trees.heights, key);
  if (!value) return std::nullopt;
  const BytesView body = unsealed(key, value->view());
  if (body != "\1" && body != BytesView("\0", 1)) refuse_bytes(heights_tree, "a tree's record");
  return body.front() == '\1';
}

/// Commits each height to the trie of a suite, of whose pages the store keeps what each height
/// wrote.
template <class Suite>
class Committer {
 public:
  using Trie = merkle::Trie<Suite>;
  using Update = merkle::TrieUpdate;

  static constexpr bool commits = true;

  explicit Committer(const VersionedOptions& options)
      : outside_(options.outside_root),
        page_heights_(options.trie_cache_bytes / 12),
        build_bytes_(std::max(options.trie_cache_bytes, least_build_bytes)),
        trie_({.cache_bytes = options.trie_cache_bytes, .threads = options.hash_threads}) {}

  template <KvEngine Next>
  std::optional<Head> open(Next& next, const OwnTrees& trees, const Head& head) {
    if (head.commitment == Uncommitted::name) return build(next, trees, head);
    if (head.commitment != Suite::name) refuse_commitment(head.commitment, Suite::name);
    for (const TreeInfo& info : next.trees()) {
      if (!is_outside(info.name) || !recorded_in_root(next, trees, info.tree).value_or(false)) {
        continue;
      }
      throw Error(ErrorKind::invalid_argument,
                  {.message = "the tree is part of the root since its first change and stays so: "
                              "take it out of outside_root",
                   .operation = "open",
                   .tree = info.name,
                   .layer = "versioned"});
    }
    return std::nullopt;
  }

  template <KvEngine Next>
  static bool in_root(const Next& next, const OwnTrees& trees, Tree tree) {
    return !tree.reserved() && recorded_in_root(next, trees, tree).value_or(false);
  }

  /// `changes` are sorted by tree.
  template <KvEngine Next>
  Update update(const Next& next, const OwnTrees& trees, const WriteBatch& batch,
                std::span<const RecordChange> changes, WriteBatch& out) {
    joining_.clear();
    check_root_page(next, trees);
    std::vector<merkle::Change> leaves;
    leaves.reserve(changes.size());
    while (!changes.empty()) {
      const Tree tree = changes.front().tree;
      std::size_t count = 1;
      while (count != changes.size() && changes[count].tree == tree) ++count;
      const Member& member = member_of(next, trees, tree, batch, out);
      if (member.in_root) add_leaves(member.name, changes.first(count), leaves);
      changes = changes.subspan(count);
    }
    return trie_.update(latest_pages(next, trees), leaves);
  }

  /// Adds the pages that change to the height; answers its record.
  template <KvEngine Next>
  HeightRecord finish(const Next& next, const Update& update, const OwnTrees& trees,
                      HeightWriter& height) {
    written_.clear();
    auto pages = latest_pages(next, trees);
    PageWriter(pages, height, written_).add(update.pages());
    next_root_page_ = update.pages().empty() ? root_page_.value_or(0) : height.number();
    return height.finish(update.count(), to_bytes(update.root()), next_root_page_);
  }

  /// What the last `update` came to is stored.
  void accept(const Update& update) noexcept {
    members_.merge(joining_);
    trie_.accept(update);
    for (const auto& [page, below] : written_) page_heights_.note(page, below);
    root_page_ = update.count() != 0 ? std::optional(next_root_page_) : std::nullopt;
  }

  /// The root in the record of a height.
  static merkle::Digest answer(BytesView root) {
    const auto digest = to_digest(root);
    if (!digest) refuse_bytes(heights_tree, "the root of a height");
    return *digest;
  }

  /// Nothing where there is no such tree.
  template <KvEngine Next>
  [[nodiscard]] std::optional<std::string> name_of(const Next& next, Tree tree) const {
    return names_.name_of(next, tree);
  }

  void forget() noexcept {
    trie_.forget();
    page_heights_.forget();
    members_.clear();
    checked_ = false;
  }

 private:
  struct Member {
    std::string name;
    bool in_root = false;
  };

  /// No page above vouches for the root page, but the latest height does.
  template <KvEngine Next>
  void check_root_page(const Next& next, const OwnTrees& trees) {
    if (checked_) return;
    const auto head = read_head(next, trees.heights);
    if (!head) refuse_bytes(heights_tree, "the head");
    const auto latest =
        nearest_height(next, trees.heights, head->latest, head->latest, Order::ascending);
    root_page_ = latest ? root_page_of(latest->record) : std::nullopt;
    const merkle::Digest root = Trie::root(latest_pages(next, trees));
    if (!latest || latest->record.root != to_bytes(root)) {
      throw merkle::damaged_page({}, "does not have the root of the latest height");
    }
    checked_ = true;
  }

  static constexpr std::size_t build_batch_bytes = std::size_t{4} << 20U;
  static constexpr std::size_t least_build_bytes = std::size_t{1} << 20U;

  template <KvEngine Next>
  [[nodiscard]] auto latest_pages(const Next& next, const OwnTrees& trees) {
    return StoredPages<Next, PageHeights&>(next, trees.pages, root_page_, page_heights_);
  }

  [[nodiscard]] bool is_outside(BytesView tree_name) const {
    return std::find(outside_.begin(), outside_.end(), tree_name) != outside_.end();
  }

  /// Indexes of tables are derived from their records, and are not part of the root.
  template <KvEngine Next>
  [[nodiscard]] bool decide(const Next& next, const std::string& tree_name,
                            const WriteBatch& batch) const {
    if (is_outside(tree_name)) return false;
    const auto catalogue = next.find_tree("varve.tables");
    if (tree_name.find('.') == std::string::npos || !catalogue) return true;
    for (const WriteOp op : batch) {
      if (op.tree == *catalogue && op.kind == WriteOpKind::put && op.key == tree_name) return false;
    }
    return !next.contains(*catalogue, tree_name);
  }

  static void record(const OwnTrees& trees, Tree tree, bool in_root, WriteBatch& out) {
    const std::string key = tree_key(tree);
    out.put(trees.heights, key, sealed(key, BytesView(in_root ? "\1" : "\0", 1)));
  }

  template <KvEngine Next>
  const Member& member_of(const Next& next, const OwnTrees& trees, Tree tree,
                          const WriteBatch& batch, WriteBatch& out) {
    if (const auto at = members_.find(tree); at != members_.end()) return at->second;
    Member& member = joining_[tree];
    member.name = names_.name_of(next, tree).value_or("");
    if (const auto recorded = recorded_in_root(next, trees, tree)) {
      member.in_root = *recorded;
    } else {
      member.in_root = decide(next, member.name, batch);
      record(trees, tree, member.in_root, out);
    }
    return member;
  }

  static void add_leaves(BytesView tree_name, std::span<const RecordChange> changes,
                         std::vector<merkle::Change>& leaves) {
    std::vector<BytesView> keys;
    std::vector<BytesView> values;
    for (const RecordChange& change : changes) {
      keys.push_back(change.key);
      if (change.after) values.push_back(*change.after);
    }
    std::vector<merkle::Digest> key_digests(keys.size());
    std::vector<merkle::Digest> value_digests(values.size());
    Suite::key_digests(tree_name, keys, key_digests);
    Suite::value_digests(values, value_digests);
    std::size_t value = 0;
    for (std::size_t i = 0; i != changes.size(); ++i) {
      leaves.push_back({key_digests[i], std::nullopt});
      if (changes[i].after) leaves.back().value = value_digests[value++];
    }
  }

  /// The pages of all that the store holds, in one pass, with as much memory as the pages have
  /// later. Begun anew where it was interrupted.
  template <KvEngine Next>
  Head build(Next& next, const OwnTrees& trees, Head head) {
    if (next.scan(trees.pages, KeyRange::all()).valid()) {
      next.write(WriteBatch().erase_range(trees.pages, KeyRange::all()), Durability::buffered);
    }
    WriteBatch out;
    WriteBatch last;
    std::vector<TreeInfo> members;
    for (TreeInfo& info : next.trees()) {
      if (info.tree.reserved() || !next.scan(info.tree, KeyRange::all()).valid()) continue;
      const bool in_root = decide(next, info.name, {});
      record(trees, info.tree, in_root, last);
      if (in_root) members.push_back(std::move(info));
    }
    const auto source = [&](const auto& add) {
      for (const TreeInfo& info : members) {
        merkle::LeafBatch<Suite, decltype(add)> batch(info.name, add);
        for (auto scan = next.scan(info.tree, KeyRange::all()); scan.valid(); scan.next()) {
          const Entry entry = scan.entry();
          batch.add(entry.key, entry.value);
        }
        batch.flush();
      }
    };
    HeightsBelow below;
    below.fill(head.latest);
    std::string value;
    const auto write = [&](BytesView key, BytesView page) {
      put_page_version(value, head.latest, page, below);
      out.put(trees.pages, page_version_key(head.latest, key), value);
      if (out.bytes().size() < build_batch_bytes) return;
      next.write(out, Durability::buffered);
      out.clear();
    };
    AsideBlocks<Next> aside(next, trees.pages);
    const merkle::TrieSummary built = Trie::build(source, write, aside, build_bytes_);
    head.commitment = Suite::name;
    head.floor = head.latest;  // The pages have no past before.
    const std::string key = height_key(head.latest);
    const auto stored = next.get(trees.heights, key);
    if (!stored) refuse_bytes(heights_tree, "the head");
    HeightRecord height = parse_height(key, stored->view());
    height.keys = built.count;
    height.root_page = head.latest;
    height.root = to_bytes(built.root);
    last.put(trees.heights, key, to_bytes(key, height));
    last.put(trees.heights, head_key, to_bytes(head));
    aside.erase(last);
    next.write(out.append(last), Durability::synced);
    return head;
  }

  std::vector<std::string> outside_;
  PageHeights page_heights_;
  std::size_t build_bytes_;
  Trie trie_;
  TreeNames names_;
  std::map<Tree, Member> members_;
  bool checked_ = false;                    ///< the root page
  std::optional<std::uint64_t> root_page_;  ///< the height that wrote it, where it is checked

  // By the last update, which may never be stored.
  std::map<Tree, Member> joining_;
  std::vector<std::pair<BytesView, HeightsBelow>> written_;
  std::uint64_t next_root_page_ = 0;
};

}  // namespace varve::detail::history
