// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/tree.hpp>
#include <varve/tables/entry_list.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace varve::detail::tables {

struct IndexCore {
  std::string name;
  std::string definition;
  Tree tree;
  bool unique = false;
};

/// Appends the index entries of a stored record, sorted.
using EntriesOf = void(BytesView key, BytesView record, EntryList& entries);

/// What a table is once it is open, without its types.
struct TableCore {
  std::string name;
  Tree catalogue;
  Tree records;
  std::vector<IndexCore> indexes;
  EntriesOf* entries_of = nullptr;

  /// Of an `EvolvingCodecFor`, else null: throws where the codec does not read what was stored
  /// under this name and identity.
  void (*check_stored)(BytesView codec, BytesView identity) = nullptr;

  /// Which indexes could be read, a bit for each, when the number of changes of states was `seen`.
  mutable std::atomic<std::uint64_t> readable{0};
  mutable std::atomic<std::uint64_t> seen{0};
};

/// Counts the changes of states of indexes in this process, so that every handle learns of them.
inline constinit std::atomic<std::uint64_t> state_changes{1};

}  // namespace varve::detail::tables
