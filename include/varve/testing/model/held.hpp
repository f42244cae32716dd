// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/testing/any/reader.hpp>
#include <varve/testing/laws/support.hpp>
#include <varve/testing/model/model.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What the model test holds of an engine, each with what it must go on showing.
namespace varve::testing::detail {

inline void check_answer(const char* operation, const std::optional<AnyValue>& value,
                         const Contents& contents, const std::string& key) {
  const auto at = contents.find(key);
  const std::string call = operation + ("(" + show_short(key)) + ")";
  if (value && at == contents.end()) {
    fail(call + " gave " + show_short(value->view()) + " where there is nothing");
  }
  if (!value && at != contents.end()) {
    fail(call + " gave nothing where there is " + show_short(at->second));
  }
  if (value && value->view() != at->second) {
    fail(call + " gave " + show_short(value->view()) + " where there is " + show_short(at->second));
  }
}

template <KvReader R>
void check_key(const R& reader, Tree tree, const Contents& contents, const std::string& key) {
  check_answer("get", reader.get(tree, key), contents, key);
  if (reader.contains(tree, key) != contents.contains(key)) {
    fail("contains(" + show_short(key) + ") is not what get answers");
  }
}

/// Compares each tree by scans in both directions and by its keys.
template <KvReader R>
void check_contents(const R& reader, const Model::Trees& trees) {
  for (const auto& [tree, kept] : trees) {
    expect_scan(reader, tree, kept.contents, KeyRange::all(), Order::ascending);
    expect_scan(reader, tree, kept.contents, KeyRange::all(), Order::descending);
    for (const auto& [key, value] : kept.contents) check_key(reader, tree, kept.contents, key);
  }
}

class HeldValue {
 public:
  HeldValue(AnyValue pinned, std::string expected)
      : pinned_(std::move(pinned)), expected_(std::move(expected)) {}

  /// Moves the owner on the way, which must change nothing.
  void check() {
    AnyValue moved = std::move(pinned_);
    if (moved.view() != expected_) {
      fail("a pinned value shows " + show_short(moved.view()) + " where it showed " +
           show_short(expected_) + " when it was made");
    }
    pinned_ = std::move(moved);
  }

 private:
  AnyValue pinned_;
  std::string expected_;
};

class HeldScan {
 public:
  HeldScan(AnyScan scan, const Contents& contents, KeyRange range, Order order)
      : scan_(std::move(scan)) {
    for (const auto& record : contents) {
      if (range.contains(record.first)) left_.push_back(record);
    }
    if (order == Order::ascending) std::reverse(left_.begin(), left_.end());
  }

  void advance(std::uint32_t steps) {
    for (; steps > 0 && !left_.empty(); --steps) {
      const auto& [key, value] = left_.back();
      if (!scan_.valid()) fail("a held scan ended before " + show_short(key));
      if (scan_.entry() != Entry{key, value}) {
        fail("a held scan stands on " + show_short(scan_.entry().key) + " = " +
             show_short(scan_.entry().value) + " where " + show_short(key) + " = " +
             show_short(value) + " came next when it was made");
      }
      scan_.next();
      left_.pop_back();
    }
    if (left_.empty() && scan_.valid()) {
      fail("a held scan goes on to " + show_short(scan_.entry().key) + " beyond its end");
    }
  }

  void finish() { advance(static_cast<std::uint32_t>(left_.size())); }

 private:
  AnyScan scan_;
  std::vector<std::pair<std::string, std::string>> left_;  // the next one last
};

struct HeldSnapshot {
  AnyReader snapshot;
  Model::Trees trees;
};

}  // namespace varve::testing::detail
