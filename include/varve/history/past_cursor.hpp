// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/kv_reader.hpp>
#include <varve/history/format.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace varve::detail::history {

/// The first entry of a key above a height; nothing where the key has not changed since.
template <KvReader R>
[[nodiscard]] std::optional<std::string> first_above(const R& reader, Tree entries,
                                                     std::string prefix, std::uint64_t height) {
  if (height == ~std::uint64_t{0}) return std::nullopt;
  std::string last = prefix;
  append_number(prefix, height + 1);
  last.append(height_bytes + 1, '\xff');
  const auto scan = reader.scan(entries, KeyRange::between(prefix, last));
  if (!scan.valid()) return std::nullopt;
  return std::string(scan.entry().value);
}

/// Goes over the keys of a range that have changed since a height, with what they held then.
template <KvReader R>
class PastCursor {
 public:
  /// Shares the reader, so that it may outlive what made it.
  PastCursor(std::shared_ptr<const R> reader, Tree entries, Tree tree, const KeyBounds& keys,
             std::uint64_t height, Order order)
      : PastCursor(std::move(reader), entries, EntryBounds(tree, keys), height, order) {}

  [[nodiscard]] bool valid() const noexcept { return valid_; }
  [[nodiscard]] BytesView key() const noexcept { return key_; }
  [[nodiscard]] std::optional<BytesView> value() const { return held_before(value_); }

  void next() {
    pass_key();
    settle();
  }

 private:
  /// After so many steps within one key it is looked for instead.
  static constexpr int most_steps = 8;

  PastCursor(std::shared_ptr<const R> reader, Tree entries, const EntryBounds& bounds,
             std::uint64_t height, Order order)
      : reader_(std::move(reader)),
        entries_(entries),
        first_(bounds.first()),
        last_(bounds.last()),
        height_(height),
        order_(order),
        scan_(reader_->scan(entries_, KeyRange::between(first_, last_), order_)) {
    settle();
  }

  [[nodiscard]] bool at_key() const {
    return scan_.valid() && entry_place(scan_.entry().key).prefix == prefix_;
  }

  void settle() {
    valid_ = false;
    while (scan_.valid() && !valid_) {
      prefix_ = entry_place(scan_.entry().key).prefix;
      if (order_ == Order::ascending) {
        find_ascending();
      } else {
        find_descending();
      }
      if (!valid_) pass_key();
    }
    if (valid_) key_of_prefix(prefix_, key_);
  }

  /// The entries of the key come with the lowest height first.
  void find_ascending() {
    for (int steps = 0; at_key(); ++steps) {
      if (entry_place(scan_.entry().key).height > height_) {
        value_ = scan_.entry().value;
        valid_ = true;
        return;
      }
      if (steps == most_steps) return look_up();
      scan_.next();
    }
  }

  /// The entries of the key come with the highest height first.
  void find_descending() {
    for (int steps = 0; at_key(); ++steps) {
      if (entry_place(scan_.entry().key).height <= height_) return;
      if (steps == most_steps) return look_up();
      value_ = scan_.entry().value;
      valid_ = true;
      scan_.next();
    }
  }

  void look_up() {
    auto found = first_above(*reader_, entries_, prefix_, height_);
    valid_ = found.has_value();
    if (found) value_ = *std::move(found);
  }

  void pass_key() {
    for (int steps = 0; at_key(); ++steps) {
      if (steps != most_steps) {
        scan_.next();
        continue;
      }
      std::string end = prefix_;
      if (order_ == Order::ascending) {
        end.append(height_bytes + 1, '\xff');
        first_ = std::move(end);
      } else {
        last_ = std::move(end);
      }
      scan_ = reader_->scan(entries_, KeyRange::between(first_, last_), order_);
    }
  }

  std::shared_ptr<const R> reader_;
  Tree entries_;
  std::string first_;
  std::string last_;
  std::uint64_t height_;
  Order order_;
  scan_t<R> scan_;
  std::string prefix_;
  std::string key_;
  std::string value_;
  bool valid_ = false;
};

}  // namespace varve::detail::history
