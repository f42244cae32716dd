// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <cstdint>
#include <string>

namespace varve {

/// A half-open range of keys, `[first, last)`. It views the bytes it is made from, which must live
/// as long as it is used; an operation that takes one copies what it keeps.
class KeyRange {
 public:
  /// Every key.
  [[nodiscard]] static constexpr KeyRange all() noexcept { return {{}, {}, End::none}; }

  /// The keys that start with `prefix`.
  [[nodiscard]] static constexpr KeyRange prefix(BytesView prefix) noexcept {
    return {prefix, prefix, prefix.empty() ? End::none : End::prefix};
  }

  /// The keys at and after `first`.
  [[nodiscard]] static constexpr KeyRange from(BytesView first) noexcept {
    return {first, {}, End::none};
  }

  /// The keys at and after `first` and before `last`; none where `last <= first`.
  [[nodiscard]] static constexpr KeyRange between(BytesView first, BytesView last) noexcept {
    return {first, last, End::key};
  }

  /// No key of the range is less.
  [[nodiscard]] constexpr BytesView first() const noexcept { return first_; }

  [[nodiscard]] constexpr bool contains(BytesView key) const noexcept {
    switch (end_) {
      case End::none: return key >= first_;
      case End::key: return key >= first_ && key < last_;
      case End::prefix: break;
    }
    return key.substr(0, first_.size()) == first_;
  }

  friend class KeyBounds;

 private:
  enum class End : std::uint8_t { none, key, prefix };

  constexpr KeyRange(BytesView first, BytesView last, End end) noexcept
      : first_(first), last_(last), end_(end) {}

  BytesView first_;
  BytesView last_;
  End end_;
};

/// A `KeyRange` that owns its two ends, as a scan keeps it. A prefix becomes an interval: its end
/// is the prefix with its last byte that is not 0xFF raised by one and the rest cut off; a prefix
/// of 0xFF alone has no end.
class KeyBounds {
 public:
  KeyBounds() = default;

  explicit KeyBounds(KeyRange range) : first_(range.first_), last_(range.last_) {
    bounded_ = range.end_ != KeyRange::End::none;
    if (range.end_ != KeyRange::End::prefix) return;
    while (!last_.empty() && last_.back() == '\xff') last_.pop_back();
    bounded_ = !last_.empty();
    if (bounded_) last_.back() = static_cast<char>(static_cast<unsigned char>(last_.back()) + 1U);
  }

  [[nodiscard]] BytesView first() const noexcept { return first_; }

  /// Whether the range has an end; where it has none, `last()` says nothing.
  [[nodiscard]] bool bounded() const noexcept { return bounded_; }
  [[nodiscard]] BytesView last() const noexcept { return last_; }

  /// Whether no key can lie in the range.
  [[nodiscard]] bool empty() const noexcept { return bounded_ && last_ <= first_; }

  [[nodiscard]] bool reached_by(BytesView key) const noexcept { return key >= first_; }
  [[nodiscard]] bool passed_by(BytesView key) const noexcept { return bounded_ && key >= last_; }
  [[nodiscard]] bool contains(BytesView key) const noexcept {
    return reached_by(key) && !passed_by(key);
  }

 private:
  std::string first_;
  std::string last_;
  bool bounded_ = false;
};

}  // namespace varve
