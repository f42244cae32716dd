// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/tables/access.hpp>
#include <varve/tables/core.hpp>
#include <varve/tables/key_buffer.hpp>
#include <varve/tables/opening.hpp>
#include <varve/tables/unique_value.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace varve {

enum class IndexFault : std::uint8_t {
  missing,  ///< a record has no entry that it should have
  extra,    ///< an entry is of no record, or of one that should not have it
  wrong,    ///< an entry is there and does not hold what it should
};

[[nodiscard]] constexpr BytesView to_string(IndexFault fault) noexcept {
  switch (fault) {
    case IndexFault::missing: return "missing";
    case IndexFault::extra: return "extra";
    case IndexFault::wrong: return "wrong";
  }
  return "unknown";
}

struct IndexProblem {
  IndexFault fault{};
  std::string index;
  std::string entry;   ///< the key of the entry, as it is stored
  std::string record;  ///< the key of the record, as it is stored; empty where none can be told

  friend bool operator==(const IndexProblem&, const IndexProblem&) = default;
};

/// What `verify_indexes` found.
struct IndexReport {
  std::uint64_t records = 0;
  std::uint64_t entries = 0;
  std::uint64_t missing = 0;
  std::uint64_t extra = 0;
  std::uint64_t wrong = 0;
  std::vector<IndexProblem> problems;  ///< the first of them
  std::vector<std::string> skipped;    ///< indexes that are not readable

  [[nodiscard]] bool good() const noexcept { return missing + extra + wrong == 0; }
};

}  // namespace varve

namespace varve::detail::tables {

template <class TableType, class Reader>
class IndexVerifier {
 public:
  IndexVerifier(const Reader& reader, const TableCore& table, std::size_t most_problems)
      : reader_(reader),
        table_(table),
        most_problems_(most_problems),
        readable_(readable_indexes(reader, table)) {
    for (std::size_t i = 0; i != table.indexes.size(); ++i) {
      if (!readable(i)) report_.skipped.push_back(table.indexes[i].name);
    }
  }

  [[nodiscard]] IndexReport run() {
    verify_records();
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      (verify_entries<i>(), ...);
    }(std::make_index_sequence<std::tuple_size_v<typename TableType::Indexes>>());
    return std::move(report_);
  }

 private:
  [[nodiscard]] bool readable(std::size_t index) const noexcept {
    return (readable_ >> index & 1U) != 0;
  }

  void verify_records() {
    EntryList entries;
    for (auto scan = reader_.scan(table_.records, KeyRange::all()); scan.valid(); scan.next()) {
      const auto [key, record] = scan.entry();
      ++report_.records;
      entries.clear();
      table_.entries_of(key, record, entries);
      for (std::size_t e = 0; e != entries.size(); ++e) {
        if (!readable(entries[e].index)) continue;
        const IndexCore& index = table_.indexes[entries[e].index];
        const auto there = reader_.get(index.tree, entries.key(e));
        if (!there) {
          found(report_.missing, IndexFault::missing, index, entries.key(e), key);
        } else if (there->view() != entries.value(e)) {
          found(report_.wrong, IndexFault::wrong, index, entries.key(e), key);
        }
      }
    }
  }

  template <std::size_t number>
  void verify_entries() {
    if (!readable(number)) return;
    const IndexCore& index = table_.indexes[number];
    EntryList entries;
    KeyBuffer room;
    for (auto scan = reader_.scan(index.tree, KeyRange::all()); scan.valid(); scan.next()) {
      ++report_.entries;
      const Entry entry = scan.entry();
      BytesView key;
      try {
        key = IndexAccess<TableType, number>::key_bytes(entry, room);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::corruption) throw;
      }
      const auto record = reader_.get(table_.records, key);
      entries.clear();
      if (record) table_.entries_of(key, record->view(), entries);
      bool meant = false;
      for (std::size_t e = 0; e != entries.size(); ++e) {
        meant = meant || (entries[e].index == number && entries.key(e) == entry.key);
      }
      if (!meant) found(report_.extra, IndexFault::extra, index, entry.key, key);
    }
  }

  void found(std::uint64_t& count, IndexFault fault, const IndexCore& index, BytesView entry,
             BytesView record) {
    ++count;
    if (report_.problems.size() == most_problems_) return;
    report_.problems.push_back({fault, index.name, std::string(entry), std::string(record)});
  }

  const Reader& reader_;
  const TableCore& table_;
  std::size_t most_problems_;
  std::uint64_t readable_;
  IndexReport report_;
};

template <class TableType, class Source>
[[nodiscard]] IndexReport verify(const Source& source, const TableCore& table,
                                 std::size_t most_problems) {
  if constexpr (SnapshotEngine<Source>) {
    const auto snapshot = source.snapshot();
    return IndexVerifier<TableType, snapshot_t<Source>>(snapshot, table, most_problems).run();
  } else {
    return IndexVerifier<TableType, Source>(source, table, most_problems).run();
  }
}

}  // namespace varve::detail::tables
