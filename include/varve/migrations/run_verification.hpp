// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_engine.hpp>
#include <varve/migrations/ledger_records.hpp>
#include <varve/migrations/run_meter.hpp>
#include <varve/migrations/run_words.hpp>
#include <varve/migrations/tree_digest.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace varve::detail {

template <KvEngine E>
void check_point_read(const E& engine, Tree tree, const std::string& name, const Entry& entry) {
  const auto value = engine.get(tree, entry.key);
  if (value && value->view() == entry.value) return;
  throw Error(ErrorKind::corruption,
              {.message = "after the run a scan and a get of the key " + readable(entry.key) +
                          " do not agree: the version stays as it was; check the disk, then "
                          "restore the store from its backup",
               .operation = "migrate",
               .tree = name,
               .layer = "migrated"});
}

/// Reads all that a run wrote once more, by scan and by key, through the whole
/// stack.
template <KvEngine E>
void verify_run(const E& engine, const LedgerRun& run, RunMeter& meter, std::size_t batch_records) {
  constexpr std::uint64_t sampled = 1024;
  for (const LedgerDigest& expected : run.digests) {
    TreeDigest found;
    std::uint64_t reported = 0;
    if (const auto tree = engine.find_tree(expected.tree)) {
      for (auto scan = engine.scan(*tree, KeyRange::all()); scan.valid(); scan.next()) {
        const Entry entry = scan.entry();
        if (found.records % sampled == 0) check_point_read(engine, *tree, expected.tree, entry);
        found.add(entry.key, entry.value);
        if (found.records - reported < batch_records) continue;
        meter.did(expected.tree, found.records - reported, true);
        reported = found.records;
      }
    }
    if (found == TreeDigest{.records = expected.records, .sum = expected.sum}) continue;
    throw Error(ErrorKind::corruption,
                {.message = "after the run the tree holds " + std::to_string(found.records) +
                            " records where " + std::to_string(expected.records) +
                            " were written, or others: the version stays as it was; check the "
                            "disk, then restore the store from its backup",
                 .operation = "migrate",
                 .tree = expected.tree,
                 .layer = "migrated"});
  }
}

}  // namespace varve::detail
