// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <iterator>

namespace varve::detail::packed {

/// Goes through a `Range` that has `operator[]`, which it keeps a copy of: it outlives the range,
/// as far as the bytes do.
template <class Range, class Value>
class IndexIterator {
 public:
  using value_type = Value;
  using reference = Value;
  using pointer = void;
  using difference_type = std::ptrdiff_t;
  using iterator_category = std::input_iterator_tag;
  using iterator_concept = std::random_access_iterator_tag;

  IndexIterator() = default;
  IndexIterator(const Range& range, std::size_t at) noexcept : range_(range), at_(at) {}

  [[nodiscard]] Value operator*() const { return range_[at_]; }
  [[nodiscard]] Value operator[](difference_type n) const { return *(*this + n); }

  IndexIterator& operator++() noexcept { return *this += 1; }
  IndexIterator& operator--() noexcept { return *this += -1; }
  IndexIterator operator++(int) noexcept {
    const IndexIterator before = *this;
    ++*this;
    return before;
  }
  IndexIterator operator--(int) noexcept {
    const IndexIterator before = *this;
    --*this;
    return before;
  }
  IndexIterator& operator+=(difference_type n) noexcept {
    at_ += static_cast<std::size_t>(n);
    return *this;
  }
  IndexIterator& operator-=(difference_type n) noexcept { return *this += -n; }

  [[nodiscard]] friend IndexIterator operator+(IndexIterator i, difference_type n) noexcept {
    return i += n;
  }
  [[nodiscard]] friend IndexIterator operator+(difference_type n, IndexIterator i) noexcept {
    return i += n;
  }
  [[nodiscard]] friend IndexIterator operator-(IndexIterator i, difference_type n) noexcept {
    return i -= n;
  }
  [[nodiscard]] friend difference_type operator-(const IndexIterator& a,
                                                 const IndexIterator& b) noexcept {
    return static_cast<difference_type>(a.at_) - static_cast<difference_type>(b.at_);
  }
  [[nodiscard]] friend bool operator==(const IndexIterator& a, const IndexIterator& b) noexcept {
    return a.at_ == b.at_;
  }
  [[nodiscard]] friend auto operator<=>(const IndexIterator& a, const IndexIterator& b) noexcept {
    return a.at_ <=> b.at_;
  }

 private:
  Range range_;
  std::size_t at_ = 0;
};

}  // namespace varve::detail::packed
