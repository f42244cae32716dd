// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/history/audit_report.hpp>
#include <varve/history/committer.hpp>
#include <varve/history/height.hpp>
#include <varve/history/stored_pages.hpp>
#include <varve/merkle/multiproof.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

// The root beside the records that it is of.
namespace varve::detail::history {

/// Refuses a tree that is no part of the root. `tree_name` is none where there is no such tree.
template <KvReader R>
void check_in_root(const R& reader, const OwnTrees& trees, Tree tree,
                   const std::optional<std::string>& tree_name) {
  if (!tree.reserved() && tree_name && recorded_in_root(reader, trees, tree).value_or(true)) return;
  throw Error(ErrorKind::invalid_argument,
              {.message = "the tree is no part of the root: indexes and reserved trees are not, "
                          "nor what outside_root names",
               .operation = "prove",
               .tree = tree_name.value_or("#" + std::to_string(tree.id())),
               .layer = "versioned"});
}

/// The paths of keys of one tree under the pages of a height.
template <class Suite, KvReader R>
[[nodiscard]] std::vector<merkle::KeyProof> prove(const R& reader, const OwnTrees& trees,
                                                  BytesView tree_name,
                                                  std::span<const BytesView> keys,
                                                  const HeightRecord& height) {
  StoredPages pages(reader, trees.pages, root_page_of(height));
  std::vector<merkle::KeyProof> proofs;
  for (const BytesView key : keys) {
    const merkle::Digest digest = Suite::key_digest(tree_name, key);
    proofs.push_back({digest, merkle::Trie<Suite>::prove(pages, digest)});
  }
  return proofs;
}

/// Compares the records that `reader` holds with the pages, and those with the root.
template <class Suite, KvReader R>
[[nodiscard]] AuditReport audit(const R& reader, const std::vector<TreeInfo>& infos,
                                const OwnTrees& trees, const NumberedHeight& height) {
  AuditReport report;
  report.height = {height.number};
  report.keys = height.record.keys;
  StoredPages pages(reader, trees.pages, root_page_of(height.record));
  const merkle::TrieSummary found =
      merkle::Trie<Suite>::walk(pages, [](const merkle::Digest&, const merkle::Digest&) {});
  if (to_bytes(found.root) != height.record.root || found.count != height.record.keys) {
    report.difference = "the pages of the trie are not those of the root";
    return report;
  }
  std::uint64_t records = 0;
  for (const TreeInfo& info : infos) {
    if (info.tree.reserved() || !recorded_in_root(reader, trees, info.tree).value_or(true)) {
      continue;
    }
    for (auto scan = reader.scan(info.tree, KeyRange::all()); scan.valid(); scan.next()) {
      const auto [key, value] = scan.entry();
      ++records;
      const auto leaf = merkle::Trie<Suite>::find(pages, Suite::key_digest(info.name, key));
      if (leaf && *leaf == Suite::value_digest(value)) continue;
      report.tree = info.name;
      report.key = key;
      report.difference = leaf ? "a record holds another value than the root says"
                               : "a record is there that the root does not know";
      return report;
    }
  }
  if (records != found.count) {
    report.difference = std::to_string(found.count - records) +
                        " records that the root knows are missing; every record that is there is "
                        "right";
    return report;
  }
  report.good = true;
  return report;
}

}  // namespace varve::detail::history
