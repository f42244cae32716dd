// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/concepts/bytes.hpp>

#include <algorithm>
#include <cstddef>

namespace varve {

/// A text that is known at compile time, and may be a template argument: `Table<"accounts", ...>`.
template <std::size_t length>
struct FixedText {
  char text[length + 1] = {};

  constexpr FixedText() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): implicit, so that a literal is one.
  constexpr FixedText(const char (&literal)[length + 1]) noexcept {
    std::copy_n(literal, length, text);
  }

  [[nodiscard]] constexpr BytesView view() const noexcept { return {text, length}; }

  template <std::size_t other>
  [[nodiscard]] constexpr bool operator==(const FixedText<other>& that) const noexcept {
    return view() == that.view();
  }
};

template <std::size_t size>
FixedText(const char (&)[size]) -> FixedText<size - 1>;

template <std::size_t left, std::size_t right>
[[nodiscard]] constexpr FixedText<left + right> operator+(const FixedText<left>& a,
                                                          const FixedText<right>& b) noexcept {
  FixedText<left + right> joined;
  std::copy_n(a.text, left, joined.text);
  std::copy_n(b.text, right, joined.text + left);
  return joined;
}

namespace detail {

consteval std::size_t digits_of(std::size_t number) {
  return number < 10 ? 1 : 1 + digits_of(number / 10);
}

/// `number` in decimal digits.
template <std::size_t number>
consteval auto fixed_number() {
  FixedText<digits_of(number)> text;
  std::size_t left = number;
  for (std::size_t i = digits_of(number); i != 0; left /= 10) {
    text.text[--i] = static_cast<char>('0' + left % 10);
  }
  return text;
}

}  // namespace detail

}  // namespace varve
