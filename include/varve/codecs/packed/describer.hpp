// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <varve/codecs/fixed_text.hpp>
#include <varve/concepts/bytes.hpp>

#include <cstddef>
#include <cstdint>

namespace varve::detail::packed {

/// Takes down the description of a type; without a place to write to it only counts.
class Describer {
 public:
  constexpr Describer() = default;
  constexpr explicit Describer(char* to) noexcept : to_(to) {}

  constexpr void text(BytesView text) noexcept {
    if (to_ != nullptr) text.copy(to_ + size_, text.size());
    size_ += text.size();
  }

  constexpr void number(std::intmax_t number) noexcept {
    char digits[20] = {};
    std::size_t first = sizeof digits;
    do {
      digits[--first] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    text(BytesView(digits + first, sizeof digits - first));
  }

  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

 private:
  char* to_ = nullptr;
  std::size_t size_ = 0;
};

template <class Wire>
consteval auto describe() {
  constexpr std::size_t size = [] {
    Describer counting;
    Wire::describe(counting);
    return counting.size();
  }();
  FixedText<size> text;
  Describer out(text.text);
  Wire::describe(out);
  return text;
}

/// What a type is on the wire, in words that do not depend on compiler or machine.
template <class Wire>
inline constexpr auto description = describe<Wire>();

}  // namespace varve::detail::packed
