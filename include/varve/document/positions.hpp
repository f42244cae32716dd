// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <iterator>
#include <utility>

namespace varve::detail::document {

/// The range of `source.at(0)` to `source.at(source.size() - 1)`. A copy of `Source` is in each
/// iterator, so that an iterator outlives its range.
template <class Source>
class Positions {
 public:
  class Iterator {
   public:
    using value_type = decltype(std::declval<const Source&>().at(0));
    using reference = value_type;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::random_access_iterator_tag;
    using iterator_category = std::input_iterator_tag;

    Iterator() = default;
    Iterator(Source source, difference_type at) noexcept : source_(source), at_(at) {}

    reference operator*() const { return source_.at(static_cast<std::size_t>(at_)); }
    reference operator[](difference_type by) const { return *(*this + by); }

    Iterator& operator+=(difference_type by) noexcept {
      at_ += by;
      return *this;
    }
    Iterator& operator-=(difference_type by) noexcept { return *this += -by; }
    Iterator& operator++() noexcept { return *this += 1; }
    Iterator& operator--() noexcept { return *this -= 1; }
    Iterator operator++(int) noexcept {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    Iterator operator--(int) noexcept {
      const Iterator before = *this;
      --*this;
      return before;
    }
    friend Iterator operator+(Iterator i, difference_type by) noexcept { return i += by; }
    friend Iterator operator+(difference_type by, Iterator i) noexcept { return i += by; }
    friend Iterator operator-(Iterator i, difference_type by) noexcept { return i -= by; }
    friend difference_type operator-(const Iterator& a, const Iterator& b) noexcept {
      return a.at_ - b.at_;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept { return a.at_ == b.at_; }
    friend std::strong_ordering operator<=>(const Iterator& a, const Iterator& b) noexcept {
      return a.at_ <=> b.at_;
    }

   private:
    Source source_{};
    difference_type at_ = 0;
  };

  explicit Positions(Source source) noexcept : source_(source) {}

  [[nodiscard]] Iterator begin() const noexcept { return {source_, 0}; }
  [[nodiscard]] Iterator end() const noexcept {
    return {source_, static_cast<std::ptrdiff_t>(source_.size())};
  }
  [[nodiscard]] std::size_t size() const noexcept { return source_.size(); }

 private:
  Source source_;
};

}  // namespace varve::detail::document
