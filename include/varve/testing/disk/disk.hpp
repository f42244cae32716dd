// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>
#include <varve/testing/disk/crash_shape.hpp>
#include <varve/testing/disk/file.hpp>
#include <varve/testing/model/random.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace varve::testing::detail {

/// Files and directories, and the changes of names that no directory was synced after. A copy is a
/// disk of its own and shares pages. Nothing here refuses: `SimulatedFileSystem` checks first.
class Disk {
 public:
  using Node = std::uint32_t;
  static constexpr Node root = 0;

  Disk() : nodes_(1) { nodes_[root].directory = true; }

  [[nodiscard]] bool is_directory(Node node) const noexcept { return nodes_[node].directory; }
  [[nodiscard]] DiskFile& file(Node node) noexcept { return nodes_[node].file; }
  [[nodiscard]] const DiskFile& file(Node node) const noexcept { return nodes_[node].file; }

  [[nodiscard]] std::optional<Node> find(Node directory, BytesView name) const {
    const auto& entries = nodes_[directory].now;
    const auto at = entries.find(name);
    if (at == entries.end()) return std::nullopt;
    return at->second;
  }

  /// The node at a path: names between slashes, from the root on whether or not one stands first.
  [[nodiscard]] std::optional<Node> find(BytesView path) const {
    Node at = root;
    while (!path.empty()) {
      const std::size_t end = std::min(path.find('/'), path.size());
      const BytesView name = path.substr(0, end);
      path.remove_prefix(std::min(end + 1, path.size()));
      if (name.empty() || name == ".") continue;
      if (!nodes_[at].directory) return std::nullopt;
      const auto next = find(at, name);
      if (!next) return std::nullopt;
      at = *next;
    }
    return at;
  }

  [[nodiscard]] std::vector<std::string> list(Node directory) const {
    std::vector<std::string> names;
    for (const auto& [name, node] : nodes_[directory].now) names.push_back(name);
    return names;
  }

  /// Bytes of all files.
  [[nodiscard]] std::uint64_t used() const {
    std::uint64_t used = 0;
    for (const NodeData& node : nodes_) used += node.file.now().size();
    return used;
  }

  Node create(Node directory, BytesView name, bool makes_directory) {
    const auto node = static_cast<Node>(nodes_.size());
    nodes_.emplace_back().directory = makes_directory;
    change({.into = directory, .added = std::string(name), .node = node});
    return node;
  }

  void remove(Node directory, BytesView name) {
    const Node node = nodes_[directory].now.find(name)->second;
    change({.from = directory, .removed = std::string(name), .node = node});
  }

  /// One change: no crash leaves both names, or neither.
  void rename(Node from, BytesView old_name, Node into, BytesView new_name) {
    const Node node = nodes_[from].now.find(old_name)->second;
    change({.from = from,
            .removed = std::string(old_name),
            .into = into,
            .added = std::string(new_name),
            .node = node});
  }

  /// A rename between directories is on disk when that which it leads into is synced.
  void sync_directory(Node directory) {
    std::erase_if(pending_, [&](const Change& change) {
      if (change.directory() != directory) return false;
      apply(change, &NodeData::on_disk);
      return true;
    });
  }

  /// Whether a crash can leave one state only.
  [[nodiscard]] bool clean() const noexcept {
    return pending_.empty() && std::all_of(nodes_.begin(), nodes_.end(),
                                           [](const NodeData& node) { return node.file.clean(); });
  }

  [[nodiscard]] Disk after_crash(const CrashShape& shape) const {
    Random random(shape.seed);
    Disk disk;
    disk.nodes_.resize(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      disk.nodes_[i].directory = nodes_[i].directory;
      disk.nodes_[i].on_disk = nodes_[i].on_disk;
    }
    disk.keep_changes(pending_, shape, random);
    std::vector<Node> reached{root};
    for (std::size_t i = 0; i < reached.size(); ++i) {
      NodeData& node = disk.nodes_[reached[i]];
      node.file = nodes_[reached[i]].file.after_crash(shape, random);
      node.now = node.on_disk;
      for (const auto& [name, below] : node.now) reached.push_back(below);
    }
    return disk;
  }

  /// Of what a program sees.
  [[nodiscard]] std::uint64_t hash() const { return hash(root, 0x2545f4914f6cdd1dU); }

 private:
  using Entries = std::map<std::string, Node, std::less<>>;

  struct NodeData {
    bool directory = false;
    DiskFile file{};
    Entries now{};
    Entries on_disk{};
  };

  /// A name taken from one directory, a name added to one, or both.
  struct Change {
    std::optional<Node> from{};
    std::string removed{};
    std::optional<Node> into{};
    std::string added{};
    Node node = root;

    [[nodiscard]] Node directory() const noexcept { return into ? *into : *from; }
  };

  void change(Change change) {
    apply(change, &NodeData::now);
    pending_.push_back(std::move(change));
  }

  void apply(const Change& change, Entries NodeData::*image) {
    if (change.from) {
      Entries& entries = nodes_[*change.from].*image;
      const auto at = entries.find(change.removed);
      if (at != entries.end() && at->second == change.node) entries.erase(at);
    }
    if (change.into) (nodes_[*change.into].*image).insert_or_assign(change.added, change.node);
  }

  void keep_changes(const std::vector<Change>& pending, const CrashShape& shape, Random& random) {
    const auto kept = random.below(static_cast<std::uint32_t>(pending.size()) + 1);
    for (std::uint32_t i = 0; i < pending.size(); ++i) {
      bool keep = false;
      switch (shape.entries) {
        case CrashShape::Entries::none: break;
        case CrashShape::Entries::all: keep = true; break;
        case CrashShape::Entries::first_ones: keep = i < kept; break;
        case CrashShape::Entries::some: keep = random.one_in(2); break;
      }
      if (keep) apply(pending[i], &NodeData::on_disk);
    }
  }

  [[nodiscard]] std::uint64_t hash(Node directory, std::uint64_t hash) const {
    for (const auto& [name, node] : nodes_[directory].now) {
      hash = hash_bytes(hash, name);
      hash = nodes_[node].directory ? mix(this->hash(node, hash), 1)
                                    : mix(hash, nodes_[node].file.hash());
    }
    return hash;
  }

  std::vector<NodeData> nodes_;
  std::vector<Change> pending_;
};

}  // namespace varve::testing::detail
