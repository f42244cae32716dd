// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/buffer/merge_cursor.hpp>
#include <varve/buffer/pinned.hpp>
#include <varve/concepts/refinements.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace varve::detail {

/// What an engine or a snapshot answers with the tables of a view laid over it.
template <KvReader Below>
struct BufferReads {
  using Value = BufferPinned<pinned_t<Below>>;
  using ScanType = Scan<MergeCursor<scan_t<Below>>>;

  static ScanType scan(BufferView view, const Below& below, Tree tree, KeyRange range,
                       Order order) {
    auto under = below.scan(tree, range, order);
    return ScanType({std::move(view), tree, range, order, std::move(under)});
  }

  static void multi_get(const BufferView& view, const Below& below, Tree tree,
                        std::span<const BytesView> keys, std::span<std::optional<Value>> values) {
    std::vector<BytesView> unknown;
    std::vector<std::size_t> places;
    unknown.reserve(keys.size());
    places.reserve(keys.size());
    for (std::size_t i = 0; i != keys.size(); ++i) {
      const BufferFinding finding = find_in(view, tree, keys[i]);
      if (finding.table != nullptr) {
        values[i] = Value::from(finding);
      } else {
        unknown.push_back(keys[i]);
        places.push_back(i);
      }
    }
    std::vector<std::optional<pinned_t<Below>>> found(unknown.size());
    below.multi_get(tree, unknown, found);
    for (std::size_t i = 0; i != places.size(); ++i) {
      values[places[i]] = Value::from(std::move(found[i]));
    }
  }
};

/// A snapshot of the layer below with the tables of its moment laid over it.
template <KvReader Below>
class BufferSnapshot {
  using Reads = BufferReads<Below>;

 public:
  using Value = typename Reads::Value;

  BufferSnapshot(BufferView view, Below below) noexcept
      : view_(std::move(view)), below_(std::move(below)) {}

  [[nodiscard]] std::optional<Value> get(Tree tree, BytesView key) const {
    const BufferFinding finding = find_in(view_, tree, key);
    return finding.table != nullptr ? Value::from(finding) : Value::from(below_.get(tree, key));
  }

  [[nodiscard]] bool contains(Tree tree, BytesView key) const {
    const BufferFinding finding = find_in(view_, tree, key);
    return finding.table != nullptr ? finding.record != nullptr : below_.contains(tree, key);
  }

  void multi_get(Tree tree, std::span<const BytesView> keys,
                 std::span<std::optional<Value>> values) const
    requires HasMultiGet<Below>
  {
    Reads::multi_get(view_, below_, tree, keys, values);
  }

  [[nodiscard]] auto scan(Tree tree, KeyRange range, Order order = Order::ascending) const {
    return Reads::scan(view_, below_, tree, range, order);
  }

 private:
  BufferView view_;
  Below below_;
};

}  // namespace varve::detail
