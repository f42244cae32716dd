// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/operations.hpp>
#include <varve/tools/pipe.hpp>
#include <varve/tools/record_block.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace varve {

struct CopyOptions {
  std::size_t block_bytes = std::size_t{256} << 10U;  ///< handed from reader to writer at a time
  std::size_t blocks = 8;                             ///< in flight; memory is their product
};

/// What a copy came to.
struct CopyReport {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;  ///< of keys and values

  friend bool operator==(const CopyReport&, const CopyReport&) = default;
};

/// Copies every record of `source` in `from` into `target` in `to`, which keeps what else it holds.
/// A second thread reads while the calling one writes.
///
/// What is copied is the one state of `from` at the beginning. It is durable on return; where it
/// throws, nothing is left of it in a `BulkLoadEngine`, and any part of it in another.
/// Errors: those of the two engines; `invalid_argument` for a record beyond the limits of `to`.
template <KvReader From, KvEngine To>
CopyReport copy_tree(const From& from, Tree source, To& to, Tree target, CopyOptions options = {}) {
  Pipe<RecordBlock> blocks(options.blocks, [&](const auto& push) {
    RecordBlock block;
    for (auto scan = from.scan(source, KeyRange::all()); scan.valid(); scan.next()) {
      if (block.empty()) block.reserve(options.block_bytes + options.block_bytes / 8);
      const Entry entry = scan.entry();
      block.add(entry.key, entry.value);
      if (block.bytes().size() < options.block_bytes) continue;
      if (!push(std::exchange(block, {}))) return;
    }
    if (!block.empty()) push(std::move(block));
  });
  CopyReport report;
  auto loader = bulk_loader(to, target);
  while (const auto block = blocks.pop()) {
    for (auto reader = block->read(); reader.valid(); reader.next()) {
      const Entry entry = reader.entry();
      loader.put(entry.key, entry.value);
      ++report.records;
      report.bytes += entry.key.size() + entry.value.size();
    }
  }
  loader.finish();
  return report;
}

/// Copies every tree of `from` that is not reserved into the tree of the same name of `to`, all of
/// one state. Errors and durability as of `copy_tree`, tree by tree.
template <SnapshotEngine From, KvEngine To>
CopyReport copy_trees(const From& from, To& to, CopyOptions options = {}) {
  CopyReport report;
  const std::vector<TreeInfo> trees = from.trees();
  const auto snapshot = from.snapshot();
  for (const TreeInfo& info : trees) {
    if (info.tree.reserved()) continue;
    const CopyReport one = copy_tree(snapshot, info.tree, to, to.open_tree(info.name), options);
    report.records += one.records;
    report.bytes += one.bytes;
  }
  return report;
}

}  // namespace varve
