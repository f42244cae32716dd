// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/tree.hpp>
#include <varve/concepts/write_batch.hpp>
#include <varve/migrations/tree_digest.hpp>
#include <varve/tools/record_block.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <vector>

namespace varve::detail {

/// What becomes of some records of a tree: a batch of a run, all but the place
/// that it leads to.
struct ChangedRecords {
  /// A record that a conversion refuses. The batch erases it.
  struct Refused {
    std::string key;
    std::string value;
    std::string reason;
  };

  WriteBatch batch{};
  TreeDigest left{};  ///< of what stays in the tree, as it is then
  std::vector<Refused> refused{};
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;  ///< of the records as they were
  std::string last{};       ///< the key of the last one
  std::string scratch{};    ///< for the bytes of one

  /// The record of `key` stays in `tree`, as `value`.
  void put(Tree tree, BytesView key, BytesView value) {
    batch.put(tree, key, value);
    left.add(key, value);
  }

  /// Takes as many records from `reader` as make a batch of `full_bytes`.
  /// `change(*this, entry)` puts what becomes of one into the batch; what a
  /// codec or a conversion throws in it is why the record is refused. Then
  /// `settle(*this, entry)` answers why it cannot be so, or null; what it
  /// throws is thrown on.
  template <class Change, class Settle>
  void take(RecordBlock::Reader& reader, Tree tree, std::size_t full_bytes, Change&& change,
            Settle&& settle) {
    clear();
    BytesView reached;
    for (; reader.valid() && (records == 0 || batch.bytes().size() < full_bytes); reader.next()) {
      const Entry entry = reader.entry();
      if (changes(tree, entry, change)) {
        if (const char* const words = settle(*this, entry)) refuse(tree, entry, words);
      }
      reached = entry.key;
      ++records;
      bytes += entry.key.size() + entry.value.size();
    }
    last.assign(reached);
  }

 private:
  void clear() {
    batch.clear();
    left = {};
    refused.clear();
    records = 0;
    bytes = 0;
  }

  template <class Change>
  bool changes(Tree tree, const Entry& entry, Change& change) {
    try {
      change(*this, entry);
      return true;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      refuse(tree, entry, error.what());
      return false;
    }
  }

  void refuse(Tree tree, const Entry& entry, const char* reason) {
    refused.push_back({std::string(entry.key), std::string(entry.value), reason});
    batch.erase(tree, entry.key);
  }
};

}  // namespace varve::detail
