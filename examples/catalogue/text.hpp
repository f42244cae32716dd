// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace catalogue {

/// 63666 as "63,666".
[[nodiscard]] std::string grouped(std::uint64_t number);

/// To at least `width` characters, UTF-8 counted as such, blanks at the end or before the
/// beginning.
[[nodiscard]] std::string left(std::string_view text, std::size_t width);
[[nodiscard]] std::string right(std::string_view text, std::size_t width);

/// Cut, with dots, to at most `width` characters.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t width);

/// "1.24 s", "87 ms", "730 ns": three digits and the unit that suits.
[[nodiscard]] std::string duration(double nanoseconds);

/// "0.58 / 0.81 / 1.06 us": several in the unit of the longest.
[[nodiscard]] std::string durations(std::span<const double> nanoseconds);

/// "61.4 MB", of 1000 kB each.
[[nodiscard]] std::string bytes(double count);

/// "9ad3107c".
[[nodiscard]] std::string hex(std::uint32_t number);

}  // namespace catalogue
