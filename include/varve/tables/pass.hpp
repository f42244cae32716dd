// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/refinements.hpp>
#include <varve/tables/access.hpp>

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace varve::detail::tables {

/// What a range of a table gives of each record.
enum class Show : std::uint8_t { records, keys, views, entries };

template <class Access, Show show>
struct RowOf;
template <class Access>
struct RowOf<Access, Show::records> {
  using type = typename Access::Table::Record;
};
template <class Access>
struct RowOf<Access, Show::views> {
  using type =
      decltype(Access::Table::Codec::template view<typename Access::Table::Record>(BytesView{}));
};
template <class Access>
struct RowOf<Access, Show::keys> {
  using type = typename Access::Table::KeyType;
};
template <class Access>
struct RowOf<Access, Show::entries> {
  using type = typename Access::Row;
};

template <class Source>
struct LiveReader {
  explicit LiveReader(const Source& source) noexcept : reader(source) {}
  const Source& reader;
};

template <class Source>
struct SnapshotReader {
  explicit SnapshotReader(const Source& source) : reader(source.snapshot()) {}
  snapshot_t<Source> reader;
};

template <class Access, Show show>
inline constexpr bool fetches = Access::is_index && (show == Show::records || show == Show::views);

/// One pass over the entries of a range. Where records are read by the way of an index, both are
/// of one state, if the source has snapshots.
template <class Source, class Access, Show show>
class Pass {
  using Reader = std::conditional_t<fetches<Access, show> && SnapshotEngine<Source>,
                                    SnapshotReader<Source>, LiveReader<Source>>;

 public:
  using Table = typename Access::Table;

  Pass(const Source& source, const TableCore& table, KeyRange range, Order order)
      : table_(&table),
        reader_(source),
        scan_(reader_.reader.scan(Access::tree(table), range, order)) {
    Access::require_readable(source, table);
    settle();
  }

  [[nodiscard]] bool valid() const noexcept { return scan_.valid(); }
  [[nodiscard]] BytesView entry_key() const { return scan_.entry().key; }

  void next() {
    row_.reset();
    scan_.next();
    settle();
  }

  /// Decoded when it is asked for, once, and kept until the pass moves.
  [[nodiscard]] auto& row() {
    if (!row_) row_.emplace(decoded());
    return *row_;
  }

 private:
  [[nodiscard]] BytesView record() const {
    if constexpr (fetches<Access, show>) {
      return record_->view();
    } else {
      return scan_.entry().value;
    }
  }

  [[nodiscard]] typename RowOf<Access, show>::type decoded() const {
    if constexpr (show == Show::records) {
      return Table::Codec::template decode<typename Table::Record>(record());
    } else if constexpr (show == Show::views) {
      return Table::Codec::template view<typename Table::Record>(record());
    } else if constexpr (show == Show::keys) {
      return Access::key(scan_.entry());
    } else {
      return Access::row(scan_.entry());
    }
  }

  void settle() {
    if constexpr (fetches<Access, show>) {
      // Without a snapshot a record may go between its entry and its reading.
      for (KeyBuffer room; scan_.valid(); scan_.next()) {
        record_ = reader_.reader.get(table_->records, Access::key_bytes(scan_.entry(), room));
        if (record_) return;
      }
    }
  }

  using ReaderType = std::remove_cvref_t<decltype(std::declval<Reader&>().reader)>;

  const TableCore* table_;
  Reader reader_;
  scan_t<ReaderType> scan_;
  std::optional<pinned_t<ReaderType>> record_;
  std::optional<typename RowOf<Access, show>::type> row_;
};

}  // namespace varve::detail::tables
